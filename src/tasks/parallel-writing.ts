import type { BatchSource } from '../core/batch-processor.ts';
import { ConfigError, ValidationError } from '../core/errors.ts';
import { booleanOption, choiceOption, integerOption, pickOptions } from '../core/options.ts';
import type { CompiledMapping, KeyClaim } from '../mapping/compile.ts';
import { mappingExtractor, nodeKeyOf } from '../mapping/mapping-extractor.ts';
import type { Neo4jConnection, Neo4jContext } from '../neo4j/connection.ts';
import { hasRecordStore } from '../neo4j/record-store.ts';
import { BalancedBuckets, KeyCounter, type KeyCounts, planSplit } from '../parallel/balanced-buckets.ts';
import { cellsOfGroup } from '../parallel/grid.ts';
import {
  dictIdExtractor,
  type IdExtractor,
  keyBucket,
  type NodeKey,
  plainKey,
} from '../parallel/id-extractors.ts';
import { DEFAULT_MAX_WORKERS, ParallelBatchProcessor } from '../parallel/parallel-batch-processor.ts';
import { SampledSource } from '../parallel/sampled-source.ts';
import { type HeavyKeys, hubsOf, withoutKeys } from '../parallel/shared-keys.ts';
import { type ScheduleKind, SplittingBatchProcessor } from '../parallel/splitting-batch-processor.ts';
import type { Row } from '../sources/duckdb.ts';
import { fittingTableSize, type GridCells, type ParallelMode, type WritingFacts } from './choose-writing.ts';
import { type HubKind, type HubSharing, hubSharing } from './hub-sharing.ts';
import type { LoadSource, PlannedWriting, WritingKind } from './load-kinds.ts';
import { digest } from './load-run.ts';

/**
 * A load holds less back than a splitter made by hand: 3 M flights peaked at 350 MB with these (grid of 8, batches of
 * 5,000, 4 workers), at 1.1 GB with a burst factor of 20 and 4 waves ahead, at the same speed.
 */
export const DEFAULT_LOAD_BURST_FACTOR = 2;
export const DEFAULT_LOAD_PREFETCH = 1;

/** The options that all parallel loads have. */
export interface ParallelOptions {
  /**
   * `grid`: as the options below say. `auto`: one writer, parallel writers or the grid, whichever fits the rows, with as
   * many workers and as large batches as pay; `maxWorkers` (then 8 by default; where the server is on this machine one a
   * core, but two at least) and `batchSize` are the most. Default: 'grid'.
   */
  readonly parallel?: ParallelMode;
  /**
   * Buckets on each side of the grid, 1 to 4096. Default: twice maxWorkers, mono-partite thrice; as for 4 workers at least,
   * unless a mapping creates relationships alone; fewer where the source says that it has too few rows to fill the cells.
   */
  readonly tableSize?: number;
  /**
   * `claims`: a cell is written as soon as its buckets are free, the fullest bucket first. `waves`: in groups, one after
   * the other. Default: 'claims'.
   */
  readonly schedule?: ScheduleKind;
  /**
   * `hash` spreads keys blindly; `balanced` counts them first (of files all, of other sources the first 50,000 rows) and
   * gives heavy keys buckets of their own. Default: 'hash'.
   */
  readonly buckets?: BucketKind;
  /**
   * `share`: keys with more than a bucket's share of the rows claim no bucket, so their rows are written side by
   * side; for a mapping that CREATEs relationships between nodes that `match`, and refused for anything else. `claim`:
   * every key claims its bucket. Default: 'share' for such a mapping on a Neo4j record store, else 'claim'.
   */
  readonly hubs?: HubKind;
  /** With claims: the source is paused at this many waiting rows; from 1. Default: half a batch a cell, at most 640,000. */
  readonly maxBufferedRows?: number;
  /** With waves: a cell of more than this many times batchSize rows is flushed early; from 1. Default: 2. */
  readonly burstFactor?: number;
  /** Cells written at the same time, at most; from 1. Default: 4. */
  readonly maxWorkers?: number;
  /** With waves: waves read ahead of the one being written, at most; from 0. Default: 1. */
  readonly prefetch?: number;
  /** Field with the start node's key. Default: 'start'. */
  readonly startKey?: string;
  /** Field with the end node's key. Default: 'end'. */
  readonly endKey?: string;
  /** Whether both keys are of one node space (airport to airport). Default: false. */
  readonly monopartite?: boolean;
  /** Gives a row's buckets, in place of startKey and endKey. */
  readonly idExtractor?: IdExtractor<Row>;
}

