import {
  BatchProcessor,
  type BatchProcessorOptions,
  type BatchResults,
  rowAt,
  rowCount,
  rowOrigin,
} from '../core/batch-processor.ts';
import { WriteError } from '../core/errors.ts';
import { choiceOption, describeValue, integerOption, refuseUnknownKeys } from '../core/options.ts';
import {
  type CompiledMapping,
  checkColumns,
  compileMapping,
  doubledKeyStatement,
  type KeyList,
  missingKeysStatement,
} from '../mapping/compile.ts';
import type { Mapping } from '../mapping/patterns.ts';
import { readerOf } from '../mapping/readers.ts';
import type { Neo4jContext } from '../neo4j/connection.ts';
import { doubledKeyError } from '../neo4j/constraints.ts';
import type { RunStatement } from '../neo4j/write-transaction.ts';
import {
  BatchWriter,
  type Reject,
  ROW_POLICIES,
  type RowPolicy,
  WITHOUT_THEM,
  writeBatches,
} from './batch-writer.ts';
import {
  CYPHER_WRITE_OPTION_NAMES,
  type CypherWriteOptions,
  resolveWriteOptions,
} from './cypher-batch-sink.ts';
import { type PreparedBatch, prepareBatch } from './prepare-batch.ts';
import { type RowPolicies, SINK_OPTION_NAMES, type SinkSurroundings, writerOptions } from './row-policies.ts';

/** How batches of a mapping are written. */
export interface MappingWriteOptions extends CypherWriteOptions {
  /** What to do with a row whose end node is not in the database. Default: 'reject'. */
  readonly missingNodes?: RowPolicy;
}

/** What a {@link MappingBatchSink} is told. */
export interface MappingBatchSinkOptions<T>
  extends BatchProcessorOptions<T>,
    MappingWriteOptions,
    RowPolicies,
    SinkSurroundings {
  readonly mapping: Mapping | CompiledMapping;
}

type Fields = Readonly<Record<string, unknown>>;

interface MissingEnd {
  readonly end: number;
  readonly list: KeyList;
}

/**
 * Writes each batch as a mapping says, in one transaction. Statistics: those of {@link CypherBatchSink}, and
 * `missing_node_rows` where there were any.
 *
 * @throws {@link ConfigError} `GW_MAPPING_COLUMN` before anything is written, when the rows have no such column;
 * `GW_CONFIG_CONSTRAINT` when two nodes have a key of the batch, of which then nothing is written.
 * @throws {@link WriteError} with a `GW_NEO4J_…` code when the server refuses a batch for good, and
 * `GW_WRITE_MISSING_NODE` with `missingNodes: 'error'`.
 */
export class MappingBatchSink<T = unknown> extends BatchProcessor<T, T> {
  declare readonly context: Neo4jContext;
  readonly mapping: CompiledMapping;
  readonly #missingNodes: RowPolicy;
  readonly #writer: BatchWriter<T>;

  constructor(context: Neo4jContext, options: MappingBatchSinkOptions<T>) {
    const known = ['mapping', 'missingNodes', ...SINK_OPTION_NAMES, ...CYPHER_WRITE_OPTION_NAMES];
    refuseUnknownKeys('MappingBatchSink', options, known);
    super(context, options);
    const { mapping } = options;
    this.mapping = isCompiled(mapping) ? mapping : compileMapping(mapping);
    const { floatColumns, ...write } = resolveWriteOptions(options);
    this.#missingNodes = choiceOption('missingNodes', options.missingNodes ?? 'reject', ROW_POLICIES);
    this.#writer = new BatchWriter<T>(
      writerOptions(this, write, options, this.mapping.statement),
      (part, reject, shared) => {
        if (!shared.areColumnsChecked) checkColumns(this.mapping, Object.keys(rowAt(part, 0) as Fields));
        shared.areColumnsChecked = true;
        const made = prepareBatch(this.mapping, part, floatColumns, shared.createdShare);
        const parameters = { ...made.parameters, run: options.ledger?.run ?? null };
        const prepared = { ...made, parameters };
        return async (run) => {
          const { merged, missing } = await runMapping(run, this.mapping, prepared, this.#runOutside);
          // Before the commit, so that no row is in neither place.
          if (missing.size > 0) this.#setAside(part, missing, reject);
          // Their other ends may have been made, or given properties.
          if (missing.size > 0 && this.mapping.lists.some(isWritten)) throw WITHOUT_THEM;
          const written = rowCount(part) - missing.size;
          const statistics = { cypher_rows_written: written };
          return { written, ...(made.groupedBy !== undefined && { merged }), statistics };
        };
      },
    );
  }

