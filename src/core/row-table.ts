/**
 * Rows of a file, packed one after the other as engines do it that sort or partition more rows than they like to hold as
 * objects (Kuiper and Mühleisen, "These rows are made for sorting and that's just what we'll do", ICDE 2023). A load holds
 * hundreds of thousands of rows back, and as objects they are what garbage collection copies again and again: 2.3 of the 5.6
 * s of CPU that the client spent on 1 M taxi trips. A row becomes an object when somebody wants to look at one.
 */
import {
  DOUBLE_WORDS,
  isMissing,
  MAX_INLINE_TEXT,
  missingReader,
  PACKED_WORDS,
  type PackedColumn,
  type PackedKind,
  type PackedPlace,
  packedReader,
  TEXT_HASH,
  TEXT_PLACE,
  type ValueReader,
} from './packed-values.ts';
import { RecentTexts } from './recent-texts.ts';

type Fields = Record<string, unknown>;

/** `list`: values as JavaScript has them, beside the packed ones. */
export type ColumnKind = PackedKind | 'list';

const TABLE = Symbol('table');
const READERS = Symbol('readers');
const AT = Symbol('at');

/**
 * Stands for one row of a table after the other: its fields can be read like an object's, until it is moved on. Who keeps
 * what it is given, or looks for more than fields, gets a row of its own in place of it.
 */
export class RowCursor {
  readonly [TABLE]: RowTable;
  readonly [READERS]: readonly ValueReader[];
  [AT] = 0;

  constructor(table: RowTable, readers: readonly ValueReader[]) {
    this[TABLE] = table;
    this[READERS] = readers;
  }
}

/** 32 MB in all. */
const MOST_SPARE_WORDS = 2 ** 23;

/**
 * Keeps arrays for the next table that needs one of the same length. V8 counts them as its own memory: left to garbage
 * collection, they made it go through the whole heap 45 times in a load of 1 M taxi trips, and 15 times since; that was a sixth of the
 * client's CPU time (4.3 s in place of 5.2, medians of four in turn, 2026-11-26).
 */
class SpareWords {
  /** By length, the one that was asked for last in the end. */
  readonly #byLength = new Map<number, Int32Array[]>();
  #words = 0;

  take(length: number): Int32Array {
    const same = this.#byLength.get(length) ?? [];
    this.#byLength.delete(length);
    this.#byLength.set(length, same);
    const spare = same.pop();
    if (spare) this.#words -= length;
    return spare ?? new Int32Array(length);
  }

  /** Lengths that nobody has asked for are not kept, and those that nobody has asked for in the longest time make room. */
  give(words: Int32Array): void {
    const same = this.#byLength.get(words.length);
    if (!same || words.length === 0) return;
    same.push(words);
    this.#words += words.length;
    for (const [length, { length: count }] of this.#byLength) {
      if (this.#words <= MOST_SPARE_WORDS) break;
      this.#byLength.delete(length);
      this.#words -= length * count;
    }
  }

  clear(): void {
    this.#byLength.clear();
    this.#words = 0;
  }
}

const NO_WORDS = new Int32Array(0);
/** Memory of tables that are done with, for those to come. */
export const SPARE_WORDS = new SpareWords();

/** Files of the same columns have one layout, so that their rows can stand in one table. */
const LAYOUTS = new Map<string, RowLayout>();
const MAX_LAYOUTS = 32;

/**
 * Which columns rows have, and where. Its functions are compiled from the names of the columns: a row is one object literal,
 * half the memory of one that is filled field by field (64 instead of 96 bytes for five fields) in two thirds of the time.
 */
export class RowLayout {
  readonly names: readonly string[];
  readonly kinds: readonly ColumnKind[];
  /** By column: words before it in a row; of a list its place among the lists. */
  readonly offsets: readonly number[];
  /** The offsets of texts. */
  readonly textOffsets: readonly number[];
  /** Words of a row. */
  readonly stride: number;
  readonly lists: number;
  /** By column: the texts that were read last. */
  readonly recent: readonly RecentTexts[];
  /** Makes an object of row `i`. */
  readonly rowOf: (readers: readonly ValueReader[], i: number) => Fields;
  readonly #Cursor: new (
    table: RowTable,
    readers: readonly ValueReader[],
  ) => RowCursor;

