/** From DuckDB's values to those of a row: plain where JavaScript has the type, exact where it has not. */
import type { DuckDBType, DuckDBValue } from '@duckdb/node-api';
import { nearestFloat } from '../core/decimal.ts';
import { SourceError } from '../core/errors.ts';
import { Duration, LocalDate, LocalDateTime, LocalTime, ZonedDateTime, ZonedTime } from '../core/temporal.ts';
import { duckdb } from './duckdb-api.ts';

const {
  DuckDBArrayType,
  DuckDBArrayValue,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBIntervalValue,
  DuckDBListType,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimeNSValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeTZValue,
  DuckDBTimeValue,
  DuckDBTypeId,
  DuckDBUnionValue,
} = duckdb;

export const DECIMAL_FORMS = ['number', 'text'] as const;
/** How decimals arrive: as the nearest number, or exact as text. */
export type DecimalForm = (typeof DECIMAL_FORMS)[number];

/** Turns a value of one column into the value of a row. */
export type ValueDecoder = (value: DuckDBValue) => unknown;

/** Types whose values are rows' values already, null included. */
const PLAIN: ReadonlySet<DuckDBType['typeId']> = new Set([
  DuckDBTypeId.BOOLEAN,
  DuckDBTypeId.TINYINT,
  DuckDBTypeId.SMALLINT,
  DuckDBTypeId.INTEGER,
  DuckDBTypeId.UTINYINT,
  DuckDBTypeId.USMALLINT,
  DuckDBTypeId.UINTEGER,
  DuckDBTypeId.FLOAT,
  DuckDBTypeId.DOUBLE,
  DuckDBTypeId.ENUM,
  DuckDBTypeId.SQLNULL,
]);

const FLOATING: ReadonlySet<DuckDBType['typeId']> = new Set([
  DuckDBTypeId.FLOAT,
  DuckDBTypeId.DOUBLE,
  DuckDBTypeId.DECIMAL,
]);

export const INTEGERS: ReadonlySet<DuckDBType['typeId']> = new Set([
  DuckDBTypeId.TINYINT,
  DuckDBTypeId.SMALLINT,
  DuckDBTypeId.INTEGER,
  DuckDBTypeId.BIGINT,
  DuckDBTypeId.HUGEINT,
  DuckDBTypeId.UTINYINT,
  DuckDBTypeId.USMALLINT,
  DuckDBTypeId.UINTEGER,
  DuckDBTypeId.UBIGINT,
  DuckDBTypeId.UHUGEINT,
  DuckDBTypeId.BIGNUM,
]);

const MAX_SHARED_TEXTS = 4096;

/** Whether the values of a column become numbers or bigints. */
export function isNumeric({ typeId }: DuckDBType, decimals: DecimalForm): boolean {
  if (typeId === DuckDBTypeId.DECIMAL) return decimals === 'number';
  return INTEGERS.has(typeId) || FLOATING.has(typeId);
}

/** Whether the column's numbers, or those of its lists, are floating point, also where they happen to be whole. */
export function isFloating(type: DuckDBType): boolean {
  if (type instanceof DuckDBListType || type instanceof DuckDBArrayType) return isFloating(type.valueType);
  return FLOATING.has(type.typeId);
}

/** Gives the decoder for a column, or undefined when its values can be used as they are. */
export function decoderFor(type: DuckDBType, decimals: DecimalForm): ValueDecoder | undefined {
  if (type.typeId === DuckDBTypeId.VARCHAR) return sharedTexts();
  return PLAIN.has(type.typeId) ? undefined : (value) => decodeValue(value, decimals);
}

/**
 * Keeps one string for each text of a column, until the column turns out to have too many: keys and categories recur,
 * and the backlog of a grid holds hundreds of thousands of rows.
 */
function sharedTexts(): ValueDecoder {
  let known: Map<string, string> | undefined = new Map();
  return (value) => {
    if (known === undefined || typeof value !== 'string') return value;
    const shared = known.get(value);
    if (shared !== undefined) return shared;
    if (known.size === MAX_SHARED_TEXTS) known = undefined;
    else known.set(value, value);
    return value;
  };
}

/**
 * Integers become numbers where that is safe and bigints beyond; timestamps, dates and times the classes of
 * `core/temporal`; lists arrays; structs and maps objects; UUIDs, bit strings and what else there is, text.
 * @throws {@link SourceError} `GW_SOURCE_FORMAT` for an infinite timestamp or date: no property can hold it.
 */
