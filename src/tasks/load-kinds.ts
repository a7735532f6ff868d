/** What loads differ in: where their rows come from, and how they are written. */
import type { BatchResults, BatchSource } from '../core/batch-processor.ts';
import type { Task } from '../core/task.ts';
import type { CompiledMapping, KeyClaim } from '../mapping/compile.ts';
import type { Neo4jContext } from '../neo4j/connection.ts';
import type { RunLedger } from '../neo4j/run-ledger.ts';
import type { AdaptiveLimit } from '../parallel/adaptive-limit.ts';
import type { KeyCounts, SplitPlan } from '../parallel/balanced-buckets.ts';
import type { IdExtractor } from '../parallel/id-extractors.ts';
import { SingleCellBatchProcessor } from '../parallel/single-cell-batch-processor.ts';
import type { RejectedRows } from '../sinks/rejected-rows.ts';
import type { Row } from '../sources/duckdb.ts';
import type { WritingChoice } from './choose-writing.ts';

/** What a load reads from; a file also knows its columns, and which are floating point. */
export interface LoadSource extends BatchSource {
  floatColumns?(): Promise<readonly string[]>;
  /** Names the columns of its rows. */
  columnNames?(): Promise<readonly string[]>;
  /** Reads rows for a look at them; the load then reads all of them again. Default: what is looked at is not read again. */
  preview?(maxBatchSize: number): AsyncGenerator<BatchResults<Row>>;
  countKeys?(sides: readonly (readonly string[])[]): Promise<readonly KeyCounts[] | undefined>;
  /** Says what is read; undefined where it cannot be read again in the same order. */
  fingerprint?(): Promise<Readonly<Record<string, unknown>> | undefined>;
}

/** What is known of a load before its first row is written. */
export interface PlannedWriting {
  /** The source, perhaps with some of its rows read ahead. */
  readonly source: LoadSource & { close?(): Promise<void> };
  readonly plan?: SplitPlan;
  readonly idExtractor?: IdExtractor<Row>;
  /** When so many rows are written, the nodes of nearly all that come are dense. Default: not known. */
  readonly denseAfterRows?: number;
  /** Tells one assignment of keys to buckets from another. */
  readonly assignment?: string;
  /** The options as they follow from what is known. */
  readonly options?: object;
  /** With `parallel: 'auto'`: what was chosen. */
  readonly choice?: WritingChoice;
  readonly limit?: AdaptiveLimit;
  /** What a person is told before the load, and after it. */
  readonly notice?: string;
  readonly outcome?: () => string;
}

/** What a load would do. */
export interface LoadPlan extends SplitPlan {
  /** With `parallel: 'auto'`: how it would be written, and why. */
  readonly choice?: WritingChoice;
}

/** What a kind of source brings to a load. */
export interface SourceKind<O> {
  readonly optionNames: readonly string[];
  /** Names the source, for the default of `rejectedFile`. @throws {@link ConfigError} when the option is missing. */
  nameOf(options: O): string;
  open(context: Neo4jContext, task: Task, options: O, rejected: RejectedRows): LoadSource;
}

/** How a load places its sinks. */
export interface WritingKind<O> {
  readonly optionNames: readonly string[];
  /** Says what about the options a person should know, though they will do. */
  warning?(options: O, mapping: CompiledMapping | undefined): string | undefined;
  /** Looks at the keys before the load. @param isAsked Whether the plan itself is wanted. */
  plan?(
    options: O,
    source: LoadSource,
    mapping: CompiledMapping | undefined,
    batchSize: number,
    isAsked: boolean,
    context: Neo4jContext,
  ): Promise<PlannedWriting>;
  /** The keys that every row must have. */
  keysOf(options: O, mapping: CompiledMapping | undefined): readonly KeyClaim[];
  /** Says how rows come into cells: a load that goes on has to split them in the same way. */
  gridOf(
    options: O,
    mapping: CompiledMapping | undefined,
    planned: PlannedWriting | undefined,
  ): Readonly<Record<string, unknown>>;
  /** Keeps to the grid that an earlier attempt had, where the options leave it open. */
  keptGrid(options: O, grid: Readonly<Record<string, unknown>>): object;
  /** @param ledger What is committed already, by cell. */
  place(
    context: Neo4jContext,
    task: Task,
    options: O,
    rows: BatchSource,
    sink: (predecessor: BatchSource) => BatchSource,
    mapping: CompiledMapping | undefined,
    planned: PlannedWriting | undefined,
    ledger: RunLedger | undefined,
  ): BatchSource;
}

/** Writes one batch after the other. @internal */
export const SEQUENTIAL_WRITING: WritingKind<unknown> = {
  optionNames: [],
  keysOf: (_options, mapping) => mapping?.claims ?? [],
  gridOf: () => ({ kind: 'one cell' }),
  keptGrid: () => ({}),
  place: (context, task, _options, predecessor, sink, _mapping, _planned, ledger) =>
    sink(
      ledger
        ? new SingleCellBatchProcessor(context, { predecessor, task, committed: ledger.committed(0, 0) })
        : predecessor,
    ),
};