const PARALLEL_OPTION_NAMES = [
  'parallel',
  'tableSize',
  'schedule',
  'buckets',
  'hubs',
  'maxBufferedRows',
  'burstFactor',
  'maxWorkers',
  'prefetch',
  'startKey',
  'endKey',
  'monopartite',
  'idExtractor',
] as const satisfies readonly (keyof ParallelOptions)[];

export const BUCKET_KINDS = ['hash', 'balanced'] as const;
export type BucketKind = (typeof BUCKET_KINDS)[number];

/** Rows of a source without a count of its own that are looked at for heavy keys. @internal */
export const SAMPLE_ROWS = 50_000;

/** Neo4j keeps a node with so many relationships otherwise than one with fewer: it is dense (`db.relationship_grouping_threshold`). */
const DENSE_NODE = 50;

/** Puts a splitter and parallel workers around the sink. @internal */
export const PARALLEL_WRITING: WritingKind<ParallelOptions> = {
  optionNames: PARALLEL_OPTION_NAMES,

  warning(options, mapping) {
    const { maxWorkers, ...grid } = gridOf(options, mapping);
    if ((options.schedule ?? 'claims') === 'claims' && grid.tableSize >= maxWorkers) return undefined;
    const groups = Array.from({ length: grid.tableSize }, (_, group) => cellsOfGroup(grid, group).length);
    const widest = Math.max(...groups);
    if (widest >= maxWorkers) return undefined;
    return (
      `With tableSize ${grid.tableSize} no wave has work for more than ${widest} of the ${maxWorkers} workers; ` +
      'a larger tableSize keeps all of them busy.'
    );
  },

  plan: planGrid,

  keysOf: (options, mapping) => claimsOf(options, mapping) ?? [],

  gridOf(options, mapping, planned) {
    const { tableSize, monopartite } = gridOf(options, mapping);
    const { buckets = 'hash', idExtractor, startKey, endKey } = options;
    return {
      kind: 'grid',
      tableSize,
      monopartite,
      buckets,
      ...(planned?.assignment && { assignment: planned.assignment }),
      ...(mapping ? {} : { startKey: startKey ?? 'start', endKey: endKey ?? 'end' }),
      ...(idExtractor && { idExtractor: String(idExtractor) }),
    };
  },

  keptGrid: (options, { tableSize }) =>
    options.tableSize === undefined && typeof tableSize === 'number' ? { tableSize } : {},

  place(context, task, options, rows, workerFactory, mapping, planned, ledger) {
    choiceOption('buckets', options.buckets ?? 'hash', BUCKET_KINDS);
    hubSharing(options, mapping, context.neo4j.maxCommits); // says that it may not be before anything is opened
    const { maxWorkers, tableSize, monopartite } = gridOf(options, mapping);
    const splitter = new SplittingBatchProcessor<Row>(context, {
      predecessor: rows as BatchSource<Row>,
      task,
      tableSize,
      monopartite,
      schedule: options.schedule ?? 'claims',
      committed: ledger && ((row, col) => ledger.committed(row, col)),
      limit: planned?.limit,
      ...pickOptions(options, ['maxBufferedRows']),
      burstFactor: options.burstFactor ?? DEFAULT_LOAD_BURST_FACTOR,
      idExtractor:
        planned?.idExtractor ??
        options.idExtractor ??
        (mapping && mappingExtractor(mapping, tableSize)) ??
        dictIdExtractor({ ...pickOptions(options, ['startKey', 'endKey']), tableSize, monopartite }),
    });
    return new ParallelBatchProcessor(context, {
      prefetch: options.prefetch ?? DEFAULT_LOAD_PREFETCH,
      predecessor: splitter,
      task,
      maxWorkers,
      limit: planned?.limit,
      workerFactory,
    });
  },
};

