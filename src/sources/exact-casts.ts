/**
 * Casts of texts that lose nothing. DuckDB's own round, cut and drop without a word: 1.5 becomes the INTEGER 2, a
 * TIMESTAMP loses its offset and its seventh digit. So a text is looked at before it is cast, in SQL: of 3 M flights
 * (two integers, a timestamp) that takes 0.3 s of CPU, with the casts.
 */
import type { DuckDBType } from '@duckdb/node-api';
import { TWO_TO_53 } from '../core/decimal.ts';
import { sqlText } from './duckdb.ts';
import { duckdb } from './duckdb-api.ts';
import { INTEGERS } from './duckdb-values.ts';

const { DuckDBArrayType, DuckDBDecimalType, DuckDBListType, DuckDBTypeId } = duckdb;

/** Digits of a second's fraction that a type holds. */
const FRACTION_DIGITS: ReadonlyMap<DuckDBType['typeId'], number> = new Map([
  [DuckDBTypeId.TIMESTAMP, 6],
  [DuckDBTypeId.TIMESTAMP_TZ, 6],
  [DuckDBTypeId.TIMESTAMP_S, 0],
  [DuckDBTypeId.TIMESTAMP_MS, 3],
  [DuckDBTypeId.TIMESTAMP_NS, 9],
  [DuckDBTypeId.TIME, 6],
  [DuckDBTypeId.TIME_TZ, 6],
  [DuckDBTypeId.TIME_NS, 9],
  [DuckDBTypeId.INTERVAL, 6],
]);

const ZONED: ReadonlySet<DuckDBType['typeId']> = new Set([DuckDBTypeId.TIMESTAMP_TZ, DuckDBTypeId.TIME_TZ]);
const TIMES: ReadonlySet<DuckDBType['typeId']> = new Set([
  DuckDBTypeId.TIME,
  DuckDBTypeId.TIME_TZ,
  DuckDBTypeId.TIME_NS,
]);

/** All integers below are floats of 32 bits; those of 64 reach to 2^53. */
const FLOAT_INTEGERS = 2 ** 24;

/** Gives SQL for the value of a text, which is null where the type has no such value exactly. */
export function exactCast(text: string, type: DuckDBType): string {
  if (type.typeId === DuckDBTypeId.VARCHAR) return text;
  const isExact = exactText(text, type);
  const cast = `TRY_CAST(${text} AS ${type})`;
  return isExact === undefined ? cast : `CASE WHEN ${isExact} THEN ${cast} END`;
}

/** Gives SQL for whether a text that can be cast loses nothing by it; undefined where none does. */
function exactText(text: string, type: DuckDBType): string | undefined {
  const { typeId } = type;
  if (INTEGERS.has(typeId)) return matches(text, String.raw`\s*[+-]?[\d_]+(\.0*)?([eE]\+?\d+)?\s*`);
  if (type instanceof DuckDBDecimalType)
    return matches(text, String.raw`\s*[+-]?[\d_]*(\.\d{0,${type.scale}}0*)?([eE]\+?\d+)?\s*`);
  if (typeId === DuckDBTypeId.DOUBLE || typeId === DuckDBTypeId.FLOAT) return exactFloat(text, type);
  if (typeId === DuckDBTypeId.DATE)
    return matches(
      text,
      String.raw`\s*(-?\d+[-/ \\]\d+[-/ \\]\d+( \(BC\))?([ T]00:00:00(\.0*)?)?|-?[a-zA-Z]+)\s*`,
    );
  if (type instanceof DuckDBListType || type instanceof DuckDBArrayType) {
    const isExact = exactText('item', type.valueType);
    if (isExact === undefined) return undefined;
    const items = `TRY_CAST(${text} AS VARCHAR[])`;
    return `NOT coalesce(list_contains(list_transform(${items}, lambda item: ${isExact}), false), false)`;
  }
  const digits = FRACTION_DIGITS.get(typeId);
  if (digits === undefined) return undefined;
  const losses = [String.raw`\.\d{${digits}}\d*[1-9]`];
  if (TIMES.has(typeId)) losses.push(String.raw`\d[-/]\d+[-/]\d`);
  if (!ZONED.has(typeId) && typeId !== DuckDBTypeId.INTERVAL)
    losses.push(String.raw`:\d+(\.\d*)?\s*[-+a-zA-Z]`);
  const loses = `regexp_matches(${text}, ${sqlText(losses.join('|'))})`;
  if (typeId !== DuckDBTypeId.TIMESTAMP) return `NOT ${loses}`;
  // Most look like this, and it costs a third of the expression.
  return `${text} LIKE '____-__-_____:__:__' AND NOT suffix(${text}, 'Z') OR NOT ${loses}`;
}

/** The nearest number is what a float means, but a text that looks like an integer means that integer. */
function exactFloat(text: string, type: DuckDBType): string {
  const float = `TRY_CAST(${text} AS ${type})`;
  const below = type.typeId === DuckDBTypeId.DOUBLE ? TWO_TO_53 : FLOAT_INTEGERS;
  const isSame = `coalesce(TRY_CAST(${text} AS HUGEINT) = TRY_CAST(${float} AS HUGEINT), false)`;
  const isInteger = matches(text, String.raw`\s*[+-]?[\d_]+\s*`);
  // What is beyond all floats would be infinite.
  const isInfinite = `isinf(${float}) AND NOT contains(lower(${text}), 'inf')`;
  return `abs(${float}) < ${below} OR (NOT ${isInteger} OR ${isSame}) AND NOT (${isInfinite})`;
}

function matches(text: string, pattern: string): string {
  return `regexp_full_match(${text}, ${sqlText(pattern)})`;
}
