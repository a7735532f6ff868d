/** The writing of a load with `parallel: 'auto'`: what {@link chooseWriting} chooses, with a limit that adapts. */
import { availableParallelism } from 'node:os';
import type { BatchSource } from '../core/batch-processor.ts';
import { choiceOption, integerOption } from '../core/options.ts';
import { formatCount } from '../core/text.ts';
import type { CompiledMapping } from '../mapping/compile.ts';
import type { Neo4jConnection, Neo4jContext } from '../neo4j/connection.ts';
import { isLoopback } from '../neo4j/loopback.ts';
import { AdaptiveLimit } from '../parallel/adaptive-limit.ts';
import type { SplitPlan } from '../parallel/balanced-buckets.ts';
import { SampledSource } from '../parallel/sampled-source.ts';
import {
  chooseWriting,
  describeChoice,
  fittingTableSize,
  nameOf,
  PARALLEL_MODES,
  type WritingChoice,
} from './choose-writing.ts';
import { type LoadSource, type PlannedWriting, SEQUENTIAL_WRITING, type WritingKind } from './load-kinds.ts';
import {
  cellsOf,
  PARALLEL_WRITING,
  type ParallelOptions,
  planGrid,
  SAMPLE_ROWS,
} from './parallel-writing.ts';

/** More than one client can keep busy on most servers, and room to climb where the network is slow. */
const DEFAULT_MAX_WORKERS = 8;
/**
 * A server on this machine has no more cores than it, less those that the client uses: there is a worker a core, and this many at
 * least, so that one packs while the other waits. On 2 cores 300,000 ratings took 2.45 s with it, 2.51 with twice as many (medians of
 * seven in turn). The grid is made for the most workers, too, and what waits in it is a matter of its size.
 */
const LEAST_MAX_WORKERS = 2;

async function defaultMaxWorkers(neo4j: Neo4jConnection): Promise<number> {
  const { uri } = await neo4j.address();
  return isLoopback(uri)
    ? Math.min(DEFAULT_MAX_WORKERS, Math.max(LEAST_MAX_WORKERS, availableParallelism()))
    : DEFAULT_MAX_WORKERS;
}

interface AutoOptions extends ParallelOptions {
  /** The grid of the attempt that the load goes on with. */
  readonly kept?: Readonly<Record<string, unknown>>;
}

/** Puts what `parallel` asks for around the sink. @internal */
export const CHOSEN_WRITING: WritingKind<AutoOptions> = {
  optionNames: PARALLEL_WRITING.optionNames,

  warning: (options, mapping) => (isAuto(options) ? undefined : PARALLEL_WRITING.warning?.(options, mapping)),

  plan(options, source, mapping, batchSize, isAsked, context) {
    return isAuto(options)
      ? planAuto(options, source, mapping, batchSize, isAsked, context)
      : PARALLEL_WRITING.plan!(options, source, mapping, batchSize, isAsked, context);
  },

  keysOf: PARALLEL_WRITING.keysOf,

  gridOf(options, mapping, planned) {
    if (planned?.choice?.kind === 'sequential') return SEQUENTIAL_WRITING.gridOf(options, mapping, planned);
    return PARALLEL_WRITING.gridOf(resolvedOptions(options, planned), mapping, planned);
  },

  keptGrid: (options, grid) => (isAuto(options) ? { kept: grid } : PARALLEL_WRITING.keptGrid(options, grid)),

  place(context, task, options, rows, sink, mapping, planned, ledger) {
    const isSequential = planned?.choice
      ? planned.choice.kind === 'sequential'
      : isAuto(options) && (mapping?.claims.length ?? 0) > 2;
    if (isSequential && !planned && mapping) {
      // One writer needs none of the options, but before anything is opened it is said which of them is wrong.
      const splittable = { ...mapping, claims: mapping.claims.slice(0, 2) };
      PARALLEL_WRITING.place(context, task, options, rows, sink, splittable, planned, ledger);
    }
    const writing: WritingKind<ParallelOptions> = isSequential ? SEQUENTIAL_WRITING : PARALLEL_WRITING;
    const resolved = resolvedOptions(options, planned);
    return writing.place(context, task, resolved, rows, sink, mapping, planned, ledger);
  },
};

function resolvedOptions(options: ParallelOptions, planned: PlannedWriting | undefined): ParallelOptions {
  return (planned?.options as ParallelOptions | undefined) ?? options;
}

function isAuto({ parallel }: ParallelOptions): boolean {
  return choiceOption('parallel', parallel ?? 'grid', PARALLEL_MODES) === 'auto';
}