  private constructor(names: readonly string[], kinds: readonly ColumnKind[]) {
    this.names = names;
    this.kinds = kinds;
    let [stride, lists] = [0, 0];
    this.offsets = kinds.map((kind) => {
      if (kind === 'list') return lists++;
      stride += PACKED_WORDS[kind];
      return stride - PACKED_WORDS[kind];
    });
    [this.stride, this.lists] = [stride, lists];
    this.textOffsets = this.offsets.filter((_, c) => kinds[c] === 'text');
    this.recent = names.map(() => new RecentTexts());
    const fields = names.map((name, c) => {
      const key = JSON.stringify(name);
      // Without brackets this one would not be a field.
      return `${name === '__proto__' ? `[${key}]` : key}: readers[${c}](i)`;
    });
    this.rowOf = new Function('readers', 'i', `return { ${fields.join(', ')} };`) as RowLayout['rowOf'];
    const getters = names.map(
      (name, c) => `get [${JSON.stringify(name)}]() { return this[READERS][${c}](this[AT]); }`,
    );
    const source = `return class extends RowCursor { ${getters.join('\n')} };`;
    this.#Cursor = new Function('RowCursor', 'READERS', 'AT', source)(RowCursor, READERS, AT);
  }

  /** Gives the layout of these columns, the same as before while there are not too many. */
  static of(names: readonly string[], kinds: readonly ColumnKind[]): RowLayout {
    const id = JSON.stringify([names, kinds]);
    let layout = LAYOUTS.get(id);
    if (!layout) {
      if (LAYOUTS.size >= MAX_LAYOUTS) LAYOUTS.clear();
      layout = new RowLayout([...names], [...kinds]);
      LAYOUTS.set(id, layout);
    }
    return layout;
  }

  cursor(table: RowTable, readers: readonly ValueReader[]): RowCursor {
    return new this.#Cursor(table, readers);
  }
}

const BYTES = Int32Array.BYTES_PER_ELEMENT;
const NO_BYTES = Buffer.alloc(0);
/** In words; a large grid has many tables with few texts. */
const FIRST_TEXT_WORDS = 16;
/** A place is a whole number of 32 bits. */
const MAX_TEXT_BYTES = 2 ** 31 - 1;
/** A table with so much takes no more rows, so that there is room for those of one that are picked or put together. */
const MOST_TEXT_BYTES = 2 ** 30;
/** A table with less text is not looked through for texts that come again. */
const MUCH_TEXT_BYTES = 4096;
const RECENT_TEXTS = 256;

/** The long texts of a table, one after the other; one that came lately is not kept twice. */
class TextArena {
  bytes: Buffer = NO_BYTES;
  /** Bytes that are in use. */
  size = 0;
  #words: Int32Array = NO_WORDS;
  /** By hash: where the text stands that came last. */
  #recent: Int32Array | undefined;

  get isFull(): boolean {
    return this.size >= MOST_TEXT_BYTES;
  }

