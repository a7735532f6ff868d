import { randomUUID } from 'node:crypto';
import type { BatchSource } from '../core/batch-processor.ts';
import { ClosedLoopBatchProcessor } from '../core/closed-loop-batch-processor.ts';
import { ConfigError } from '../core/errors.ts';
import {
  choiceOption,
  integerOption,
  pickOptions,
  refuseUnknownKeys,
  stringOption,
} from '../core/options.ts';
import type { Statistics } from '../core/statistics.ts';
import { Task } from '../core/task.ts';
import { TaskReturn } from '../core/task-return.ts';
import { type CompiledMapping, checkColumns, compileMapping, type KeyClaim } from '../mapping/compile.ts';
import type { MappingFor } from '../mapping/patterns.ts';
import { checkStatement } from '../neo4j/check-statement.ts';
import type { Neo4jContext } from '../neo4j/connection.ts';
import { ensureConstraints } from '../neo4j/constraints.ts';
import type { RunLedger } from '../neo4j/run-ledger.ts';
import type { AdaptiveLimit } from '../parallel/adaptive-limit.ts';
import type { KeyCounts, SplitPlan } from '../parallel/balanced-buckets.ts';
import type { IdExtractor } from '../parallel/id-extractors.ts';
import { SingleCellBatchProcessor } from '../parallel/single-cell-batch-processor.ts';
import { skippedRows } from '../parallel/split-by-claims.ts';
import { type RowPolicy, SharedWriting } from '../sinks/batch-writer.ts';
import {
  CYPHER_WRITE_OPTION_NAMES,
  CypherBatchSink,
  type CypherWriteOptions,
} from '../sinks/cypher-batch-sink.ts';
import { MappingBatchSink } from '../sinks/mapping-batch-sink.ts';
import { type RejectLimit, rejectCheck } from '../sinks/reject-limit.ts';
import { RejectedRows } from '../sinks/rejected-rows.ts';
import type { RowPolicies } from '../sinks/row-policies.ts';
import type { Row } from '../sources/duckdb.ts';
import { NullKeysBatchProcessor } from '../transforms/null-keys-batch-processor.ts';
import { type RowSchema, ValidationBatchProcessor } from '../transforms/validation-batch-processor.ts';
import type { WritingChoice } from './choose-writing.ts';
import {
  type FoundRun,
  findRun,
  type LoadIdentity,
  mappingText,
  openLedger,
  schemaFingerprint,
} from './load-run.ts';

/** Any row; with a schema, what it gives out. */
// biome-ignore lint/suspicious/noExplicitAny: a load without a schema knows nothing of its rows, and all of them fit
export type AnyRow = any;

/** @typeParam Out What the schema gives out: the mapping can name no other columns. */
export interface LoadOptions<Out = AnyRow> extends CypherWriteOptions, RowPolicies {
  /** Name in reports. Default: the class's name. */
  readonly name?: string;
  /** A statement over `$batch`, sent as given: `UNWIND $batch AS row MERGE (…)`. Either this or `mapping`. */
  readonly query?: string;
  /** What each row becomes: compiled to the fastest statement known. Either this or `query`. */
  readonly mapping?: MappingFor<Out>;
  /**
   * For a mapping: `create` makes the unique constraints that its keys need, `check` ends the load where one is missing,
   * `none` does neither. Default: 'create'.
   */
  readonly constraints?: ConstraintPolicy;
  /** For a mapping: what to do with a row whose end node is not in the database. Default: 'reject'. */
  readonly missingNodes?: RowPolicy;
  /** Rows a transaction, at most; from 1. Default: 5,000. */
  readonly batchSize?: number;
  /** What a row must be (zod, valibot, …); rows that are not go to the rejected file. Default: no check. */
  readonly schema?: RowSchema<unknown, Out>;
  /** JSON-lines file for rejected rows. Default: `rejected/<name of the source>.jsonl`. */
  readonly rejectedFile?: string;
  /** Rows that may be rejected: a number, or a share such as '0.5%'; one more ends the load. Default: any number. */
  readonly maxRejected?: RejectLimit;
  /** What to do with a row that has no node key. Default: 'reject'. */
  readonly nullKeys?: RowPolicy;
  /**
   * Id of the run. A load that was stopped goes on where it was when it is started again; with an id of its own it is
   * also remembered when it is done, and never loaded twice. `false`: the database remembers nothing. Default: an id
   * from the load's name and source, forgotten when the load is done.
   */
  readonly resume?: string | false;
  /** Forgets what an earlier attempt of the run committed, and begins from the start. Default: false. */
  readonly fresh?: boolean;
}

