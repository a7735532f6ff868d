/**
 * Columns of DuckDB's chunks, put into tables in one go. `getItem` makes a BigInt for each integer and each look at a null,
 * and a value object for each timestamp: of the client's time for 1 M taxi trips (19 columns) that was the larger part. What
 * a vector holds is private to its class, so a vector that is not as expected is read item by item; DuckDB's version is
 * pinned.
 */
import type { DuckDBType, DuckDBVector } from '@duckdb/node-api';
import {
  DOUBLE_WORDS,
  MAX_INLINE_TEXT,
  MICROS,
  PACKED_WORDS,
  type PackedKind,
  type PackedPlace,
  setNull,
} from '../core/packed-values.ts';
import { TEXT_WORDS } from '../core/recent-texts.ts';
import type { ColumnKind, RowTable } from '../core/row-table.ts';
import { duckdb, duckdbBindings } from './duckdb-api.ts';
import type { ValueDecoder } from './duckdb-values.ts';

const { DuckDBTypeId, DuckDBVarCharVector } = duckdb;

interface VectorInside {
  readonly items?: unknown;
  readonly dataView?: unknown;
  readonly validity?: { readonly data?: unknown; readonly offset?: unknown };
}

type IsNull = (i: number) => boolean;

/** Rows of a chunk that become rows of a table. */
export interface VectorPart {
  readonly vector: DuckDBVector;
  readonly from: number;
  readonly count: number;
  /** What makes a row's value of DuckDB's, where they differ. */
  readonly decode: ValueDecoder | undefined;
}

const TWO_TO_32 = 2 ** 32;
const NO_HALVES = new Int32Array(0);
/** DuckDB's infinite dates. */
const INFINITE_DAYS = 2 ** 31 - 1;
/** Behind a long text's size and its first four bytes. */
const ADDRESS_WORD = 2;
/** Bytes between two texts of one copy, at most; less than a page, so that there is memory in between. */
const MAX_GAP = 64;
/** Of texts that follow each other, copied at once. */
const MAX_COPY_BYTES = 2 ** 20;

const KINDS: ReadonlyMap<DuckDBType['typeId'], ColumnKind> = new Map([
  [DuckDBTypeId.TINYINT, 'number'],
  [DuckDBTypeId.SMALLINT, 'number'],
  [DuckDBTypeId.INTEGER, 'number'],
  [DuckDBTypeId.BIGINT, 'number'],
  [DuckDBTypeId.UTINYINT, 'number'],
  [DuckDBTypeId.USMALLINT, 'number'],
  [DuckDBTypeId.UINTEGER, 'number'],
  [DuckDBTypeId.FLOAT, 'number'],
  [DuckDBTypeId.DOUBLE, 'number'],
  [DuckDBTypeId.TIMESTAMP, 'localDateTime'],
  [DuckDBTypeId.TIMESTAMP_TZ, 'zonedDateTime'],
  [DuckDBTypeId.DATE, 'localDate'],
  [DuckDBTypeId.VARCHAR, 'text'],
]);

/** Texts beyond so many words of a row are listed: with a text that comes again, that takes half the memory. */
const MAX_PACKED_WORDS = 128;

/**
 * Gives the form in which the values of each column are kept as long as all of them fit.
 * @param types None where the column holds numbers of our own.
 */
export function kindsOf(types: readonly (DuckDBType | undefined)[]): readonly ColumnKind[] {
  let words = 0;
  return types.map((type) => {
    const kind = type ? (KINDS.get(type.typeId) ?? 'list') : 'number';
    if (kind === 'list' || (kind === 'text' && words >= MAX_PACKED_WORDS)) return 'list';
    words += PACKED_WORDS[kind];
    return kind;
  });
}

/**
 * Puts values into the rows of a column from row `to` on; says no where one does not fit into what the column's layout
 * has for it: a whole number beyond the safe ones, an infinite date, a long text.
 */
export function fillColumn(table: RowTable, c: number, to: number, part: VectorPart): boolean {
  const inside = part.vector as unknown as VectorInside;
  const isNull = inside.validity && nulls(inside.validity);
  const kind = table.layout.kinds[c]!;
  if (kind === 'list') {
    const read = itemReader(table, c, part, isNull);
    for (let i = part.from; i < part.from + part.count; i++) table.list(c).push(read(i));
    return true;
  }
  if (!isNull) return false;
  if (kind === 'text') return fillTexts(table, c, to, part, isNull);
  const { items } = inside;
  if (!ArrayBuffer.isView(items) || items instanceof DataView || items instanceof BigUint64Array)
    return false;
  return fillNumbers(table.place(c), kind, to, part, items as NodeJS.TypedArray, isNull);
}