  /** Gives the place of a text. */
  add(bytes: Uint8Array, from: number, size: number, hash: number): number {
    if (this.size >= MUCH_TEXT_BYTES) {
      this.#recent ??= new Int32Array(RECENT_TEXTS);
      const place = this.#recent[hash & (RECENT_TEXTS - 1)]!;
      if (this.#isAt(place, bytes, from, size)) return place;
      this.#recent[hash & (RECENT_TEXTS - 1)] = this.size;
    }
    const place = this.size;
    this.size += size;
    if (this.size > MAX_TEXT_BYTES)
      throw new RangeError(`Texts of a batch come to more than ${MAX_TEXT_BYTES} bytes.`);
    if (this.size > this.bytes.length) this.#grow(place);
    for (let i = 0; i < size; i++) this.bytes[place + i] = bytes[from + i]!;
    return place;
  }

  release(): void {
    SPARE_WORDS.give(this.#words);
  }

  #isAt(place: number, bytes: Uint8Array, from: number, size: number): boolean {
    if (place + size > this.size) return false;
    // From behind: identifiers and addresses often begin alike.
    for (let i = size - 1; i >= 0; i--) if (this.bytes[place + i] !== bytes[from + i]) return false;
    return true;
  }

  #grow(used: number): void {
    const needed = Math.ceil(this.size / BYTES);
    const grown = SPARE_WORDS.take(Math.max(FIRST_TEXT_WORDS, 2 ** Math.ceil(Math.log2(needed))));
    const bytes = Buffer.from(grown.buffer, grown.byteOffset, grown.byteLength);
    this.bytes.copy(bytes, 0, 0, used);
    SPARE_WORDS.give(this.#words);
    [this.#words, this.bytes] = [grown, bytes];
  }
}

/** As Lua 5.1 does it: of a long text some of the bytes. */
function textHash(bytes: Uint8Array, from: number, size: number): number {
  const step = 1 + (size >> 5);
  let hash = size;
  for (let i = size - 1; i >= 0; i -= step) hash = Math.imul(hash ^ bytes[from + i]!, 0x01000193);
  return Math.imul(hash ^ (hash >>> 15), 0x9e3779b1);
}

/** Few rows: a large grid has many cells that hold no more. */
const LEAST_CAPACITY = 8;

/** Rows of one layout. */
export class RowTable {
  readonly layout: RowLayout;
  #words: Int32Array;
  #doubles: Float64Array;
  #texts = new TextArena();
  #lists: readonly unknown[][];
  #length = 0;
  #readers: readonly ValueReader[] | undefined;

  /** Makes an empty table. @param capacity Rows that it has room for; it grows. Default: few. */
  constructor(layout: RowLayout, capacity = LEAST_CAPACITY) {
    this.layout = layout;
    this.#words = SPARE_WORDS.take(capacity * layout.stride);
    this.#doubles = doublesOf(this.#words);
    this.#lists = Array.from({ length: layout.lists }, () => []);
  }

  /** Makes a table of the row of a cursor. */
  static of(cursor: RowCursor): RowTable {
    const table = new RowTable(cursor[TABLE].layout);
    table.push(cursor);
    return table;
  }

  get length(): number {
    return this.#length;
  }

  /** Gives what reads a column; undefined where there is none of that name. */
  values(name: string): ValueReader | undefined {
    return this.#allReaders()[this.layout.names.indexOf(name)];
  }

  /** Gives a column as it is packed; undefined for a list, or where there is none of that name. */
  packed(name: string): PackedColumn | undefined {
    const c = this.layout.names.indexOf(name);
    const kind = this.layout.kinds[c];
    return kind === undefined || kind === 'list' ? undefined : { kind, place: this.place(c) };
  }

  /** Says of a column's values whether they are missing: null, or not a number (NaN). */
  missing(name: string): ValueReader<boolean> {
    const packed = this.packed(name);
    if (packed) return missingReader(packed);
    const read = this.values(name);
    return (i) => isMissing(read?.(i));
  }

  /** Makes an object of a row. */
  rowAt(i: number): Fields {
    return this.layout.rowOf(this.#allReaders(), i);
  }

  /** Makes objects of all rows. */
  rows(): Fields[] {
    return Array.from({ length: this.#length }, (_, i) => this.rowAt(i));
  }

  /** Gives what moves a cursor to a row: always the same one. */
  look(): (i: number) => RowCursor {
    const cursor = this.layout.cursor(this, this.#allReaders());
    return (i) => {
      cursor[AT] = i;
      return cursor;
    };
  }

  /** Adds the row of a cursor; false where it is of another layout, or where there is no room for more texts. */
  push(cursor: RowCursor): boolean {
    if (cursor[TABLE].layout !== this.layout || this.#texts.isFull) return false;
    this.#append(cursor);
    return true;
  }

  #append({ [TABLE]: table, [AT]: row }: RowCursor): void {
    const { stride } = this.layout;
    const at = this.#length * stride;
    if (at + stride > this.#words.length) this.#grow();
    const words = this.#words;
    const from = table.#words;
    for (let w = 0; w < stride; w++) words[at + w] = from[row * stride + w]!;
    if (table.#texts.size > 0) this.#keepTexts(this.#length, this.#length + 1, table.#texts.bytes);
    for (let l = 0; l < this.#lists.length; l++) this.#lists[l]!.push(table.#lists[l]![row]);
    this.#length++;
    this.#readers = undefined;
  }

  /** Adds rows whose packed values the caller sets, at {@link place}, and whose lists it fills. */
  extend(count: number): void {
    this.#length += count;
    while (this.#words.length < this.#length * this.layout.stride) this.#grow();
    this.#readers = undefined;
  }

  /** Where the packed values of a column are, until the table changes. */
  place(c: number): PackedPlace {
    const { stride, offsets } = this.layout;
    const { bytes } = this.#texts;
    return { words: this.#words, doubles: this.#doubles, bytes, stride, offset: offsets[c]! };
  }

  /**
   * Sets a text, from its UTF-8; says no where there is no room for one more.
   * @param at In words.
   */
  setText(at: number, bytes: Uint8Array, from: number, size: number): boolean {
    const words = this.#words;
    words.fill(0, at, at + PACKED_WORDS.text);
    words[at] = size;
    if (size <= MAX_INLINE_TEXT) {
      new Uint8Array(words.buffer, words.byteOffset + BYTES * (at + 1), size).set(
        bytes.subarray(from, from + size),
      );
      return true;
    }
    if (this.#texts.isFull) return false;
    const hash = textHash(bytes, from, size);
    words[at + TEXT_HASH] = hash;
    words[at + TEXT_PLACE] = this.#texts.add(bytes, from, size, hash);
    this.#readers = undefined;
    return true;
  }

  /** Gives what sets the numbers of a column, from 0 to where the table ends. */
  numbers(name: string): (i: number, value: number) => void {
    const { doubles, stride, offset } = this.place(this.layout.names.indexOf(name));
    return (i, value) => {
      doubles[(i * stride + offset) / DOUBLE_WORDS] = value;
    };
  }

  /** The values of a column that is a list. */
  list(c: number): unknown[] {
    return this.#lists[this.layout.offsets[c]!]!;
  }

  /** Gives some of the rows; all of them are the table itself. */
  slice(from: number, to = this.#length): RowTable {
    if (from === 0 && to >= this.#length) return this;
    const end = Math.min(to, this.#length);
    const { stride } = this.layout;
    const table = this.#like(this.#words.slice(from * stride, end * stride), end - from, (list) =>
      list.slice(from, end),
    );
    table.#keepTexts(0, end - from, this.#texts.bytes);
    return table;
  }

  /** Takes the first rows out. */
  shift(count: number): RowTable {
    const taken = this.#like(this.#words.slice(0, count * this.layout.stride), count, (list) =>
      list.splice(0, count),
    );
    taken.#keepTexts(0, count, this.#texts.bytes);
    this.#words.copyWithin(0, count * this.layout.stride, this.#length * this.layout.stride);
    this.#length -= count;
    const all = this.#texts;
    if (all.size > 0) {
      this.#texts = new TextArena();
      this.#keepTexts(0, this.#length, all.bytes);
      all.release();
    }
    this.#readers = undefined;
    return taken;
  }

  pick(indexes: readonly number[]): RowTable {
    const picked = new RowTable(this.layout, indexes.length);
    const look = this.look();
    for (const i of indexes) picked.#append(look(i));
    return picked;
  }

  /** @param more Of the same layout. */
  concat(more: RowTable): RowTable {
    const { stride } = this.layout;
    const length = this.#length + more.#length;
    const words = new Int32Array(length * stride);
    words.set(this.#words.subarray(0, this.#length * stride));
    words.set(more.#words.subarray(0, more.#length * stride), this.#length * stride);
    const table = this.#like(words, length, (list, l) => list.concat(more.#lists[l]!));
    table.#keepTexts(0, this.#length, this.#texts.bytes);
    table.#keepTexts(this.#length, length, more.#texts.bytes);
    return table;
  }

  /** Gives the same rows in a layout in which some of the packed columns are lists. */
  relaid(layout: RowLayout): RowTable {
    const table = new RowTable(layout, this.#length);
    table.extend(this.#length);
    for (const [c, kind] of layout.kinds.entries()) {
      if (kind === 'list') {
        const read = this.#allReaders()[c]!;
        for (let i = 0; i < this.#length; i++) table.list(c).push(read(i));
        continue;
      }
      const [to, from] = [table.place(c), this.place(c)];
      for (let i = 0; i < this.#length; i++) {
        for (let w = 0; w < PACKED_WORDS[kind]; w++)
          to.words[i * to.stride + to.offset + w] = from.words[i * from.stride + from.offset + w]!;
      }
    }
    table.#keepTexts(0, this.#length, this.#texts.bytes);
    return table;
  }

  /** Forgets the rows and gives their memory to tables to come; what reads them must not be used any more. */
  release(): void {
    SPARE_WORDS.give(this.#words);
    this.#texts.release();
    this.#texts = new TextArena();
    this.#words = NO_WORDS;
    this.#doubles = doublesOf(NO_WORDS);
    this.#lists = [];
    this.#length = 0;
    this.#readers = undefined;
  }

  #like(words: Int32Array, length: number, listOf: (list: unknown[], l: number) => unknown[]): RowTable {
    const table = new RowTable(this.layout, 0);
    table.#words = words;
    table.#doubles = doublesOf(words);
    table.#length = length;
    table.#lists = this.#lists.map(listOf);
    return table;
  }

  /** Takes over the long texts of rows whose words are those of another table. */
  #keepTexts(from: number, to: number, bytes: Buffer): void {
    if (bytes.length === 0) return;
    const { stride, textOffsets } = this.layout;
    const words = this.#words;
    for (let row = from; row < to; row++) {
      for (const offset of textOffsets) {
        const at = row * stride + offset;
        const size = words[at]!;
        if (size > MAX_INLINE_TEXT)
          words[at + TEXT_PLACE] = this.#texts.add(
            bytes,
            words[at + TEXT_PLACE]!,
            size,
            words[at + TEXT_HASH]!,
          );
      }
    }
  }

  #grow(): void {
    const grown = SPARE_WORDS.take(Math.max(LEAST_CAPACITY * this.layout.stride, 2 * this.#words.length));
    grown.set(this.#words);
    SPARE_WORDS.give(this.#words);
    this.#words = grown;
    this.#doubles = doublesOf(grown);
  }

  #allReaders(): readonly ValueReader[] {
    this.#readers ??= this.layout.kinds.map((kind, c) => {
      if (kind !== 'list') return packedReader(kind, this.place(c), this.layout.recent[c]!);
      const list = this.list(c);
      return (i) => list[i];
    });
    return this.#readers;
  }
}

function doublesOf(words: Int32Array): Float64Array {
  return new Float64Array(words.buffer, words.byteOffset, words.length / DOUBLE_WORDS);
}
