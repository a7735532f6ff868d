/**
 * Which way of writing is best for a load, from what is known before its first row: pure, and the same for the same data
 * and options, because a load that is resumed has to split its rows as before.
 *
 * | what is known | choice |
 * |---|---|
 * | one worker is allowed, or fewer rows than a few batches | sequential |
 * | a row's nodes do not fit into a grid | sequential |
 * | a split could hardly be faster than one writer | sequential |
 * | rows share no node, or one node a row, which is kept with its like | parallel |
 * | else | grid |
 */
import { formatCount } from '../core/text.ts';
import type { SplitPlan } from '../parallel/balanced-buckets.ts';
import { MAX_TABLE_SIZE } from '../parallel/id-extractors.ts';

export const PARALLEL_MODES = ['grid', 'auto'] as const;
/** `grid`: as the options say; `auto`: one writer, parallel writers or the grid, whichever fits, with what pays. */
export type ParallelMode = (typeof PARALLEL_MODES)[number];

export const WRITING_KINDS = ['sequential', 'parallel', 'grid'] as const;
/** `sequential`: one writer; `parallel`: writers that never meet, without a grid; `grid`: by both keys of a row. */
export type WritingKindName = (typeof WRITING_KINDS)[number];

/** How a load is written, and why. */
export interface WritingChoice {
  readonly kind: WritingKindName;
  /** Why, in words. */
  readonly reason: string;
}

export interface WritingFacts {
  /** Rows of the source; undefined where nobody knows. */
  readonly rows: number | undefined;
  readonly batchSize: number;
  readonly maxWorkers: number;
  /** Whether the rows do more than create relationships. */
  readonly merges: boolean;
  /** Keys that a row claims; undefined where only an extractor of the user's own knows. */
  readonly keys: number | undefined;
  /** What the split could reach; undefined where keys were not counted. */
  readonly plan: Pick<SplitPlan, 'expectedSpeedup' | 'totalRows' | 'limitingBucket' | 'hubs'> | undefined;
}

/** With fewer batches there is nothing to adapt, and cells would hold crumbs. */
const MIN_BATCHES = 4;
/**
 * So many rows are worth a split, however large a batch may be. Ratings by `MERGE`, medians of seven in turn: 15,000 took 0.50 s with one
 * writer and 0.59 in a grid, whose keys are counted first; 25,000 0.57 and, without the count, 0.52.
 */
const ENOUGH_ROWS = 40_000;
/** A grid costs smaller batches; what gains less than this at best may lose in the end. */
export const MIN_SPEEDUP = 1.3;

/** Chooses how to write. */
export function chooseWriting({ rows, batchSize, maxWorkers, keys, plan }: WritingFacts): WritingChoice {
  if (maxWorkers === 1) return { kind: 'sequential', reason: 'maxWorkers is 1' };
  if (keys !== undefined && keys > 2) {
    return {
      kind: 'sequential',
      reason: `the mapping finds ${keys} nodes a row by key, and a grid has two sides`,
    };
  }
  const enough = Math.min(ENOUGH_ROWS, MIN_BATCHES * batchSize);
  if (rows !== undefined && rows < enough) {
    const few = `${formatCount(rows)} ${rows === 1 ? 'row is' : 'rows are'} fewer than the ${formatCount(enough)}`;
    return { kind: 'sequential', reason: `${few} that are worth a split` };
  }
  if (plan && plan.expectedSpeedup < MIN_SPEEDUP) {
    return {
      kind: 'sequential',
      reason: `${limitOf(plan)}, so no split can be more than ${plan.expectedSpeedup.toFixed(1)} times as fast`,
    };
  }
  if (keys === 0) return { kind: 'parallel', reason: 'the rows share no node' };
  if (keys === 1)
    return { kind: 'parallel', reason: 'a row has one node, and all rows of a node are kept together' };
  const what = rows === undefined ? 'the rows share' : `${formatCount(rows)} rows share`;
  if (plan) {
    const times = plan.expectedSpeedup.toFixed(1);
    return {
      kind: 'grid',
      reason: `${what} nodes, and the split allows up to ${times} times the rate of one writer`,
    };
  }
  const unknown =
    keys === undefined ? 'they are split by an extractor of your own' : 'their keys could not be counted';
  return { kind: 'grid', reason: `${what} nodes, and ${unknown}` };
}

