/** From the rows of a batch to what a mapping's statement takes: distinct keys, then rows that refer to them by position. */
import { type BatchResults, describeRow, rowCount } from '../core/batch-processor.ts';
import { type CompiledMapping, hasPlainKeys } from '../mapping/compile.ts';
import { identityText } from '../mapping/identity.ts';
import type { PropertySource } from '../mapping/patterns.ts';
import { columnTable, valuesOf } from '../mapping/readers.ts';
import { packTable } from '../neo4j/packed-rows.ts';
import { fromResultValue, type TableColumn } from '../neo4j/values.ts';

type Rows = Pick<BatchResults, 'chunk' | 'origin'>;

/** Parameters of a batch, and which rows each entry of a key list came from. */
export interface PreparedBatch {
  readonly statement: string;
  /** The end that the rows are grouped by. */
  readonly groupedBy: 0 | 1 | undefined;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Rows that are sent: fewer than the batch's where the last of several counts. */
  readonly sent: number;
  /** Which they are, by their indexes. Default: all, as they come. */
  readonly order: ArrayLike<number> | undefined;
  /** By keyed end: the place in its key list of each row of the batch. */
  readonly places: readonly Int32Array[];
}

/** The distinct keys of a list, in the order in which they came, each with the row whose properties count. */
interface Keys {
  readonly places: Map<unknown, number>;
  /** The key itself, or of several properties a list. */
  readonly values: unknown[];
  readonly rows: number[];
}

/**
 * Relationships of a node that are looked through for each of its rows, at most. Each takes some 0.1 µs (3 M ratings: 23 µs a
 * row for 190 fewer of them), and what they spare a row is 5 µs of `MERGE` where it has little to read, and more where not.
 */
const LOOKED_THROUGH_A_ROW = 64;
/**
 * Where fewer of the rows than this made a relationship, the next are left to `MERGE`, which finds one that is there at its
 * first look. Server CPU in microseconds a row, 300,000 ratings: all new 9.9 with a look before it and 14.1 without, all there
 * 6.9 and 5.7 (medians of seven).
 */
const MOSTLY_THERE = 0.2;

/**
 * Turns rows into what the statement takes: distinct keys a list, then rows that refer to them by position.
 * @param createdShare Of the relationships that were merged before: how many were created, from 0 to 1.
 */
export function prepareBatch(
  mapping: CompiledMapping,
  batch: Rows,
  floatColumns: ReadonlySet<string>,
  createdShare = 1,
): PreparedBatch {
  const rows = rowCount(batch);
  const describe = (index: number) => describeRow(batch, index);
  const all: readonly Keys[] = mapping.lists.map(() => ({ places: new Map(), values: [], rows: [] }));
  const places = mapping.ends.map(({ list, keys }) => placesOf(batch, keys, all[list]!));
  const parameters: Record<string, unknown> = {};
  for (const [l, list] of mapping.lists.entries()) {
    const { values, rows: from } = all[l]!;
    const isOne = list.node.keys.length === 1;
    const keys = list.node.keys.map(({ name, source }, k) => ({
      name,
      isFloat: typeof source === 'string' && floatColumns.has(source),
      isKey: true,
      valueAt: (i: number) => (isOne ? values[i] : (values[i] as readonly unknown[])[k]),
    }));
    const properties = list.node.properties.map((p) => column(p, batch, floatColumns, from));
    parameters[list.parameter] = packTable(
      values.length,
      [...keys, ...properties],
      (i) => describe(from[i]!),
      {
        isFlat: hasPlainKeys(list),
      },
    );
  }
  const kept = mapping.lastRowCounts ? lastRows(mapping, batch, places) : undefined;
  const groups =
    mapping.statementByEnd === undefined
      ? undefined
      : groupRows(
          kept ?? Int32Array.from({ length: rows }, (_, i) => i),
          places,
          mapping.ends.map(({ list }) => all[list]!.values.length),
        );
  if (groups) {
    parameters.groups = packTable(groups.places.length, groupColumns(groups), () => 'a group');
    parameters.look = createdShare < MOSTLY_THERE ? 0 : LOOKED_THROUGH_A_ROW;
  }
  const order = groups?.rows ?? kept;
  const columns = [
    ...places.flatMap((own, e) => (e === groups?.by ? [] : [placeColumn(`end ${e}`, own, order)])),
    ...mapping.values.map((source) => ({
      ...column(source, batch, floatColumns, order),
      isKey: mapping.required.some(({ keys }) => keys.includes(source)),
    })),
  ];
  const sent = order?.length ?? rows;
  parameters.rows = packTable(sent, columns, (i) => describe(order ? order[i]! : i));
  const statement = groups?.by === 1 ? mapping.statementByEnd! : mapping.statement;
  return { statement, groupedBy: groups?.by, parameters, sent, order, places };
}

/** Rows in the order of the nodes of one end. */
interface Groups {
  readonly by: 0 | 1;
  readonly rows: Int32Array;
  /** Of each group: the place of its node. */
  readonly places: Int32Array;
  /** Where each group's rows begin, and in the end where the last ones stop. */
  readonly bounds: Int32Array;
}

/**
 * Groups rows by the end that has more nodes: those have fewer relationships to be looked through. With one relationship a
 * customer to some hundred cities, these have them all. A counting sort: places are small whole numbers.
 * @param keys By end: how many places there are.
 */