async function planAuto(
  options: AutoOptions,
  opened: LoadSource,
  mapping: CompiledMapping | undefined,
  batchSize: number,
  isAsked: boolean,
  context: Neo4jContext,
): Promise<PlannedWriting> {
  const { kept } = options;
  const buckets = (kept?.buckets as ParallelOptions['buckets']) ?? options.buckets;
  const maxWorkers = integerOption(
    'maxWorkers',
    options.maxWorkers ?? (await defaultMaxWorkers(context.neo4j)),
    { min: 1 },
  );
  const keys = options.idExtractor ? undefined : PARALLEL_WRITING.keysOf(options, mapping).length;
  const { rows, source } = await countRows(opened, batchSize);
  const facts = { rows, batchSize, maxWorkers, keys, merges: !mapping?.createsOnly };
  const sequential = keptChoice(kept, keys) ?? chooseWriting({ ...facts, plan: undefined });
  const isSplittable = keys === undefined || keys <= 2;
  if (!isSplittable || (sequential.kind === 'sequential' && !isAsked))
    return described({ source, choice: sequential, options, plan: planOfOne(rows) });
  const resolved: ParallelOptions = {
    ...options,
    ...(buckets && { buckets }),
    maxWorkers,
    tableSize:
      (kept?.tableSize as number | undefined) ??
      options.tableSize ??
      fittingTableSize(facts, cellsOf(options, mapping)),
  };
  const planned = await planGrid(resolved, source, mapping, batchSize, true, context, !buckets).catch(
    async (error: unknown) => {
      await source.close?.();
      throw error;
    },
  );
  const plan = planned.plan?.totalRows ? planned.plan : undefined; // keys that only a schema makes are not counted
  const choice = keptChoice(kept, keys) ?? chooseWriting({ ...facts, plan });
  const free = planOfFree(rows, maxWorkers, resolved.tableSize!);
  const chosen = { ...resolved, ...(plan && { buckets: plan.buckets }) };
  return described({ ...planned, choice, options: chosen, plan: plan ?? free }, batchSize, rows);
}

/** Says what was chosen, and makes the limit of what is parallel. */
function described(
  planned: PlannedWriting & { readonly choice: WritingChoice; readonly options: ParallelOptions },
  batchSize?: number,
  expectedRows?: number,
): PlannedWriting {
  const { choice, options } = planned;
  const { tableSize = 1, maxWorkers = 1, schedule = 'claims' } = options;
  const notice = `auto: ${describeChoice(choice, tableSize)}`;
  if (choice.kind === 'sequential' || schedule === 'waves' || batchSize === undefined)
    return { ...planned, notice };
  const limit = new AdaptiveLimit({
    maxWorkers: Math.min(maxWorkers, tableSize),
    maxBatchRows: batchSize,
    expectedRows,
  });
  const outcome = () => {
    const { workers, batchRows } = limit.settled();
    const cells = nameOf(choice.kind, tableSize);
    return `auto: ${cells}, ${span(workers)} ${workers.most === 1 ? 'worker' : 'workers'}, batches of at most ${span(batchRows)} rows`;
  };
  return { ...planned, limit, notice, outcome };
}

/** A load that goes on has to split its rows as it began. */
function keptChoice(kept: AutoOptions['kept'], keys: number | undefined): WritingChoice | undefined {
  if (!kept) return undefined;
  const reason = 'as in the attempt that it goes on with';
  if (kept.kind === 'one cell') return { kind: 'sequential', reason };
  return { kind: keys === undefined || keys > 1 ? 'grid' : 'parallel', reason };
}

/** Counts the rows where that is cheap; else looks whether the first ones are all. */
async function countRows(
  source: LoadSource,
  batchSize: number,
): Promise<{ readonly rows: number | undefined; readonly source: PlannedWriting['source'] }> {
  const rows = await source.countRows?.();
  if (rows !== undefined) return { rows, source };
  const sampled = new SampledSource(source as BatchSource, batchSize);
  const { length } = await sampled.sample(SAMPLE_ROWS);
  return { rows: sampled.isComplete ? length : undefined, source: sampled };
}

function planOfOne(rows = 0): SplitPlan {
  return planOfFree(rows, 1, 1);
}

/** The plan where no key limits it. */
function planOfFree(rows = 0, workers: number, tableSize: number): SplitPlan {
  return {
    totalRows: rows,
    workers,
    tableSize,
    buckets: 'hash',
    lowerBoundRows: Math.ceil(rows / workers),
    limitingBucket: undefined,
    expectedSpeedup: workers,
    hubs: [],
    sharedKeys: [],
  };
}

function span({ least, most }: { readonly least: number; readonly most: number }): string {
  const [from, to] = [least, most].map(formatCount);
  return from === to ? from! : `${from}–${to}`;
}