export function decodeValue(value: DuckDBValue, decimals: DecimalForm): unknown {
  if (value === null || typeof value !== 'object')
    return typeof value === 'bigint' ? safeInteger(value) : value;
  if (value instanceof DuckDBTimestampValue) return localDateTime(value, value.micros, 1_000_000n, 1000);
  if (value instanceof DuckDBTimestampTZValue) {
    const { epochSecond, nanosecond } = localDateTime(value, value.micros, 1_000_000n, 1000);
    return new ZonedDateTime(epochSecond, nanosecond);
  }
  if (value instanceof DuckDBDateValue) {
    if (!value.isFinite) throw infinite(value);
    return new LocalDate(value.days);
  }
  if (value instanceof DuckDBDecimalValue) {
    const text = value.toString();
    const number = decimals === 'text' ? text : nearestFloat(text);
    if (number !== undefined) return number;
    throw new SourceError(
      'GW_SOURCE_FORMAT',
      `The source holds the number ${text}, which no float holds; read it with decimals: 'text'.`,
    );
  }
  if (value instanceof DuckDBTimestampSecondsValue) return localDateTime(value, value.seconds, 1n, 0);
  if (value instanceof DuckDBTimestampMillisecondsValue)
    return localDateTime(value, value.millis, 1000n, 1e6);
  if (value instanceof DuckDBTimestampNanosecondsValue)
    return localDateTime(value, value.nanos, 1_000_000_000n, 1);
  if (value instanceof DuckDBTimeValue || value instanceof DuckDBTimeNSValue) {
    const nanos = value instanceof DuckDBTimeNSValue ? value.nanos : value.micros * 1000n;
    return isMidnightAfter(nanos) ? value.toString() : localTime(nanos);
  }
  if (value instanceof DuckDBTimeTZValue) {
    if (isMidnightAfter(value.micros * 1000n)) return value.toString();
    const { secondOfDay, nanosecond } = localTime(value.micros * 1000n);
    return new ZonedTime(secondOfDay, nanosecond, value.offset);
  }
  if (value instanceof DuckDBIntervalValue) {
    const { months, days, micros } = value;
    const [seconds, rest] = divide(micros, 1_000_000n);
    return new Duration(months, days, seconds, rest * 1000);
  }
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) {
    return value.items.map((item) => decodeValue(item, decimals));
  }
  if (value instanceof DuckDBStructValue) {
    return Object.fromEntries(Object.entries(value.entries).map(([k, v]) => [k, decodeValue(v, decimals)]));
  }
  if (value instanceof DuckDBMapValue) {
    return Object.fromEntries(
      value.entries.map((entry) => [String(entry.key), decodeValue(entry.value, decimals)]),
    );
  }
  if (value instanceof DuckDBUnionValue) return decodeValue(value.value, decimals);
  // A copy: the bytes are the reader's, and it takes them back with the next chunk.
  if (value instanceof DuckDBBlobValue) return Uint8Array.from(value.bytes);
  return value.toString();
}

function safeInteger(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function localDateTime(
  value: DuckDBValue & { readonly isFinite?: boolean },
  ticks: bigint,
  ticksASecond: bigint,
  nanosATick: number,
): LocalDateTime {
  if (value.isFinite === false) throw infinite(value);
  const [seconds, rest] = divide(ticks, ticksASecond);
  return new LocalDateTime(seconds, rest * nanosATick);
}

function localTime(nanos: bigint): LocalTime {
  const [seconds, rest] = divide(nanos, 1_000_000_000n);
  return new LocalTime(seconds, rest);
}

/** The end of a day, which DuckDB has as a time and Neo4j has not. */
function isMidnightAfter(nanos: bigint): boolean {
  return nanos >= 86_400_000_000_000n;
}

/** Floors, so that the rest is never negative; plain numbers as long as they are exact, for speed. */
function divide(ticks: bigint, by: bigint): readonly [quotient: number, rest: number] {
  const number = Number(ticks);
  if (Number.isSafeInteger(number)) {
    const divisor = Number(by);
    const quotient = Math.floor(number / divisor);
    return [quotient, number - quotient * divisor];
  }
  const rest = ((ticks % by) + by) % by;
  return [Number((ticks - rest) / by), Number(rest)];
}

function infinite(value: DuckDBValue): SourceError {
  return new SourceError(
    'GW_SOURCE_FORMAT',
    `The source holds ${value}, and no Neo4j type has an infinite date.`,
  );
}
