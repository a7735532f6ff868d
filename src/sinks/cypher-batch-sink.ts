import {
  BatchProcessor,
  type BatchProcessorOptions,
  type BatchResults,
  describeRow,
  rowCount,
  tableOf,
} from '../core/batch-processor.ts';
import { ConfigError } from '../core/errors.ts';
import { integerOption, namesOption, refuseUnknownKeys, stringOption } from '../core/options.ts';
import { DEFAULT_TRANSACTION_TIMEOUT_MS, type Neo4jContext } from '../neo4j/connection.ts';
import { packRows, packRowTable } from '../neo4j/packed-rows.ts';
import { DEFAULT_RETRY } from '../neo4j/write-transaction.ts';
import { BatchWriter, writeBatches } from './batch-writer.ts';
import { type RowPolicies, SINK_OPTION_NAMES, type SinkSurroundings, writerOptions } from './row-policies.ts';

/** How batches are written: limits of a transaction, and its tries. */
export interface CypherWriteOptions {
  /** The server ends a transaction that runs longer, in ms; from 1. Default: 600,000 (10 minutes). */
  readonly timeoutMs?: number;
  /** Tries of one transaction after transient errors, at most; 1 for none. Default: 30. */
  readonly maxAttempts?: number;
  /** No new try of a transaction begins later than this after the first, in ms. Default: 120,000. */
  readonly maxRetryTimeMs?: number;
  /** Fields whose whole numbers are sent as floats. Default: none, or what a file's columns say. */
  readonly floatColumns?: readonly string[];
}

export const CYPHER_WRITE_OPTION_NAMES = [
  'timeoutMs',
  'maxAttempts',
  'maxRetryTimeMs',
  'floatColumns',
] as const satisfies readonly (keyof CypherWriteOptions)[];

export interface ResolvedWriteOptions extends Required<Omit<CypherWriteOptions, 'floatColumns'>> {
  readonly floatColumns: ReadonlySet<string>;
}

/** Fills in what is not set. @throws {@link ConfigError} `GW_CONFIG_OPTION` */
export function resolveWriteOptions(options: CypherWriteOptions): ResolvedWriteOptions {
  const { timeoutMs, maxAttempts, maxRetryTimeMs, floatColumns } = options;
  return {
    timeoutMs: integerOption('timeoutMs', timeoutMs ?? DEFAULT_TRANSACTION_TIMEOUT_MS, { min: 1 }),
    maxAttempts: integerOption('maxAttempts', maxAttempts ?? DEFAULT_RETRY.maxAttempts, { min: 1 }),
    maxRetryTimeMs: integerOption('maxRetryTimeMs', maxRetryTimeMs ?? DEFAULT_RETRY.maxRetryTimeMs, {
      min: 0,
    }),
    floatColumns: new Set(namesOption('floatColumns', floatColumns ?? [])),
  };
}

/** What a {@link CypherBatchSink} is told. */
export interface CypherBatchSinkOptions<T>
  extends BatchProcessorOptions<T>,
    CypherWriteOptions,
    RowPolicies,
    SinkSurroundings {
  /** A statement over `$batch`, sent as given: `UNWIND $batch AS row MERGE (…)`. */
  readonly query: string;
}

/**
 * Writes each batch in one transaction, and tries again after transient errors. Statistics: the server's counters,
 * `cypher_rows_written`, and where there were any `retries` with their kinds, `rows_rejected`, `rows_ignored`,
 * `batches_halved` (too large for the server's memory), `commits_recovered` (the answer to a commit was lost).
 *
 * @throws {@link ConfigError} `GW_CONFIG_STATEMENT` for a statement that does not use `$batch`.
 * @throws {@link WriteError} with a `GW_NEO4J_…` code when the server refuses a batch for good.
 */
export class CypherBatchSink<T = unknown> extends BatchProcessor<T, T> {
  declare readonly context: Neo4jContext;
  readonly query: string;
  readonly #writer: BatchWriter<T>;

  constructor(context: Neo4jContext, options: CypherBatchSinkOptions<T>) {
    refuseUnknownKeys('CypherBatchSink', options, [
      'query',
      ...SINK_OPTION_NAMES,
      ...CYPHER_WRITE_OPTION_NAMES,
    ]);
    super(context, options);
    this.query = batchStatement(options.query);
    const { floatColumns, ...write } = resolveWriteOptions(options);
    this.#writer = new BatchWriter<T>(writerOptions(this, write, options, this.query), (part) => {
      const table = tableOf(part);
      const describe = (index: number) => describeRow(part, index);
      const batch = table
        ? packRowTable(table, floatColumns, describe)
        : packRows(part.chunk, floatColumns, describe);
      const parameters = { batch, run: options.ledger?.run ?? null };
      return async (run) => {
        await run(this.query, parameters);
        const written = rowCount(part);
        return { written, statistics: { cypher_rows_written: written } };
      };
    });
  }

  override async *getBatch(maxBatchSize: number): AsyncGenerator<BatchResults<T>> {
    integerOption('maxBatchSize', maxBatchSize, { min: 1 });
    yield* writeBatches(this, this.predecessor.getBatch(maxBatchSize), this.#writer);
  }
}

/** Checks that a statement takes its rows from `$batch`; one that does not would write the same thing every time. */
export function batchStatement(query: unknown): string {
  const statement = stringOption('query', query);
  if (/\$(batch\b|`batch`)/.test(statement)) return statement;
  throw new ConfigError(
    'GW_CONFIG_STATEMENT',
    'The statement does not use $batch, so no row would reach it; begin it with `UNWIND $batch AS row`.',
    { details: { option: 'query' } },
  );
}
