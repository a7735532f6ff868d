import { randomUUID } from 'node:crypto';
import { type BatchSource, recycled } from '../core/batch-processor.ts';
import { ClosedLoopBatchProcessor } from '../core/closed-loop-batch-processor.ts';
import { ConfigError } from '../core/errors.ts';
import {
  booleanOption,
  choiceOption,
  integerOption,
  optionError,
  pickOptions,
  refuseUnknownKeys,
  stringOption,
} from '../core/options.ts';
import { SPARE_WORDS } from '../core/row-table.ts';
import type { Statistics } from '../core/statistics.ts';
import { Task } from '../core/task.ts';
import { TaskReturn } from '../core/task-return.ts';
import { formatCount } from '../core/text.ts';
import { type CompiledMapping, checkColumns, compileMapping } from '../mapping/compile.ts';
import { checkStatement } from '../neo4j/check-statement.ts';
import type { Neo4jContext } from '../neo4j/connection.ts';
import { ensureConstraints } from '../neo4j/constraints.ts';
import { ensureLedger, type RunLedger } from '../neo4j/run-ledger.ts';
import { skippedRows } from '../parallel/split-by-claims.ts';
import { ROW_POLICIES, SharedWriting } from '../sinks/batch-writer.ts';
import { CYPHER_WRITE_OPTION_NAMES, CypherBatchSink } from '../sinks/cypher-batch-sink.ts';
import { MappingBatchSink } from '../sinks/mapping-batch-sink.ts';
import { rejectCheck } from '../sinks/reject-limit.ts';
import { type LoadDescription, RejectedRows } from '../sinks/rejected-rows.ts';
import { NullKeysBatchProcessor } from '../transforms/null-keys-batch-processor.ts';
import { ValidationBatchProcessor } from '../transforms/validation-batch-processor.ts';
import { describeLoad } from './load-description.ts';
import type { LoadPlan, LoadSource, PlannedWriting, SourceKind, WritingKind } from './load-kinds.ts';
import {
  CONSTRAINT_POLICIES,
  defaultBatchSize,
  LOAD_OPTION_NAMES,
  type LoadOptions,
} from './load-options.ts';
import {
  type FoundRun,
  findRun,
  type LoadIdentity,
  mappingText,
  openLedger,
  refuseOtherLoad,
  schemaFingerprint,
} from './load-run.ts';

/** The index of runs holds no text of more than some 8,000 bytes, and a character can take four. */
const MAX_RUN_ID_CHARACTERS = 1_000;