/**
 * Looks at the keys before the load, as {@link WritingKind} has it.
 * @param balancesLimits Whether buckets are balanced where one by hash has more than a worker's share of the rows. Elsewhere it
 * would not pay: each key is looked up then, and 300,000 ratings took 50 ms more of the client's CPU.
 */
export async function planGrid(
  options: ParallelOptions,
  source: LoadSource,
  mapping: CompiledMapping | undefined,
  batchSize: number,
  isAsked: boolean,
  { neo4j }: Neo4jContext,
  balancesLimits = false,
): Promise<PlannedWriting> {
  const asked = choiceOption('buckets', options.buckets ?? 'hash', BUCKET_KINDS);
  const claims = claimsOf(options, mapping);
  const rows = options.tableSize === undefined ? await source.countRows?.() : undefined;
  const { maxWorkers: workers, tableSize, monopartite } = gridOf(options, mapping, { rows, batchSize });
  const resolved = { ...options, tableSize };
  const sharing = tableSize > 1 ? hubSharing(options, mapping, neo4j.maxCommits) : 'none';
  if (!claims || (asked === 'hash' && sharing === 'none' && !isAsked)) return { source, options: resolved };
  const sides = monopartite || claims.length < 2 ? [claims] : claims.map((claim) => [claim]);
  const { counts, source: read } = await countSides(source, sides, batchSize);
  // Of one node space a row is counted at both ends.
  const totalRows = Math.ceil((counts[0]?.totalRows ?? 0) / (sides[0]?.length ?? 1));
  const shared = await sharedKeys(sharing, neo4j, () =>
    counts.map((count) => hubsOf(count, totalRows, tableSize)),
  );
  const names = sides.length === 1 ? (['both'] as const) : (['start', 'end'] as const);
  const planOf = (buckets: BucketKind) => {
    const byHash = (key: NodeKey) => keyBucket(key, tableSize);
    const bucketsOf = counts.map((count, i) => {
      if (buckets === 'hash') return byHash;
      const balanced = new BalancedBuckets(withoutKeys(count, shared?.[i] ?? []), tableSize);
      return (key: NodeKey) => balanced.bucketOf(key);
    });
    const planned = counts.map((count, i) => ({
      side: names[i]!,
      counts: count,
      bucketOf: bucketsOf[i]!,
      shared: shared?.[i] ?? [],
    }));
    return { bucketsOf, plan: planSplit(planned, { workers, tableSize, totalRows, buckets }) };
  };
  const first = planOf(asked);
  const { plan, bucketsOf } = balancesLimits && first.plan.limitingBucket ? planOf('balanced') : first;
  const keys = shared?.map((list) => new Set(list.map(([key]) => key)));
  const isShared = keys && ((key: NodeKey, side: 0 | 1) => keys[side]!.has(plainKey(key)));
  const bucketOf = (key: NodeKey, side: 0 | 1) => bucketsOf[side]!(key);
  const isOwn = plan.buckets === 'balanced' || isShared;
  return {
    source: read,
    options: resolved,
    plan,
    denseAfterRows: denseAfter(counts),
    ...(isOwn && {
      idExtractor: mappingExtractor({ claims }, tableSize, bucketOf, isShared),
      assignment: digest([plan.buckets, counts, shared ?? []]),
    }),
  };
}

/** The keys that a row claims; undefined where only the user's own extractor knows. */
function claimsOf(
  options: ParallelOptions,
  mapping: CompiledMapping | undefined,
): readonly KeyClaim[] | undefined {
  if (options.idExtractor) {
    if (options.buckets !== 'balanced') return undefined;
    throw new ConfigError(
      'GW_CONFIG_OPTION',
      "`buckets: 'balanced'` decides on buckets itself; leave `idExtractor` out and name the keys instead.",
      { details: { option: 'buckets' } },
    );
  }
  if (mapping) return mapping.claims.length > 0 ? mapping.claims : undefined;
  const { startKey = 'start', endKey = 'end', monopartite = false } = options;
  const claim = (name: string, space: number) => ({ space, keys: [{ name, source: name }] });
  return [claim(startKey, 0), claim(endKey, monopartite ? 0 : 1)];
}