function limitOf({ hubs, totalRows, limitingBucket }: NonNullable<WritingFacts['plan']>): string {
  const hub = hubs.find(({ isShared }) => !isShared);
  if (hub)
    return `key ${JSON.stringify(hub.key)} has ${Math.round((100 * hub.rows) / totalRows)} % of the rows`;
  return limitingBucket
    ? 'the keys leave one bucket with most of the rows'
    : 'there is too little to share out';
}

/** Which cells of the grid have rows: all, those of a folded grid, or the diagonal alone. */
export type GridCells = 'all' | 'folded' | 'diagonal';

/**
 * Gives the number of buckets a side whose cells hold a batch each, or fewer rows where something is merged: as many as
 * {@link mostBuckets} says where there are rows enough, and never so few that workers would find no free cell.
 * @param least Buckets a side, at least.
 */
export function fittingTableSize(
  facts: Pick<WritingFacts, 'rows' | 'batchSize' | 'maxWorkers' | 'merges'>,
  cells: GridCells,
  least = 1,
): number {
  const most = mostBuckets(facts.maxWorkers, cells === 'folded', facts.merges);
  if (facts.rows === undefined) return most;
  const count = facts.rows / fittingCellRows(facts);
  const fitting =
    cells === 'diagonal' ? count : cells === 'folded' ? (Math.sqrt(1 + 8 * count) - 1) / 2 : Math.sqrt(count);
  return Math.min(most, Math.max(least, MIN_TABLE_SIZE, Math.floor(fitting)));
}

/** With twice as many buckets as workers, half of them are free for the next cell; more would make cells small. */
const BUCKETS_A_WORKER = 2;
/**
 * In one node space a cell claims two of the same buckets, so with twice as many hardly one would be free. Flights on 4
 * workers: 8 buckets allow 0.77 of the ideal, 12 all of it.
 */
const BUCKETS_A_WORKER_FOLDED = 3;
/**
 * Fewer workers than these get as many buckets where something is merged: the fewer keys a cell has, the more often each comes in
 * a batch, and what is done once a key is done less often. 1 M ratings by `MERGE` with 2 workers: 54,000 rows/s in a grid of 4,
 * 77,000 in one of 8.
 */
const LEAST_WORKERS_OF_MERGE = 4;
const MIN_TABLE_SIZE = 4;
/**
 * Rows that a cell of a short load holds where something is merged. Ratings by `MERGE` with 2 workers, medians of seven in turn: 100,000
 * took 1.17 s in a grid of 3, 1.02 in one of 4, 1.11 of 5; 300,000 took 2.43 s in one of 6, 2.45 of 7, 2.60 of 8, 3.09 of 12.
 */
const MERGED_CELL_ROWS = 8_000;

/** Rows that a cell should hold where there are too few for the largest grid. */
function fittingCellRows({ batchSize, merges }: Pick<WritingFacts, 'batchSize' | 'merges'>): number {
  return merges ? Math.min(batchSize, MERGED_CELL_ROWS) : batchSize;
}

/**
 * Gives the buckets a side that so many workers are served by, however many rows there are.
 * @param merges Whether the rows do more than create relationships.
 */
export function mostBuckets(maxWorkers: number, isFolded: boolean, merges: boolean): number {
  const workers = merges ? Math.max(LEAST_WORKERS_OF_MERGE, maxWorkers) : maxWorkers;
  return Math.min(MAX_TABLE_SIZE, (isFolded ? BUCKETS_A_WORKER_FOLDED : BUCKETS_A_WORKER) * workers);
}

/** Names a choice for a person. */
export function describeChoice({ kind, reason }: WritingChoice, tableSize: number): string {
  return `${nameOf(kind, tableSize)}: ${reason}`;
}

export function nameOf(kind: WritingKindName, tableSize: number): string {
  switch (kind) {
    case 'sequential':
      return 'one writer';
    case 'parallel':
      return `${tableSize} cells without a grid`;
    case 'grid':
      return `grid of ${tableSize} × ${tableSize}`;
    default:
      return kind satisfies never;
  }
}
