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
import { Task } from '../core/task.ts';
import { TaskReturn } from '../core/task-return.ts';
import { type CompiledMapping, compileMapping } from '../mapping/compile.ts';
import type { MappingFor } from '../mapping/patterns.ts';
import type { Neo4jContext } from '../neo4j/connection.ts';
import { ensureConstraints } from '../neo4j/constraints.ts';
import type { KeyCounts, SplitPlan } from '../parallel/balanced-buckets.ts';
import type { IdExtractor } from '../parallel/id-extractors.ts';
import {
  CYPHER_WRITE_OPTION_NAMES,
  CypherBatchSink,
  type CypherWriteOptions,
} from '../sinks/cypher-batch-sink.ts';
import { MappingBatchSink, type RowPolicy } from '../sinks/mapping-batch-sink.ts';
import { RejectedRows } from '../sinks/rejected-rows.ts';
import type { Row } from '../sources/duckdb.ts';
import { type RowSchema, ValidationBatchProcessor } from '../transforms/validation-batch-processor.ts';

/** Any row; with a schema, what it gives out. */
// biome-ignore lint/suspicious/noExplicitAny: a load without a schema knows nothing of its rows, and all of them fit
export type AnyRow = any;

/** @typeParam Out What the schema gives out: the mapping can name no other columns. */
export interface LoadOptions<Out = AnyRow> extends CypherWriteOptions {
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
}

/** What is known of a load before its first row is written. @internal */
export interface PlannedWriting {
  /** The source, perhaps with some of its rows read ahead. */
  readonly source: LoadSource & { close?(): Promise<void> };
  readonly plan?: SplitPlan;
  readonly idExtractor?: IdExtractor<Row>;
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
  place(
    context: Neo4jContext,
    task: Task,
    options: O,
    rows: BatchSource,
    sink: (predecessor: BatchSource) => BatchSource,
    mapping: CompiledMapping | undefined,
    planned: PlannedWriting | undefined,
  ): BatchSource;
}

/** Writes one batch after the other. @internal */
export const SEQUENTIAL_WRITING: WritingKind<unknown> = {
  optionNames: [],
  place: (_context, _task, _options, rows, sink) => sink(rows),
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
    this.#mapping = options.mapping && compileMapping(options.mapping);
    this.#chain(this.#open(), []); // opens nothing, but says which option is wrong before anything is
  }

  override async runInternal(): Promise<TaskReturn> {
    const { context, options } = this;
    await context.neo4j.verify();
    const warning = this.#writing.warning?.(options, this.#mapping);
    if (warning) context.reporter.warn(warning);
    if (this.#mapping) await ensureConstraints(context.neo4j, this.#mapping, options.constraints ?? 'create');
    const opened = this.#open();
    const floatColumns = options.floatColumns ?? (await opened.floatColumns?.()) ?? [];
    const planned = await this.#writing.plan?.(
      options,
      opened,
      this.#mapping,
      this.batchSize,
      false,
      context,
    );
    const before = this.#rejected.count;
    let summary = {};
    try {
      const batches = this.#chain(planned?.source ?? opened, floatColumns, planned).getBatch(this.batchSize);
      for await (const { statistics } of batches) summary = statistics;
    } finally {
      await planned?.source.close?.();
      const rejected = this.#rejected.count - before;
      const rows = rejected === 1 ? 'row is' : 'rows are';
      if (rejected > 0)
        context.reporter.warn(`${this.name}: ${rejected} rejected ${rows} in ${this.rejectedFile}`);
    }
    return new TaskReturn({ summary });
  }

  /**
   * Says what the split can reach, from a count of the keys and without loading: the bound that no schedule can beat, the
   * bucket that sets it, and hubs by name, with which of them claim nothing. Undefined with one writer, or where an extractor of your own splits.
   */
  async explain(): Promise<SplitPlan | undefined> {
    const planned = await this.#writing.plan?.(
      this.options,
      this.#open(),
      this.#mapping,
      this.batchSize,
      true,
      this.context,
    );
    await planned?.source.close?.();
    return planned?.plan;
  }

  #open(): LoadSource {
    return this.#source.open(this.context, this, this.options, this.#rejected);
  }

  #chain(source: LoadSource, floatColumns: readonly string[], planned?: PlannedWriting): BatchSource {
    const { context, options } = this;
    const write = { ...pickOptions(options as LoadOptions, CYPHER_WRITE_OPTION_NAMES), floatColumns };
    const mapping = this.#mapping;
    const sink = (predecessor?: BatchSource) => {
      const place = { predecessor, task: this };
      if (!mapping)
        return new CypherBatchSink(context, { ...write, ...place, query: options.query as string });
      return new MappingBatchSink(context, {
        ...write,
        ...place,
        ...pickOptions(options as LoadOptions, ['missingNodes']),
        mapping,
        rejectedFile: this.#rejected,
      });
    };
    sink(); // in parallel the first sink is made when the first cell is written: too late to say that an option is wrong
    const predecessor = this.#writing.place(
      context,
      this,
      options,
      this.#validated(source),
      sink,
      mapping,
      planned,
    );
    return new ClosedLoopBatchProcessor(context, { predecessor, task: this });
  }

  #validated(predecessor: BatchSource): BatchSource {
    const { schema } = this.options;
    if (!schema) return predecessor;
    const options = { predecessor, task: this, schema, rejectedFile: this.#rejected };
    return new ValidationBatchProcessor(this.context, options);
  }
}
