/**
 * Columns of DuckDB's chunks, read in one go. `getItem` makes a BigInt for each integer and each look at a null, and a
 * value object for each timestamp: of the client's time for 1 M taxi trips (19 columns) that was the larger part. What a
 * vector holds is private to its class, so a vector that is not as expected is read item by item; DuckDB's version is
 * pinned.
 */
import {
  DuckDBBigIntVector,
  DuckDBDateVector,
  DuckDBDoubleVector,
  DuckDBTimestampTZVector,
  DuckDBTimestampVector,
  DuckDBVarCharVector,
  type DuckDBVector,
} from '@duckdb/node-api';
import { LocalDate, LocalDateTime, ZonedDateTime } from '../core/temporal.ts';
import type { ValueDecoder } from './duckdb-values.ts';

interface VectorInside {
  readonly items?: unknown;
  readonly dataView?: unknown;
  readonly validity?: { readonly data?: unknown; readonly offset?: unknown };
}

type IsNull = (i: number) => boolean;

const MICROS = 1_000_000;
const TWO_TO_32 = 2 ** 32;
/** DuckDB's infinite dates. */
const INFINITE_DAYS = 2 ** 31 - 1;
/** A text's size, then the text itself as far as it is short, else its beginning and where the rest is. */
const TEXT_SLOT = 16;
const TEXT_AT = 4;
const MAX_INLINE = TEXT_SLOT - TEXT_AT;
/** The first byte of a byte order mark, which DuckDB's own decoder drops. */
const BOM_BEGINS = 0xef;

/** Gives the values of a column as a row has them. @param decode What makes them of DuckDB's, where they differ. */
export function readColumn(
  vector: DuckDBVector,
  count: number,
  decode: ValueDecoder | undefined,
): readonly unknown[] {
  const values = new Array<unknown>(count);
  const oneByOne = (i: number) => (decode ? decode(vector.getItem(i)) : vector.getItem(i));
  const read = readerOf(vector as unknown as VectorInside, vector, oneByOne, decode) ?? oneByOne;
  for (let i = 0; i < count; i++) values[i] = read(i);
  return values;
}

/** @param oneByOne What reads the rare values: beyond the safe integers, infinite, long. */
function readerOf(
  { items, dataView, validity }: VectorInside,
  vector: DuckDBVector,
  oneByOne: (i: number) => unknown,
  decode: ValueDecoder | undefined,
): ((i: number) => unknown) | undefined {
  const isNull = validity && nulls(validity);
  if (!isNull) return undefined;
  if (vector instanceof DuckDBVarCharVector && dataView instanceof DataView) {
    return textReader(dataView, isNull, oneByOne, decode);
  }
  if (vector instanceof DuckDBDoubleVector && items instanceof Float64Array) {
    return (i) => (isNull(i) ? null : items[i]);
  }
  if (vector instanceof DuckDBDateVector && items instanceof Int32Array) {
    return (i) => {
      if (isNull(i)) return null;
      const days = items[i]!;
      return Math.abs(days) >= INFINITE_DAYS ? oneByOne(i) : new LocalDate(days);
    };
  }
  if (!(items instanceof BigInt64Array)) return undefined;
  const halves = new Int32Array(items.buffer, items.byteOffset, 2 * items.length);
  const numberAt = (i: number) => halves[2 * i + 1]! * TWO_TO_32 + (halves[2 * i]! >>> 0);
  if (vector instanceof DuckDBBigIntVector) {
    return (i) => {
      if (isNull(i)) return null;
      const number = numberAt(i);
      return Number.isSafeInteger(number) ? number : oneByOne(i);
    };
  }
  const isZoned = vector instanceof DuckDBTimestampTZVector;
  if (!isZoned && !(vector instanceof DuckDBTimestampVector)) return undefined;
  return (i) => {
    if (isNull(i)) return null;
    const micros = numberAt(i);
    if (!Number.isSafeInteger(micros)) return oneByOne(i);
    const seconds = Math.floor(micros / MICROS);
    const nanosecond = (micros - seconds * MICROS) * 1000;
    return isZoned ? new ZonedDateTime(seconds, nanosecond) : new LocalDateTime(seconds, nanosecond);
  };
}

/** Texts of up to twelve bytes stand in the vector itself, and most of a table's are no longer. */
function textReader(
  slots: DataView,
  isNull: IsNull,
  oneByOne: (i: number) => unknown,
  decode: ValueDecoder | undefined,
): (i: number) => unknown {
  const { buffer, byteOffset, byteLength } = slots;
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  const read = (i: number) => {
    const at = i * TEXT_SLOT;
    const size = slots.getUint32(at, true);
    const text = bytes.toString('utf8', at + TEXT_AT, at + TEXT_AT + size);
    return decode ? decode(text) : text;
  };
  const words = byteOffset % 4 === 0 ? new Int32Array(buffer, byteOffset, byteLength / 4) : undefined;
  const recent = words && decode?.recent;
  return (i) => {
    if (isNull(i)) return null;
    const at = i * TEXT_SLOT;
    if (slots.getUint32(at, true) > MAX_INLINE || bytes[at + TEXT_AT] === BOM_BEGINS) return oneByOne(i);
    return recent ? recent.textAt(words, i, read) : read(i);
  };
}

/** A bit says that a value is there; without bits all are. */
function nulls({ data, offset }: NonNullable<VectorInside['validity']>): IsNull | undefined {
  if (data === null) return () => false;
  if (!(data instanceof BigUint64Array) || typeof offset !== 'number') return undefined;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return (i) => ((bytes[(offset + i) >> 3]! >> ((offset + i) & 7)) & 1) === 0;
}