export interface FileLoadOptions<Out = AnyRow> extends LoadOptions<Out> {
  /** Path or pattern (`*`, `**`, `?`, `[…]`) of the source; `.gz` and `.zst` are unpacked. */
  readonly file: string;
}

const LOAD_OPTION_NAMES = [
  'name',
  'query',
  'mapping',
  'constraints',
  'missingNodes',
  'batchSize',
  'schema',
  'rejectedFile',
  'maxRejected',
  'nullKeys',
  'badRows',
  'duplicateKeys',
  'resume',
  'fresh',
  ...CYPHER_WRITE_OPTION_NAMES,
] as const satisfies readonly (keyof LoadOptions)[];

const CONSTRAINT_POLICIES = ['create', 'check', 'none'] as const;
export type ConstraintPolicy = (typeof CONSTRAINT_POLICIES)[number];

/** Server CPU for 300,000 ratings fell by two fifths from batches of 1,000 to 5,000, and little after that. */
export const DEFAULT_BATCH_SIZE = 5_000;

/** What a load reads from; a file also knows which of its columns are floating point. @internal */
export interface LoadSource extends BatchSource {
  floatColumns?(): Promise<readonly string[]>;
  countKeys?(columns: readonly string[]): Promise<KeyCounts | undefined>;
  /** Says what is read; undefined where it cannot be read again in the same order. */
  fingerprint?(): Promise<Readonly<Record<string, unknown>> | undefined>;
}

/** What is known of a load before its first row is written. @internal */
export interface PlannedWriting {
  /** The source, perhaps with some of its rows read ahead. */
  readonly source: LoadSource & { close?(): Promise<void> };
  readonly plan?: SplitPlan;
  readonly idExtractor?: IdExtractor<Row>;
  /** Tells one assignment of keys to buckets from another. */
  readonly assignment?: string;
  /** With `parallel: 'auto'`: what was chosen, with all options as they follow from it. */
  readonly choice?: WritingChoice;
  readonly options?: object;
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

/** What a kind of source brings to a load. @internal */
export interface SourceKind<O> {
  readonly optionNames: readonly string[];
  /** Names the source, for the default of `rejectedFile`. @throws {@link ConfigError} when the option is missing. */
  nameOf(options: O): string;
  open(context: Neo4jContext, task: Task, options: O, rejected: RejectedRows): LoadSource;
}

/** The `file` of a load. @internal */
export function fileOf({ file }: FileLoadOptions): string {
  return stringOption('file', file);
}

/** How a load places its sinks. @internal */
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

/** Is a load from one source into Neo4j: source → validation → writing → closed loop. */
export abstract class LoadTask<O extends LoadOptions> extends Task<Neo4jContext> {
  readonly options: O;
  readonly batchSize: number;
  /** Where rejected rows go. */
  readonly rejectedFile: string;
  readonly #source: SourceKind<O>;
  readonly #writing: WritingKind<O>;
  readonly #rejected: RejectedRows;
  readonly #mapping: CompiledMapping | undefined;
  #executions = 0;