/** Options that only the other kind of load looks at: a mapping names its keys itself, and a statement has none that are known. */
const WITHOUT_EFFECT = {
  mapping: ['startKey', 'endKey', 'monopartite'],
  query: ['missingNodes', 'constraints'],
} as const;

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
  readonly #description: LoadDescription | undefined;
  #executions = 0;

  /** @param description What a retry was told of the load whose rows it loads. Default: of this load. */
  constructor(
    context: Neo4jContext,
    options: O,
    source: SourceKind<O>,
    writing: WritingKind<O>,
    description?: LoadDescription,
  ) {
    refuseUnknownKeys(new.target.name, options, [
      ...LOAD_OPTION_NAMES,
      ...source.optionNames,
      ...writing.optionNames,
    ]);
    super(context, options.name);
    const name = source.nameOf(options);
    this.#rejected = new RejectedRows(options.rejectedFile ?? RejectedRows.defaultPath(name));
    this.options = Object.freeze({ ...options });
    this.rejectedFile = this.#rejected.path;
    this.#source = source;
    this.#description = description;
    this.#writing = writing;
    if ((options.query === undefined) === (options.mapping === undefined)) {
      throw new ConfigError('GW_CONFIG_OPTION', 'A load needs either `query` or `mapping`, and not both.');
    }
    const [idle, other] = options.mapping ? (['mapping', 'query'] as const) : (['query', 'mapping'] as const);
    for (const name of WITHOUT_EFFECT[idle]) {
      if ((options as Readonly<Record<string, unknown>>)[name] === undefined) continue;
      throw new ConfigError(
        'GW_CONFIG_OPTION',
        `\`${name}\` is an option of loads with a \`${other}\`, and has no effect beside a \`${idle}\`; leave it out.`,
        { details: { option: name } },
      );
    }
    booleanOption('fresh', options.fresh ?? false);
    choiceOption('constraints', options.constraints ?? 'create', CONSTRAINT_POLICIES);
    choiceOption('nullKeys', options.nullKeys ?? 'reject', ROW_POLICIES); // also where rows have no keys to look at
    const { runTag, resume = false } = options;
    if (resume !== false && stringOption('resume', resume).length > MAX_RUN_ID_CHARACTERS)
      throw optionError('resume', `a text of at most ${MAX_RUN_ID_CHARACTERS} characters`, resume);
    if (options.maxRejected !== undefined) rejectCheck(options.maxRejected, () => 0);
    if (runTag !== undefined && !options.resume) {
      throw new ConfigError('GW_CONFIG_OPTION', '`runTag` needs an id for the run: give `resume` too.', {
        details: { option: 'runTag' },
      });
    }
    if (runTag !== undefined) stringOption('runTag', runTag);
    this.#mapping = options.mapping && compileMapping(options.mapping, { runTag });
    this.batchSize = integerOption('batchSize', options.batchSize ?? defaultBatchSize(this.#mapping), {
      min: 1,
    });
    this.#chain(this.#open(), pickOptions(options as LoadOptions, ['floatColumns'])); // opens nothing, but says which option is wrong before anything is
  }

  override async runInternal(): Promise<TaskReturn> {
    this.#executions++;
    this.#rejected.begin();
    const { context } = this;
    const { neo4j } = context;
    const opened = this.#open();
    // The first look at a file takes as long as the first answers of a server far away; neither waits for the other.
    const [run, foundFloats] = await Promise.all([
      neo4j.verify().then(() => findRun(neo4j, this.#identity(), opened)),
      opened.floatColumns?.(),
    ]);
    // A file without rows has columns too; those of a schema are known with its first row.
    const columns = !this.options.schema && (await opened.columnNames?.());
    if (columns && this.#mapping) checkColumns(this.#mapping, columns);
    const named = this.options.floatColumns ?? [];
    if (columns && !named.every((name) => columns.includes(name)))
      throw optionError('floatColumns', `columns of the source (${columns.join(', ')})`, named);
    if (!run && this.options.resume !== false) {
      context.reporter.warn(
        `${this.name}: cannot go on where it was if it is stopped, since its rows come in no certain order; a query can with ` +
          '`orderBy` (`resume: false` is silent)',
      );
    }
    const kept = run?.earlier && this.#writing.keptGrid(this.options, run.earlier.grid ?? {});
    const options: O = { ...this.options, ...kept };
    const warning = this.#writing.warning?.(options, this.#mapping);
    if (warning) context.reporter.warn(warning);
    const floatColumns = options.floatColumns ?? foundFloats ?? [];
    this.#rejected.describeLoad(this.#description ?? describeLoad(options, floatColumns));
    const isLeft = run?.found?.state !== 'done' || options.fresh;
    // The keys are counted here while the server makes its indexes.
    const [ready, plan] = await Promise.allSettled([
      this.#mapping
        ? ensureConstraints(neo4j, this.#mapping, options.constraints ?? 'create')
        : checkStatement(neo4j, options.query!),
      isLeft && this.#writing.plan?.(options, opened, this.#mapping, this.batchSize, false, context),
      run && ensureLedger(neo4j), // what fails here fails again, and is said, when the ledger is opened
    ]);
    const planned = plan.status === 'fulfilled' ? plan.value || undefined : undefined;
    const failed = [ready, plan].find(({ status }) => status === 'rejected');
    if (failed) {
      await planned?.source.close?.();
      throw (failed as PromiseRejectedResult).reason;
    }
    if (planned?.notice) context.reporter.notice?.(`${this.name}: ${planned.notice}`);
    let ledger: RunLedger | undefined;
    let isDone = false;
    let summary: Statistics = {};
    try {
      ledger = run && (await this.#openLedger(run, options, planned));
      if (ledger?.isDone) summary = this.#nothingLeft(ledger);
      else {
        if (ledger) await this.#takeUp(ledger, options);
        const chain = this.#chain(planned?.source ?? opened, { options, floatColumns, planned, ledger });
        for await (const { statistics } of chain.getBatch(this.batchSize)) summary = statistics;
        if (planned?.outcome) context.reporter.notice?.(`${this.name}: ${planned.outcome()}`);
      }
      isDone = true;
    } finally {
      SPARE_WORDS.clear();
      const closing = planned?.source.close?.();
      // What is wrong with the database is said by the load itself; the next attempt takes the run up all the same.
      await ledger?.close(isDone ? 'done' : 'stopped').catch((error: unknown) => {
        if (isDone) throw error;
      });
      await closing?.catch((error: unknown) => {
        if (isDone) throw error;
      });
      const { count } = this.#rejected;
      const rows = count === 1 ? 'row is' : 'rows are';
      if (count > 0) context.reporter.warn(`${this.name}: ${count} rejected ${rows} in ${this.rejectedFile}`);
    }
    return new TaskReturn({ summary });
  }

  get #statement(): string {
    return this.options.query ?? this.#mapping!.statement;
  }

  /** What a run of this load is known by. */
  #identity(): LoadIdentity {
    const { resume, name } = this.options;
    return {
      resume,
      hasName: name !== undefined,
      name: this.name,
      source: this.#source.nameOf(this.options),
      statement: this.#statement,
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
      load: { statement: this.#statement, mapping: mappingText(options.mapping), rejectedFile },
      grid: this.#writing.gridOf(options, this.#mapping, planned),
      schema: schemaFingerprint(options.schema),
    };
    // A task that is executed again is another run.
    const instance = this.#executions === 1 ? this.uuid : randomUUID();
    const { fresh = false, runTag } = options;
    const ledger = await openLedger(context, run, { fingerprint, fresh, instance, runTag });
    if (ledger?.isDone) refuseOtherLoad(run, fingerprint);
    return ledger;
  }

  /** Finds out what earlier attempts have rejected; apart from opening the ledger, which is to be closed when this fails. */
  async #takeUp(ledger: RunLedger, { fresh }: O): Promise<void> {
    await this.#rejected.beginRun(ledger.instance, (row, col) => ledger.committed(row, col));
    const { ofOtherRuns } = this.#rejected;
    if (fresh && ofOtherRuns > 0) {
      this.context.reporter.warn(
        `${this.name}: begins anew, and ${this.rejectedFile} has rows that it rejected before (${ofOtherRuns}); remove those, ` +
          'since a retry would load them and what is rejected now',
      );
    }
    if (!ledger.isResumed) return;
    this.context.reporter.warn(
      `${this.name}: goes on with run "${ledger.run}", of which ${formatCount(ledger.rows)} rows are done`,
    );
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
   * chosen. Undefined with one writer; with `parallel: 'grid'` also where an extractor of your own splits, or rows share no
   * node.
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
    const writing = new SharedWriting();
    writing.gatedRows = this.#gatedRows(options, planned);
    writing.areColumnsChecked = true; // of the first row, where keys are looked at
    writing.hasWrittenBefore = ledger !== undefined && ledger.rows > this.#rejected.committed;
    const shared = {
      ...pickOptions(options as LoadOptions, [...CYPHER_WRITE_OPTION_NAMES, 'duplicateKeys', 'missingNodes']),
      badRows: options.badRows ?? 'reject',
      floatColumns,
      task: this,
      rejectedFile: this.#rejected,
      shared: writing,
      ledger,
    };
    const sink = (cell?: BatchSource) => {
      const { missingNodes, ...write } = shared;
      const predecessor = cell && recycled(cell);
      return mapping
        ? new MappingBatchSink(context, { ...shared, predecessor, mapping })
        : new CypherBatchSink(context, { ...write, predecessor, query: options.query as string });
    };
    sink(); // in parallel the first sink is made when the first cell is written: too late to say that an option is wrong
    const rows = recycled(this.#withKeys(this.#validated(this.#limited(source)), options));
    const predecessor = this.#writing.place(context, this, options, rows, sink, mapping, planned, ledger);
    return new ClosedLoopBatchProcessor(context, { predecessor, task: this });
  }

  /** Until how many rows are written commits of different cells may need the same link: see {@link CommitGate}. */
  #gatedRows(options: O, planned: PlannedWriting | undefined): number {
    const mapping = this.#mapping;
    if (!mapping) return Number.POSITIVE_INFINITY;
    const isSplitByKeys = this.#writing.keysOf(options, mapping).length === mapping.claims.length;
    const areLinksShared = mapping.linksShared || (planned?.plan?.sharedKeys.length ?? 0) > 0;
    if (isSplitByKeys && !areLinksShared) return 0;
    return planned?.denseAfterRows ?? Number.POSITIVE_INFINITY;
  }

  /** Counts the rows that are read, for a limit that is a share of them. */
  #limited(source: LoadSource): BatchSource {
    const { maxRejected } = this.options;
    if (maxRejected === undefined) return source;
    const rejected = this.#rejected;
    let read = 0;
    let expected: number | undefined;
    rejected.limitTo(rejectCheck(maxRejected, () => expected ?? read, this.rejectedFile));
    return {
      countRows: async () => source.countRows?.(),
      async *getBatch(size) {
        expected = await source.countRows?.();
        // Of rows that nobody has counted a share says nothing yet.
        if (expected !== undefined || typeof maxRejected === 'number') rejected.checkLimit();
        for await (const batch of source.getBatch(size)) {
          read += batch.batchSize;
          yield batch;
        }
      },
    };
  }

  #withKeys(predecessor: BatchSource, options: O): BatchSource {
    const mapping = this.#mapping;
    const keys = mapping?.required ?? this.#writing.keysOf(options, mapping);
    if (keys.length === 0 && !mapping) return predecessor;
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
