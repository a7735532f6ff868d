/** From the rows of a batch to what a mapping's statement takes: distinct keys, then rows that refer to them by position. */
import { type BatchResults, rowOrigin } from '../core/batch-processor.ts';
import { type CompiledMapping, hasPlainKeys } from '../mapping/compile.ts';
import { identityText } from '../mapping/identity.ts';
import type { PropertySource } from '../mapping/patterns.ts';
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
  readonly values: (readonly unknown[])[];
  readonly rows: number[];
}

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
    const keys = list.node.keys.map(({ name, source }, k) => ({
      name,
      isFloat: typeof source === 'string' && floatColumns.has(source),
      valueAt: (i: number) => values[i]![k],
    }));
    const properties = list.node.properties.map((p) => column(p, rows, floatColumns, (i) => from[i]!));
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
  const of = kept ? (i: number) => kept[i]! : (i: number) => i;
  const columns = [
    ...places.map((own, e) => ({ name: `end ${e}`, isFloat: false, valueAt: (i: number) => own[of(i)] })),
    ...mapping.values.map((source) => column(source, rows, floatColumns, of)),
  ];
  const sent = kept?.length ?? rows.length;
  parameters.rows = packTable(sent, columns, (i) => describe(of(i)));
  return { parameters, sent, places };
}

/** Gives the place of each row's key, and adds the keys that are new. */
function placesOf(rows: readonly Fields[], keys: readonly PropertySource[], list: Keys): Int32Array {
  const places = new Int32Array(rows.length);
  const [{ source: only } = { source: '' }] = keys;
  const isPlain = keys.length === 1 && typeof only === 'string';
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    const plain = isPlain ? row[only] : undefined;
    const id =
      isPlain && typeof plain !== 'object'
        ? plain
        : identityOf(keys.map(({ source }) => readValue(row, source)));
    let place = list.places.get(id);
    if (place === undefined) {
      place = list.values.push(keys.map(({ source }) => readValue(row, source))) - 1;
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
  const identity = mapping.values.slice(0, mapping.identityValues);
  const last = new Map<unknown, number>();
  for (let i = 0; i < rows.length; i++) {
    const ends = places.map((own) => own[i]);
    last.set(identityOf([...ends, ...identity.map(({ source }) => readValue(rows[i]!, source))]), i);
  }
  return last.size === rows.length ? undefined : [...last.values()];
}

/** Gives a value that is equal for equal lists: one text or number as it is, several as one text. */
function identityOf(values: readonly unknown[]): unknown {
  const [first] = values;
  if (values.length === 1 && typeof first !== 'object') return first;
  return values.map(identityText).join(' ');
}

export function readValue(row: Fields, source: PropertySource['source']): unknown {
  return typeof source === 'function' ? source(row) : row[source];
}

function column(
  { name, source }: PropertySource,
  rows: readonly Fields[],
  floatColumns: ReadonlySet<string>,
  of: (i: number) => number,
): TableColumn {
  const isFloat = typeof source === 'string' && floatColumns.has(source);
  return { name, isFloat, valueAt: (i) => readValue(rows[of(i)]!, source) };
}