  constructor(context: Neo4jContext, options: O, source: SourceKind<O>, writing: WritingKind<O>) {
    super(context, options.name);
    refuseUnknownKeys(new.target.name, options, [
      ...LOAD_OPTION_NAMES,
      ...source.optionNames,
      ...writing.optionNames,
    ]);
    const name = source.nameOf(options);
    this.batchSize = integerOption('batchSize', options.batchSize ?? DEFAULT_BATCH_SIZE, { min: 1 });
    this.#rejected = new RejectedRows(options.rejectedFile ?? RejectedRows.defaultPath(name));
    this.options = Object.freeze({ ...options });
    this.rejectedFile = this.#rejected.path;
    this.#source = source;
    this.#writing = writing;
    if ((options.query === undefined) === (options.mapping === undefined)) {
      throw new ConfigError('GW_CONFIG_OPTION', 'A load needs either `query` or `mapping`, and not both.');
    }
    choiceOption('constraints', options.constraints ?? 'create', CONSTRAINT_POLICIES);
    if (options.resume !== undefined && options.resume !== false) stringOption('resume', options.resume);
    if (options.maxRejected !== undefined) rejectCheck(options.maxRejected, () => 0);
    this.#mapping = options.mapping && compileMapping(options.mapping);
    this.#chain(this.#open(), {}); // opens nothing, but says which option is wrong before anything is
  }

  override async runInternal(): Promise<TaskReturn> {
    this.#executions++;
    const { context } = this;
    const { neo4j } = context;
    await neo4j.verify();
    const opened = this.#open();
    const run = await findRun(neo4j, this.#identity(), opened);
    const kept = run?.earlier && this.#writing.keptGrid(this.options, run.earlier.grid ?? {});
    const options: O = { ...this.options, ...kept };
    const warning = this.#writing.warning?.(options, this.#mapping);
    if (warning) context.reporter.warn(warning);
    if (this.#mapping) await ensureConstraints(neo4j, this.#mapping, options.constraints ?? 'create');
    else await checkStatement(neo4j, options.query!);
    const floatColumns = options.floatColumns ?? (await opened.floatColumns?.()) ?? [];
    const planned = await this.#writing.plan?.(
      options,
      opened,
      this.#mapping,
      this.batchSize,
      false,
      context,
    );
    if (planned?.notice) context.reporter.notice?.(`${this.name}: ${planned.notice}`);
    let ledger: RunLedger | undefined;
    let isDone = false;
    let summary: Statistics = {};
    try {
      ledger = run && (await this.#openLedger(run, options, planned));
      if (ledger?.isDone) summary = this.#nothingLeft(ledger);
      else {
        const chain = this.#chain(planned?.source ?? opened, { options, floatColumns, planned, ledger });
        for await (const { statistics } of chain.getBatch(this.batchSize)) summary = statistics;
        if (planned?.outcome) context.reporter.notice?.(`${this.name}: ${planned.outcome()}`);
      }
      isDone = true;
    } finally {
      await planned?.source.close?.();
      // What is wrong with the database is said by the load itself; the next attempt takes the run up all the same.
      await ledger?.close(isDone ? 'done' : 'stopped').catch((error: unknown) => {
        if (isDone) throw error;
      });
      const { count } = this.#rejected;
      const rows = count === 1 ? 'row is' : 'rows are';
      if (count > 0) context.reporter.warn(`${this.name}: ${count} rejected ${rows} in ${this.rejectedFile}`);
    }
    return new TaskReturn({ summary });
  }

  /** What a run of this load is known by. */
  #identity(): LoadIdentity {
    const { resume, query, name } = this.options;
    return {
      resume,
      hasName: name !== undefined,
      name: this.name,
      source: this.#source.nameOf(this.options),
      statement: query ?? this.#mapping!.statement,
    };
  }

  async #openLedger(
    run: FoundRun,
    options: O,
    planned: PlannedWriting | undefined,
  ): Promise<RunLedger | undefined> {
    const { context, rejectedFile } = this;
    const fingerprint = {
      source: run.source,
      load: { statement: run.statement, mapping: mappingText(options.mapping), rejectedFile },
      grid: this.#writing.gridOf(options, this.#mapping, planned),
      schema: schemaFingerprint(options.schema),
    };
    // A task that is executed again is another run.
    const instance = this.#executions === 1 ? this.uuid : randomUUID();
    const { fresh = false } = options;
    const ledger = await openLedger(context, run, { fingerprint, fresh, instance });
    if (!ledger || ledger.isDone) return ledger;
    await this.#rejected.beginRun(ledger.instance, (row, col) => ledger.committed(row, col));
    if (ledger.isResumed) {
      context.reporter.warn(
        `${this.name}: goes on with run "${ledger.run}", of which ${ledger.rows.toLocaleString('en-US')} rows are done`,
      );
    }
    return ledger;
  }

