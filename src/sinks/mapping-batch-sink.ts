import {
  BatchProcessor,
  type BatchProcessorOptions,
  type BatchResults,
  rowOrigin,
} from '../core/batch-processor.ts';
import { WriteError } from '../core/errors.ts';
import { beginEvent, endSinkWrite } from '../core/events.ts';
import { choiceOption, describeValue, integerOption } from '../core/options.ts';
import { mergeStatistics } from '../core/statistics.ts';
import {
  type CompiledMapping,
  checkColumns,
  compileMapping,
  hasPlainKeys,
  type KeyList,
  missingKeysStatement,
} from '../mapping/compile.ts';
import { identityText } from '../mapping/identity.ts';
import type { Mapping, PropertySource } from '../mapping/patterns.ts';
import type { Neo4jContext } from '../neo4j/connection.ts';
import { packTable } from '../neo4j/packed-rows.ts';
import type { TableColumn } from '../neo4j/values.ts';
import type { RunStatement } from '../neo4j/write-transaction.ts';
import { BatchWriter, type Reject, ROW_POLICIES, type RowPolicy } from './batch-writer.ts';
import { type CypherWriteOptions, resolveWriteOptions } from './cypher-batch-sink.ts';
import { type RowPolicies, type SinkSurroundings, writerOptions } from './row-policies.ts';

export interface MappingWriteOptions extends CypherWriteOptions {
  /** What to do with a row whose end node is not in the database. Default: 'reject'. */
  readonly missingNodes?: RowPolicy;
}

export interface MappingBatchSinkOptions<T>
  extends BatchProcessorOptions<T>,
    MappingWriteOptions,
    RowPolicies,
    SinkSurroundings {
  readonly mapping: Mapping | CompiledMapping;
}

type Fields = Readonly<Record<string, unknown>>;

/** Parameters of a batch, and which rows each entry of a key list came from. */
interface PreparedBatch {
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Rows that are sent: fewer than the batch's where the last of several counts. */
  readonly sent: number;
  /** By keyed end: the place in its key list of each row of the batch. */
  readonly places: readonly Int32Array[];
}

interface MissingEnd {
  readonly end: number;
  readonly list: KeyList;
}

/**
 * Writes each batch as a mapping says, in one transaction. Statistics: those of {@link CypherBatchSink}, and
 * `missing_node_rows` where there were any.
 *
 * @throws {@link ConfigError} `GW_MAPPING_COLUMN` before anything is written, when the rows have no such column.
 * @throws {@link WriteError} with a `GW_NEO4J_…` code when the server refuses a batch for good, and
 * `GW_WRITE_MISSING_NODE` with `missingNodes: 'error'`.
 */
export class MappingBatchSink<T = unknown> extends BatchProcessor<T, T> {
  declare readonly context: Neo4jContext;
  readonly mapping: CompiledMapping;
  readonly #missingNodes: RowPolicy;
  readonly #writer: BatchWriter<T>;
  #isChecked = false;

  constructor(context: Neo4jContext, options: MappingBatchSinkOptions<T>) {
    super(context, options);
    const { mapping } = options;
    this.mapping = 'statement' in mapping ? mapping : compileMapping(mapping);
    const { floatColumns, ...write } = resolveWriteOptions(options);
    this.#missingNodes = choiceOption('missingNodes', options.missingNodes ?? 'reject', ROW_POLICIES);
    this.#writer = new BatchWriter<T>(
      writerOptions(this, write, options, this.mapping.statement),
      (part, reject) => {
        const made = prepareBatch(this.mapping, part, floatColumns);
        const parameters = { ...made.parameters, run: options.ledger?.run ?? null };
        const prepared = { ...made, parameters };
        return async (run) => {
          const missing = await runMapping(run, this.mapping, prepared);
          // Before the commit, so that no row is in neither place.
          if (missing.size > 0) this.#setAside(part, missing, reject);
          const written = part.chunk.length - missing.size;
          return {
            written,
            statistics: {
              cypher_rows_written: written,
              ...(missing.size > 0 && { missing_node_rows: missing.size }),
            },
          };
        };
      },
    );
  }

  override async *getBatch(maxBatchSize: number): AsyncGenerator<BatchResults<T>> {
    integerOption('maxBatchSize', maxBatchSize, { min: 1 });
    for await (const batch of this.predecessor.getBatch(maxBatchSize)) {
      if (batch.chunk.length === 0) {
        yield batch;
        continue;
      }
      const begun = beginEvent('sink');
      if (!this.#isChecked) checkColumns(this.mapping, Object.keys(batch.chunk[0] as Fields));
      this.#isChecked = true;
      const statistics = await this.#writer.write(batch);
      endSinkWrite(this, begun, batch.chunk.length);
      yield { ...batch, statistics: mergeStatistics(batch.statistics, statistics) };
    }
  }

  #setAside(part: BatchResults<T>, missing: ReadonlyMap<number, MissingEnd>, reject: Reject): void {
    const rejections = [...missing].map(([index, end]) => ({
      index,
      code: 'GW_WRITE_MISSING_NODE' as const,
      message: this.#describe(part.chunk[index] as Fields, end),
    }));
    const [first] = rejections;
    if (this.#missingNodes === 'error') {
      const { file, rowNumber } = rowOrigin(part.origin, first!.index, part.chunk[first!.index]);
      throw new WriteError(
        'GW_WRITE_MISSING_NODE',
        `${first!.message}; ${rejections.length} rows of the batch have none.`,
        { details: { file, rowNumber, row: part.chunk[first!.index], rows: rejections.length } },
      );
    }
    reject(rejections, this.#missingNodes);
  }

  #describe(row: Fields, { end, list }: MissingEnd): string {
    const { labels } = list.node;
    const keys = this.mapping.ends[end]!.keys.map(
      ({ name, source }) => `${name} ${describeValue(readValue(row, source))}`,
    );
    return `There is no :${labels[0]} with ${keys.join(' and ')}`;
  }
}

/** Runs the statement, and finds the rows that have no node where not all were written: by index, with the end. */
async function runMapping(
  run: RunStatement,
  mapping: CompiledMapping,
  { parameters, sent, places }: PreparedBatch,
): Promise<ReadonlyMap<number, MissingEnd>> {
  const [record] = await run(mapping.statement, parameters);
  const missing = new Map<number, MissingEnd>();
  if (Number(record?.get('rows')) === sent) return missing;
  for (const [l, list] of mapping.lists.entries()) {
    if (list.write !== 'match') continue;
    const records = await run(missingKeysStatement(list), parameters);
    const holes = new Set(records.map((r) => Number(r.get('i'))));
    for (const [end, { list: own }] of mapping.ends.entries()) {
      if (own !== l) continue;
      for (const [index, place] of places[end]!.entries())
        if (holes.has(place)) missing.set(index, { end, list });
    }
  }
  return missing;
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

function readValue(row: Fields, source: PropertySource['source']): unknown {
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