/** How many rows make the nodes dense that nearly all rows have. */
function denseAfter(counts: readonly KeyCounts[]): number {
  const ofSides = counts.map(({ totalRows, usualRows }) =>
    usualRows ? (DENSE_NODE * totalRows) / usualRows : Number.POSITIVE_INFINITY,
  );
  return Math.ceil(Math.max(...ofSides));
}

/** Gives the keys of each side that need no claim; undefined where there are none, or where each must claim. */
async function sharedKeys(
  sharing: HubSharing,
  neo4j: Neo4jConnection,
  find: () => readonly HeavyKeys[],
): Promise<readonly HeavyKeys[] | undefined> {
  if (sharing === 'none') return undefined;
  const hubs = find();
  if (hubs.every((keys) => keys.length === 0)) return undefined;
  return sharing === 'asked' || (await hasRecordStore(neo4j)) ? hubs : undefined;
}

/** Counts the keys of each side: all of them where the source can, else those of the first rows. */
async function countSides(
  source: LoadSource,
  sides: readonly (readonly KeyClaim[])[],
  batchSize: number,
): Promise<{ readonly counts: readonly KeyCounts[]; readonly source: LoadSource }> {
  const columns = sides.map((claims) => claims.flatMap(({ keys }) => keys.map((key) => key.source)));
  const isPlain = sides.every((claims) => claims.every(({ keys }) => keys.length === 1));
  if (source.countKeys && isPlain && columns.flat().every((column) => typeof column === 'string')) {
    const counts = await source.countKeys(columns as string[][]);
    if (counts) return { counts, source };
  }
  const preview = source.preview?.bind(source);
  const sampled = new SampledSource(preview ? { getBatch: preview } : source, batchSize);
  const counters = sides.map(() => new KeyCounter());
  try {
    // Not the rest of the last batch: a load that goes on with another size of batch has to split its rows as before.
    for (const row of (await sampled.sample(SAMPLE_ROWS)).slice(0, SAMPLE_ROWS)) {
      for (const [i, claims] of sides.entries()) {
        for (const claim of claims) addKey(counters[i]!, row as Row, claim);
      }
    }
  } catch (error) {
    await sampled.close();
    throw error;
  }
  const counts = counters.map((counter) => counter.counts());
  if (!preview) return { counts, source: sampled };
  await sampled.close();
  return { counts, source };
}

/** A row without a key is dealt with when it is loaded; here it counts for nothing. */
function addKey(counter: KeyCounter, row: Row, claim: KeyClaim): void {
  try {
    counter.add(nodeKeyOf(row, claim));
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
  }
}

/** @param known Of what is to be loaded. Default: nothing. */
function gridOf(
  options: ParallelOptions,
  mapping: CompiledMapping | undefined,
  known: Pick<WritingFacts, 'rows' | 'batchSize'> = { rows: undefined, batchSize: 1 },
): {
  readonly maxWorkers: number;
  readonly tableSize: number;
  readonly monopartite: boolean;
} {
  const maxWorkers = integerOption('maxWorkers', options.maxWorkers ?? DEFAULT_MAX_WORKERS, { min: 1 });
  const cells = cellsOf(options, mapping);
  const facts = { ...known, maxWorkers, merges: !mapping?.createsOnly };
  // All of the workers that are asked for find a cell at the same time.
  const least = cells === 'folded' ? 2 * maxWorkers : maxWorkers;
  const tableSize = options.tableSize ?? fittingTableSize(facts, cells, least);
  return { maxWorkers, monopartite: cells !== 'all', tableSize };
}

/** Says which cells of the grid have rows: what the extractor says, else what the mapping implies, else what is asked for. */
export function cellsOf(
  { idExtractor, monopartite: given = false }: ParallelOptions,
  mapping: CompiledMapping | undefined,
): GridCells {
  const monopartite = booleanOption('monopartite', given);
  if (mapping && !idExtractor && mapping.claims.length < 2) return 'diagonal';
  const isFolded =
    idExtractor?.monopartite ?? (mapping && mappingExtractor(mapping, 1).monopartite) ?? monopartite;
  return isFolded ? 'folded' : 'all';
}