  override async *getBatch(maxBatchSize: number): AsyncGenerator<BatchResults<T>> {
    integerOption('maxBatchSize', maxBatchSize, { min: 1 });
    yield* writeBatches(this, this.predecessor.getBatch(maxBatchSize), this.#writer);
  }

  readonly #runOutside: RunStatement = async (cypher, parameters) => {
    const { value } = await this.context.neo4j.transact((run) => run(cypher, parameters), {
      signal: this.signal,
      isRepeatable: true,
    });
    return value;
  };

  #setAside(part: BatchResults<T>, missing: ReadonlyMap<number, MissingEnd>, reject: Reject): void {
    const rejections = [...missing].map(([index, end]) => ({
      index,
      code: 'GW_WRITE_MISSING_NODE' as const,
      message: this.#describe(rowAt(part, index) as Fields, end),
    }));
    const [first] = rejections;
    if (this.#missingNodes === 'error') {
      const row = rowAt(part, first!.index);
      const { file, rowNumber } = rowOrigin(part.origin, first!.index, row);
      throw new WriteError(
        'GW_WRITE_MISSING_NODE',
        `${first!.message}; ${rejections.length} rows of the batch have none.`,
        { details: { file, rowNumber, row, rows: rejections.length } },
      );
    }
    reject(rejections, this.#missingNodes);
  }

  #describe(row: Fields, { end, list }: MissingEnd): string {
    const { labels } = list.node;
    const keys = this.mapping.ends[end]!.keys.map(
      ({ name, source }) => `${name} ${describeValue(readerOf(source)(row))}`,
    );
    return `There is no :${labels[0]} with ${keys.join(' and ')}`;
  }
}

/** What is neither is refused by the compiler. */
function isCompiled(mapping: Mapping | CompiledMapping): mapping is CompiledMapping {
  return (mapping as Partial<CompiledMapping> | undefined)?.statement !== undefined;
}

function isWritten({ write, node }: KeyList): boolean {
  return write === 'merge' || node.properties.length > 0;
}

/**
 * Runs the statement, and finds the rows that have no node where not all were written: by index, with the end.
 * `merged` are the rows of the statement that were written.
 * @param runOutside Sees the graph as it is without the transaction: where rows make nodes that others look for, those are found
 * once the statement has run, though they were not there when it looked.
 * @throws {@link WriteError} `GW_NEO4J_WRITE`, to be tried again, where a node came or went in between;
 * {@link ConfigError} `GW_CONFIG_CONSTRAINT` where two nodes have one key.
 */
async function runMapping(
  run: RunStatement,
  mapping: CompiledMapping,
  prepared: PreparedBatch,
  runOutside: RunStatement,
): Promise<{ readonly merged: number; readonly missing: ReadonlyMap<number, MissingEnd> }> {
  const { statement, parameters, sent, order } = prepared;
  const [record] = await run(statement, parameters);
  const merged = Number(record?.get('rows'));
  if (merged === sent) return { merged, missing: new Map() };
  if (merged > sent) throw doubledKeyError(mapping.spaces[0]!); // of nodes that are merged, each was
  let found = sent;
  for (const look of mapping.makesNodes ? [run, runOutside] : [run]) {
    const missing = await missingEnds(look, mapping, prepared);
    found = sent;
    for (let i = 0; i < sent; i++) if (missing.has(order ? order[i]! : i)) found--;
    if (found === merged) return { merged, missing };
  }
  for (const list of mapping.lists) {
    const doubled = await run(doubledKeyStatement(list), parameters);
    if (doubled.length > 0) throw doubledKeyError(mapping.spaces[list.space]!);
  }
  throw new WriteError(
    'GW_NEO4J_WRITE',
    `Of ${sent} rows ${merged} were written, though ${found} have their nodes: some came or went meanwhile.`,
    { retriable: true },
  );
}

/** Finds the rows of a batch that have no node, by index, with the end. */
async function missingEnds(
  run: RunStatement,
  mapping: CompiledMapping,
  { parameters, places }: PreparedBatch,
): Promise<ReadonlyMap<number, MissingEnd>> {
  const missing = new Map<number, MissingEnd>();
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