/** In one loop, because what a function gives that reads one number is an object of 16 bytes. */
function fillNumbers(
  { words, doubles, stride, offset }: PackedPlace,
  kind: PackedKind,
  to: number,
  { from, count }: VectorPart,
  items: NodeJS.TypedArray,
  isNull: IsNull,
): boolean {
  const isWhole = items instanceof BigInt64Array;
  const halves = isWhole ? new Int32Array(items.buffer, items.byteOffset, 2 * items.length) : NO_HALVES;
  const numbers = items as Float64Array;
  for (let i = 0; i < count; i++) {
    const at = (to + i) * stride + offset;
    const row = from + i;
    if (isNull(row)) setNull(kind, words, at);
    else if (isWhole) {
      const low = halves[2 * row]! >>> 0;
      const high = halves[2 * row + 1]! * TWO_TO_32;
      const number = high + low;
      // Whole seconds are exact as far as they go: 9999-12-31 stands for no end.
      const isExact =
        Number.isSafeInteger(number) || (kind !== 'number' && number % MICROS === 0 && number - high === low);
      if (!isExact) return false;
      doubles[at / DOUBLE_WORDS] = number;
    } else {
      const number = numbers[row]!;
      if (kind === 'localDate' && Math.abs(number) >= INFINITE_DAYS) return false;
      doubles[at / DOUBLE_WORDS] = number;
    }
  }
  return true;
}

/** Texts of up to twelve bytes stand in the vector itself, longer ones in blocks that it points into. */
function fillTexts(
  table: RowTable,
  c: number,
  to: number,
  { vector, from, count }: VectorPart,
  isNull: IsNull,
): boolean {
  const slots = textSlots(vector);
  if (!slots) return false;
  const { words, stride, offset } = table.place(c);
  const end = from + count;
  let block: TextBlock | undefined;
  for (let i = from; i < end; i++) {
    const at = (to + i - from) * stride + offset;
    const slot = i * TEXT_WORDS;
    if (isNull(i)) setNull('text', words, at);
    else if (isInline(slots, slot)) for (let w = 0; w < TEXT_WORDS; w++) words[at + w] = slots[slot + w]!;
    else {
      if (!block || !isWithin(block, slots, slot)) block = copyBlock(slots, i, end, isNull);
      const start = addressOf(slots, slot) - block.address;
      if (!table.setText(at, block.bytes, start, slots[slot]!)) return false;
    }
  }
  return true;
}

/** A copy of memory in which texts stand. */
interface TextBlock {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** Copies a text together with those of the next rows that stand behind it: a copy for each took half of the reader's time. */
function copyBlock(slots: Int32Array, row: number, endRow: number, isNull: IsNull): TextBlock {
  const first = row * TEXT_WORDS;
  const address = addressOf(slots, first);
  let end = address + slots[first]!;
  for (let i = row + 1; i < endRow; i++) {
    const slot = i * TEXT_WORDS;
    if (isNull(i) || slots[slot]! <= MAX_INLINE_TEXT) continue;
    const next = addressOf(slots, slot);
    if (next < end || next > end + MAX_GAP || next + slots[slot]! > address + MAX_COPY_BYTES) break;
    end = next + slots[slot]!;
  }
  const pointer = slots.byteOffset + (first + ADDRESS_WORD) * slots.BYTES_PER_ELEMENT;
  const bytes = duckdbBindings.get_data_from_pointer(slots.buffer as ArrayBuffer, pointer, end - address);
  return { address, bytes };
}

function isWithin({ address, bytes }: TextBlock, slots: Int32Array, slot: number): boolean {
  const start = addressOf(slots, slot);
  return start >= address && start + slots[slot]! <= address + bytes.length;
}

/** Of a long text; below 2^48, so a number holds it. */
function addressOf(slots: Int32Array, slot: number): number {
  return (slots[slot + ADDRESS_WORD]! >>> 0) + (slots[slot + ADDRESS_WORD + 1]! >>> 0) * TWO_TO_32;
}

/** Gives what reads the values of a list, short texts by the cache of its column. */
function itemReader(
  { layout }: RowTable,
  c: number,
  { vector, decode }: VectorPart,
  isNull: IsNull | undefined,
): (i: number) => unknown {
  const oneByOne = (i: number) => (decode ? decode(vector.getItem(i)) : vector.getItem(i));
  const slots = isNull && textSlots(vector);
  if (!slots) return oneByOne;
  return (i) =>
    !isNull(i) && isInline(slots, i * TEXT_WORDS)
      ? layout.recent[c]!.textAt(slots, i * TEXT_WORDS)
      : oneByOne(i);
}

function isInline(slots: Int32Array, slot: number): boolean {
  return slots[slot]! <= MAX_INLINE_TEXT;
}

/** A text's size, then the text itself as far as it is short, else its beginning and where the rest is. */
function textSlots(vector: DuckDBVector): Int32Array | undefined {
  const { dataView } = vector as unknown as VectorInside;
  if (!(vector instanceof DuckDBVarCharVector && dataView instanceof DataView)) return undefined;
  const { buffer, byteOffset, byteLength } = dataView;
  const bytes = Int32Array.BYTES_PER_ELEMENT;
  return byteOffset % bytes === 0 ? new Int32Array(buffer, byteOffset, byteLength / bytes) : undefined;
}

/** A bit says that a value is there; without bits all are. */
function nulls({ data, offset }: NonNullable<VectorInside['validity']>): IsNull | undefined {
  if (data === null) return () => false;
  if (!(data instanceof BigUint64Array) || typeof offset !== 'number') return undefined;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return (i) => ((bytes[(offset + i) >> 3]! >> ((offset + i) & 7)) & 1) === 0;
}
