/** From the rows of a batch to what a mapping's statement takes: distinct keys, then rows that refer to them by position. */
import { type BatchResults, rowOrigin } from '../core/batch-processor.ts';
import { type CompiledMapping, hasPlainKeys } from '../mapping/compile.ts';
import { identityText } from '../mapping/identity.ts';
import type { PropertySource } from '../mapping/patterns.ts';
import { readerOf } from '../mapping/readers.ts';
import { packTable } from '../neo4j/packed-rows.ts';
import type { TableColumn } from '../neo4j/values.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Parameters of a batch, and which rows each entry of a key list came from. */
export interface PreparedBatch {
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Rows that are sent: fewer than the batch's where the last of several counts. */
  readonly sent: number;
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

/** Of so many rows, two places in a key list still make one safe integer. */
const MAX_PAIRED_ROWS = 2 ** 25;

/** Turns rows into what the statement takes: distinct keys a list, then rows that refer to them by position. */
export function prepareBatch(
  mapping: CompiledMapping,
  { chunk, origin }: Pick<BatchResults, 'chunk' | 'origin'>,
  floatColumns: ReadonlySet<string>,
): PreparedBatch {
  const rows = chunk as readonly Fields[];
  const describe = (index: number) => {
    const { file, rowNumber } = rowOrigin(origin, index, rows[index]);
    return rowNumber === null ? `item ${index} of the batch` : `row ${rowNumber}${file ? ` of ${file}` : ''}`;
  };
  const all: readonly Keys[] = mapping.lists.map(() => ({ places: new Map(), values: [], rows: [] }));
  const places = mapping.ends.map(({ list, keys }) => placesOf(rows, keys, all[list]!));
  const parameters: Record<string, unknown> = {};
  for (const [l, list] of mapping.lists.entries()) {
    const { values, rows: from } = all[l]!;
    const isOne = list.node.keys.length === 1;
    const keys = list.node.keys.map(({ name, source }, k) => ({
      name,
      isFloat: typeof source === 'string' && floatColumns.has(source),
      valueAt: (i: number) => (isOne ? values[i] : (values[i] as readonly unknown[])[k]),
    }));
    const properties = list.node.properties.map((p) => column(p, rows, floatColumns, from));
    parameters[list.parameter] = packTable(
      values.length,
      [...keys, ...properties],
      (i) => describe(from[i]!),
      {
        isFlat: hasPlainKeys(list),
      },
    );
  }
  const kept = mapping.lastRowCounts ? lastRows(mapping, rows, places) : undefined;
  const columns = [
    ...places.map((own, e) => ({
      name: `end ${e}`,
      isFloat: false,
      valueAt: kept ? (i: number) => own[kept[i]!] : (i: number) => own[i],
    })),
    ...mapping.values.map((source) => column(source, rows, floatColumns, kept)),
  ];
  const sent = kept?.length ?? rows.length;
  parameters.rows = packTable(sent, columns, (i) => describe(kept ? kept[i]! : i));
  return { parameters, sent, places };
}

/** Gives the place of each row's key, and adds the keys that are new. */
function placesOf(rows: readonly Fields[], keys: readonly PropertySource[], list: Keys): Int32Array {
  const places = new Int32Array(rows.length);
  const readers = keys.map(({ source }) => readerOf(source));
  const only = readers.length === 1 ? readers[0] : undefined;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    const value = only ? only(row) : readers.map((read) => read(row));
    const id = typeof value !== 'object' ? value : identityOf(only ? [value] : (value as unknown[]));
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
  rows: readonly Fields[],
  places: readonly Int32Array[],
): readonly number[] | undefined {
  const readers = mapping.values.slice(0, mapping.identityValues).map(({ source }) => readerOf(source));
  const [start, end] = places;
  const isPair = places.length === 2 && readers.length === 0 && rows.length <= MAX_PAIRED_ROWS;
  const base = 2 * rows.length; // a list that both ends share can hold so many keys
  const last = new Map<unknown, number>();
  for (let i = 0; i < rows.length; i++) {
    const id = isPair
      ? start![i]! * base + end![i]!
      : identityOf([...places.map((own) => own[i]), ...readers.map((read) => read(rows[i]!))]);
    last.set(id, i);
  }
  return last.size === rows.length ? undefined : [...last.values()];
}

/** Gives a value that is equal for equal lists: one text or number as it is, several as one text. */
function identityOf(values: readonly unknown[]): unknown {
  const [first] = values;
  if (values.length === 1 && typeof first !== 'object') return first;
  return values.map(identityText).join(' ');
}

/** @param of The row of each place. Default: every row. */
function column(
  { name, source }: PropertySource,
  rows: readonly Fields[],
  floatColumns: ReadonlySet<string>,
  of: readonly number[] | undefined,
): TableColumn {
  const isFloat = typeof source === 'string' && floatColumns.has(source);
  const read = readerOf(source);
  return { name, isFloat, valueAt: of ? (i) => read(rows[of[i]!]!) : (i) => read(rows[i]!) };
}
