import {
  BatchProcessor,
  type BatchProcessorOptions,
  type BatchResults,
  rowOrigin,
} from '../core/batch-processor.ts';
import { WriteError } from '../core/errors.ts';
import { beginEvent, endSinkWrite } from '../core/events.ts';
import { choiceOption, describeValue, integerOption } from '../core/options.ts';
import { mergeStatistics, type Statistics } from '../core/statistics.ts';
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
import {
  type CypherWriteOptions,
  type ResolvedWriteOptions,
  resolveWriteOptions,
} from './cypher-batch-sink.ts';
import { type RejectedRow, RejectedRows } from './rejected-rows.ts';

export const ROW_POLICIES = ['reject', 'error', 'ignore'] as const;
/** `reject`: to the rejected file; `error`: the load ends; `ignore`: counted and dropped. */
export type RowPolicy = (typeof ROW_POLICIES)[number];

export interface MappingWriteOptions extends CypherWriteOptions {
  /** What to do with a row whose end node is not in the database. Default: 'reject'. */
  readonly missingNodes?: RowPolicy;
}

export interface MappingBatchSinkOptions<T> extends BatchProcessorOptions<T>, MappingWriteOptions {
  readonly mapping: Mapping | CompiledMapping;
  /** JSON-lines file for rows without their end nodes. Default: `rejected/rows.jsonl`. */
  readonly rejectedFile?: string | RejectedRows;
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
 * Writes each batch as a mapping says, in one transaction. Statistics: the server's counters, `cypher_rows_written`,
 * `missing_node_rows`, and `retries` with their kinds, each where there were any.
 *
 * @throws {@link ConfigError} `GW_MAPPING_COLUMN` before anything is written, when the rows have no such column.
 * @throws {@link WriteError} with a `GW_NEO4J_…` code when the server refuses a batch for good, and
 * `GW_WRITE_MISSING_NODE` with `missingNodes: 'error'`.
 */
export class MappingBatchSink<T = unknown> extends BatchProcessor<T, T> {
  declare readonly context: Neo4jContext;
  readonly mapping: CompiledMapping;
  readonly #write: ResolvedWriteOptions;
  readonly #missingNodes: RowPolicy;
  readonly #rejected: RejectedRows;
  #isChecked = false;

  constructor(context: Neo4jContext, options: MappingBatchSinkOptions<T>) {
    super(context, options);
    const { mapping, rejectedFile = RejectedRows.defaultPath('rows') } = options;
    this.mapping = 'statement' in mapping ? mapping : compileMapping(mapping);
    this.#write = resolveWriteOptions(options);
    this.#missingNodes = choiceOption('missingNodes', options.missingNodes ?? 'reject', ROW_POLICIES);
    this.#rejected = rejectedFile instanceof RejectedRows ? rejectedFile : new RejectedRows(rejectedFile);
  }

  override async *getBatch(maxBatchSize: number): AsyncGenerator<BatchResults<T>> {
    integerOption('maxBatchSize', maxBatchSize, { min: 1 });
    for await (const batch of this.predecessor.getBatch(maxBatchSize)) {
      if (batch.chunk.length === 0) {
        yield batch;
        continue;
      }
      const begun = beginEvent('sink');
      const statistics = await this.#writeBatch(batch);
      endSinkWrite(this, begun, batch.chunk.length);
      yield { ...batch, statistics: mergeStatistics(batch.statistics, statistics) };
    }
  }

  async #writeBatch(batch: BatchResults<T>): Promise<Statistics> {
    const rows = batch.chunk as readonly Fields[];
    if (!this.#isChecked) checkColumns(this.mapping, Object.keys(rows[0]!));
    this.#isChecked = true;
    const { timeoutMs, maxAttempts, maxRetryTimeMs } = this.#write;
    const prepared = prepareBatch(this.mapping, batch, this.#write.floatColumns);
    let isNoted = false;
    const { statistics, value: missing } = await this.context.neo4j.transact(
      async (run) => {
        const missing = await runMapping(run, this.mapping, prepared);
        // Once, also when the commit is tried again; before the commit, so that no row is in neither place.
        if (missing.size > 0 && !isNoted) this.#setAside(batch, missing);
        isNoted = true;
        return missing.size;
      },
      { timeoutMs, maxAttempts, maxRetryTimeMs, signal: this.signal },
    );
    return mergeStatistics(statistics, {
      cypher_rows_written: rows.length - missing,
      ...(missing > 0 && { missing_node_rows: missing }),
    });
  }

  #setAside(batch: BatchResults<T>, missing: ReadonlyMap<number, MissingEnd>): void {
    const rejected = [...missing].map(([index, end]) => this.#reject(batch, index, end));
    const [first] = rejected;
    if (this.#missingNodes === 'error') {
      throw new WriteError(
        'GW_WRITE_MISSING_NODE',
        `${first!.message}; ${rejected.length} rows of the batch have none.`,
        {
          details: { ...first },
        },
      );
    }
    if (this.#missingNodes === 'ignore') return;
    this.#rejected.append(rejected);
    this.report({ rejectedRows: rejected.length });
  }

  #reject({ origin, chunk }: BatchResults<T>, index: number, { end, list }: MissingEnd): RejectedRow {
    const row = chunk[index] as Fields;
    const { labels } = list.node;
    const keys = this.mapping.ends[end]!.keys.map(
      ({ name, source }) => `${name} ${describeValue(readValue(row, source))}`,
    );
    return {
      run: this.task?.uuid,
      ...rowOrigin(origin, index, row),
      stage: 'write',
      code: 'GW_WRITE_MISSING_NODE',
      message: `There is no :${labels[0]} with ${keys.join(' and ')}`,
      row,
    };
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