function groupRows(rows: ArrayLike<number>, ends: readonly Int32Array[], keys: readonly number[]): Groups {
  const counts = ends.map((own, end) => countPlaces(rows, own, keys[end]!));
  const nodes = counts.map((count) => count.reduce((sum, n) => sum + (n > 0 ? 1 : 0), 0));
  const by = nodes[1]! > nodes[0]! ? 1 : 0;
  const places = new Int32Array(nodes[by]!);
  const bounds = new Int32Array(nodes[by]! + 1);
  const next = new Int32Array(keys[by]!);
  let group = 0;
  for (const [place, count] of counts[by]!.entries()) {
    if (count === 0) continue;
    places[group] = place;
    next[place] = bounds[group]!;
    bounds[group + 1] = bounds[group]! + count;
    group++;
  }
  const sorted = new Int32Array(rows.length);
  for (let i = 0; i < rows.length; i++) {
    const place = ends[by]![rows[i]!]!;
    sorted[next[place]!++] = rows[i]!;
  }
  return { by, rows: sorted, places, bounds };
}

function countPlaces(rows: ArrayLike<number>, own: Int32Array, keys: number): Int32Array {
  const counts = new Int32Array(keys);
  for (let i = 0; i < rows.length; i++) counts[own[rows[i]!]!]!++;
  return counts;
}

function groupColumns({ places, bounds }: Groups): readonly TableColumn[] {
  return [placeColumn('place', places), placeColumn('from', bounds), placeColumn('to', bounds.subarray(1))];
}

function placeColumn(name: string, places: ArrayLike<number>, of?: ArrayLike<number>): TableColumn {
  return { name, isFloat: false, valueAt: of ? (i) => places[of[i]!] : (i) => places[i] };
}

/** Gives the place of each row's key, and adds the keys that are new. */
function placesOf(batch: Rows, keys: readonly PropertySource[], list: Keys): Int32Array {
  const places = new Int32Array(rowCount(batch));
  const values = keys.map(({ source }) => valuesOf(batch, source));
  const only = values.length === 1 ? values[0] : undefined;
  // Made here: a function made in the loop below would keep a scope of 80 bytes for each row.
  const listAt = (i: number) => values.map((valueAt) => valueAt(i));
  for (let i = 0; i < places.length; i++) {
    const value = only ? only(i) : listAt(i);
    const isPlain = typeof value !== 'object' && typeof value !== 'bigint';
    const id = isPlain ? value : identityOf(only ? [value] : (value as unknown[]));
    let place = list.places.get(id);
    if (place === undefined) {
      place = list.values.push(value) - 1;
      list.places.set(id, place);
    }
    list.rows[place] = i;
    places[i] = place;
  }
  return places;
}

/** Of rows that are one relationship, gives the last one each: the others would be written over. */
function lastRows(
  mapping: CompiledMapping,
  batch: Rows,
  places: readonly Int32Array[],
): ArrayLike<number> | undefined {
  const rows = rowCount(batch);
  const identity = mapping.values.slice(0, mapping.identityValues);
  const values = identity.map(({ source }) => valuesOf(batch, source));
  if (places.length === 2 && values.length === 0) return lastPairs(places[0]!, places[1]!);
  const identityAt = (i: number) =>
    identityOf([...places.map((own) => own[i]), ...values.map((valueAt) => valueAt(i))]);
  const last = new Map<unknown, number>();
  for (let i = 0; i < rows; i++) last.set(identityAt(i), i);
  return last.size === rows ? undefined : [...last.values()];
}

/**
 * Of rows of the same two places, gives the last one each, by a hash table with linear probing: a map of as many was half of what
 * ratings left to garbage collection.
 */
function lastPairs(starts: Int32Array, ends: Int32Array): Int32Array | undefined {
  const rows = starts.length;
  const bits = Math.ceil(Math.log2(2 * rows + 1));
  const mask = 2 ** bits - 1;
  /** Rows, from 1. */
  const slots = new Int32Array(2 ** bits);
  const isLast = new Uint8Array(rows).fill(1);
  let repeated = 0;
  for (let i = 0; i < rows; i++) {
    const mixed = Math.imul(Math.imul(starts[i]!, 0x9e3779b1) ^ ends[i]!, 0x85ebca6b);
    let slot = mixed >>> (32 - bits);
    for (; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const other = slots[slot]! - 1;
      if (starts[other] !== starts[i] || ends[other] !== ends[i]) continue;
      isLast[other] = 0;
      repeated++;
      break;
    }
    slots[slot] = i + 1;
  }
  if (repeated === 0) return undefined;
  const kept = new Int32Array(rows - repeated);
  for (let i = 0, k = 0; i < rows; i++) if (isLast[i] === 1) kept[k++] = i;
  return kept;
}

/** Gives a value that is equal for equal lists: one text or number as it is, several as one text. */
function identityOf(values: readonly unknown[]): unknown {
  const [first, ...more] = values.map(plainNumber);
  if (more.length === 0 && typeof first !== 'object') return first;
  return [first, ...more].map(identityText).join(' ');
}

/** A number finds the same node in whatever type it comes. */
function plainNumber(value: unknown): unknown {
  const plain = fromResultValue(value);
  return typeof plain === 'bigint' && Number.isSafeInteger(Number(plain)) ? Number(plain) : plain;
}

/** @param of The row of each place. Default: every row. */
function column(
  { name, source }: PropertySource,
  batch: Rows,
  floatColumns: ReadonlySet<string>,
  of: ArrayLike<number> | undefined,
): TableColumn {
  const isFloat = typeof source === 'string' && floatColumns.has(source);
  const valueAt = valuesOf(batch, source);
  const inTable = columnTable(batch, source);
  const packed = inTable?.table.packed(inTable.name);
  return {
    name,
    isFloat,
    valueAt: of ? (i) => valueAt(of[i]!) : valueAt,
    packed: packed && { ...packed, rows: of },
  };
}