  #nothingLeft(ledger: RunLedger): Statistics {
    this.context.reporter.warn(
      `${this.name}: run "${ledger.run}" is done, so there is nothing to load; \`fresh: true\` loads it again`,
    );
    return skippedRows(ledger.rows);
  }

  /**
   * Says what the split can reach, from a count of the keys and without loading: the bound that no schedule can beat, the
   * bucket that sets it, and hubs by name, with which of them claim nothing; with `parallel: 'auto'` also what would be
   * chosen. Undefined with one writer, or where an extractor of your own splits.
   */
  async explain(): Promise<LoadPlan | undefined> {
    const planned = await this.#writing.plan?.(
      this.options,
      this.#open(),
      this.#mapping,
      this.batchSize,
      true,
      this.context,
    );
    await planned?.source.close?.();
    return planned?.plan && { ...planned.plan, ...pickOptions(planned, ['choice']) };
  }

  #open(): LoadSource {
    return this.#source.open(this.context, this, this.options, this.#rejected);
  }

  #chain(
    source: LoadSource,
    {
      options = this.options,
      floatColumns = [],
      planned,
      ledger,
    }: {
      readonly options?: O;
      readonly floatColumns?: readonly string[];
      readonly planned?: PlannedWriting | undefined;
      readonly ledger?: RunLedger | undefined;
    },
  ): BatchSource {
    const { context } = this;
    const mapping = this.#mapping;
    const shared = {
      ...pickOptions(options as LoadOptions, [...CYPHER_WRITE_OPTION_NAMES, 'duplicateKeys', 'missingNodes']),
      badRows: options.badRows ?? 'reject',
      floatColumns,
      task: this,
      rejectedFile: this.#rejected,
      shared: new SharedWriting(),
      ledger,
    };
    const sink = (predecessor?: BatchSource) => {
      const { missingNodes, ...write } = shared;
      return mapping
        ? new MappingBatchSink(context, { ...shared, predecessor, mapping })
        : new CypherBatchSink(context, { ...write, predecessor, query: options.query as string });
    };
    sink(); // in parallel the first sink is made when the first cell is written: too late to say that an option is wrong
    const rows = this.#withKeys(this.#validated(this.#limited(source)), options);
    const predecessor = this.#writing.place(context, this, options, rows, sink, mapping, planned, ledger);
    return new ClosedLoopBatchProcessor(context, { predecessor, task: this });
  }

  /** Counts the rows that are read, for a limit that is a share of them. */
  #limited(source: LoadSource): BatchSource {
    const { maxRejected } = this.options;
    if (maxRejected === undefined) return source;
    let read = 0;
    let expected: number | undefined;
    this.#rejected.limitTo(rejectCheck(maxRejected, () => expected ?? read));
    return {
      countRows: async () => source.countRows?.(),
      async *getBatch(size) {
        expected = await source.countRows?.();
        for await (const batch of source.getBatch(size)) {
          read += batch.batchSize;
          yield batch;
        }
      },
    };
  }

  #withKeys(predecessor: BatchSource, options: O): BatchSource {
    const mapping = this.#mapping;
    const keys = this.#writing.keysOf(options, mapping);
    if (keys.length === 0) return predecessor;
    return new NullKeysBatchProcessor(this.context, {
      predecessor,
      task: this,
      keys,
      policy: options.nullKeys ?? 'reject',
      rejectedFile: this.#rejected,
      checkColumns: mapping && ((columns) => checkColumns(mapping, columns)),
    });
  }

  #validated(predecessor: BatchSource): BatchSource {
    const { schema } = this.options;
    if (!schema) return predecessor;
    const options = { predecessor, task: this, schema, rejectedFile: this.#rejected };
    return new ValidationBatchProcessor(this.context, options);
  }
}
