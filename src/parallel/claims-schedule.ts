/**
 * A schedule without barriers: a cell starts as soon as its buckets are free, the one on the critical path first.
 *
 * A cell claims its row bucket and its column bucket while it runs (in one node space: both buckets of the one space),
 * and gives at most batchSize rows at a time. That makes it preemptive open-shop scheduling (Gonzalez and Sahni, "Open
 * shop scheduling to minimize finish time", 1976): no schedule is shorter than the fullest bucket, nor than all rows by
 * the workers. So the bucket with the most rows left goes first, and of its cells the fullest: that keeps transactions
 * large, and what is left in the end are many small cells, which fit in anywhere.
 *
 * Once all rows are there the takes shrink with what is left (guided self-scheduling: Polychronopoulos and Kuck, 1987),
 * so that no worker writes a full batch while the others have nothing left.
 *
 * Invariants: no two running cells share a claimed bucket; a cell runs once at a time; rows leave a cell in the order in
 * which they came; every row leaves once.
 *
 * Bucket `tableSize` is the shared one: it is never claimed. Rows go there whose key needs no claim
 * (a hub on which several writers may create relationships at once, see shared-keys.ts); their cells are told apart by
 * the other end's bucket.
 */
import type { RowCursor } from '../core/row-table.ts';
import { type Cell, CellBacklog, type CommittedRows, cellLength } from './cell-backlog.ts';
import type { GridShape } from './grid.ts';

/**
 * What a cell must hold to be started: anything; enough for the first moments of a load; its share of the backlog; a
 * full batch.
 */
export const CELL_LEVELS = ['any', 'early', 'share', 'full'] as const;
export type CellLevel = (typeof CELL_LEVELS)[number];

export interface ClaimsScheduleOptions extends GridShape {
  /** Rows that a cell gives at a time, at most. */
  readonly batchSize: number;
  /** Rows of the level 'share': what a cell holds on average when the backlog is full. Default: batchSize. */
  readonly shareRows?: number | undefined;
  /** Rows at the beginning of a cell that are committed already; they are not given again. Default: none. */
  readonly committed?: CommittedRows | undefined;
}

export interface StartOptions {
  /** What the cell must hold at least. */
  readonly least: CellLevel;
  /** Whether no more rows come. */
  readonly isLast: boolean;
  /** Rows that it gives, at most; from 1. Default: batchSize, which is also the most. */
  readonly maxRows?: number;
}

/**
 * The last takes are a fifth of what is left to each worker. With a half, cases of 1 M rows and 8 workers fell to 0.965 of the
 * bound.
 */
const TAKES_LEFT = 5;
/**
 * Of a cell's share of the backlog: smaller parts would cost more in transactions than the wait for the last worker. In large
 * grids takes are small anyway; as an eighth of a batch, six of 500 simulated cases were below 0.97 of the bound, with 8 and 16 workers.
 * A transaction that merges costs as much as thousands of rows, beside its rows: 300,000 ratings, 4 workers, took 2.68 s with a
 * quarter, 2.56 with this, 2.50 with all of it (medians of seven), which would leave some simulated cases below 0.97.
 */
const SMALLEST_TAKE = 1 / 2;
/**
 * Of the same: what would be left of a cell, if it is less, goes along. 300,000 ratings, a grid of 8, 4 workers, 10,000 rows a batch:
 * while it was left behind, the last sixth of the rows took a third of the time; the load is 1.15 times as fast with this.
 */
const SMALLEST_REST = 1 / 3;
/** Cells fill up unevenly, so the first ones hold this soon; later, workers would be idle, and sooner, write crumbs. */
const EARLY_SHARE = 1 / 4;

/** A bucket of one side, or of both in one node space. */
interface Bucket<T> {
  readonly isShared: boolean;
  isClaimed: boolean;
  /** Rows that wait in its cells. */
  rows: number;
  /** By level: its cells that hold so many rows and do not run. */
  readonly waiting: Readonly<Record<CellLevel, Set<ScheduledCell<T>>>>;
}

interface ScheduledCell<T> {
  readonly backlog: CellBacklog<T>;
  readonly row: Bucket<T>;
  readonly col: Bucket<T>;
  isRunning: boolean;
}

/**
 * Is pure and incremental: a push costs O(1), a decision O(tableSize) where a cell can start at once, as nearly always.
 * Memory: the rows that wait.
 */
export class ClaimsSchedule<T> {
  readonly #options: ClaimsScheduleOptions;
  readonly #rows: readonly Bucket<T>[];
  readonly #cols: readonly Bucket<T>[];
  /** Every bucket once. */
  readonly #buckets: readonly Bucket<T>[];
  readonly #cells = new Map<number, ScheduledCell<T>>();
  /** By level: the rows of a cell. */
  readonly #levelRows: Readonly<Record<CellLevel, number>>;
  #waitingRows = 0;
  #skippedRows = 0;
  #running = 0;
  /** The most cells that ever ran at the same time: the workers, as far as they can be seen from here. */
  #workers = 0;

  constructor(options: ClaimsScheduleOptions) {
    this.#options = options;
    const { tableSize, monopartite, batchSize } = options;
    const share = Math.max(1, Math.min(batchSize, Math.floor(options.shareRows ?? batchSize)));
    const early = Math.max(1, Math.floor(Math.min(batchSize / 2, share) * EARLY_SHARE));
    this.#levelRows = { any: 1, early, share, full: batchSize };
    const side = () => Array.from({ length: tableSize + 1 }, (_, i) => newBucket<T>(i === tableSize));
    this.#rows = side();
    this.#cols = monopartite ? this.#rows : side();
    this.#buckets = monopartite ? this.#rows : [...this.#rows, ...this.#cols];
  }

  /** Rows that wait in all cells. */
  get rows(): number {
    return this.#waitingRows;
  }

  /** Rows of the level 'share'. */
  get shareRows(): number {
    return this.#levelRows.share;
  }

  /** Rows that were pushed and are committed already. */
  get skippedRows(): number {
    return this.#skippedRows;
  }

  /** Puts an item into its cell; each bucket from 0 to tableSize, which is the shared one. */
  push(row: number, col: number, item: T | RowCursor, file?: string, rowNumber?: number): void {
    const cell = this.#options.monopartite && row > col ? this.#cell(col, row) : this.#cell(row, col);
    if (!cell.backlog.push(item, file, rowNumber)) {
      this.#skippedRows++;
      return;
    }
    this.#waitingRows++;
    cell.row.rows++;
    if (cell.col !== cell.row) cell.col.rows++;
    const { count } = cell.backlog;
    const { early, share, full } = this.#levelRows;
    const isReached = count === 1 || count === early || count === share || count === full;
    if (isReached && !cell.isRunning) this.#file(cell);
  }

  /** Starts the next cell and claims its buckets, the full ones first; undefined when none may start. */
  start({ least, isLast, maxRows = this.#options.batchSize }: StartOptions): Cell<T> | undefined {
    const cell = this.#choose('full') ?? (least === 'full' ? undefined : this.#choose(least));
    if (!cell) return undefined;
    this.#workers = Math.max(this.#workers, ++this.#running);
    const most = Math.max(1, Math.floor(Math.min(maxRows, this.#options.batchSize)));
    const taken = cell.backlog.take(isLast ? this.#lastTake(cell, most) : most);
    const length = cellLength(taken);
    this.#waitingRows -= length;
    cell.isRunning = true;
    for (const bucket of bucketsOf(cell)) {
      bucket.rows -= length;
      bucket.isClaimed = !bucket.isShared;
      for (const level of CELL_LEVELS) bucket.waiting[level].delete(cell);
    }
    return taken;
  }

  /** Gives the claims of a started cell back. */
  finish({ row, col }: Pick<Cell, 'row' | 'col'>): void {
    const cell = this.#cell(row, col);
    cell.isRunning = false;
    this.#running--;
    for (const bucket of bucketsOf(cell)) bucket.isClaimed = false;
    this.#file(cell);
  }

  /** Gives the fullest cell of the heaviest bucket that has one to start. */
  #choose(level: CellLevel): ScheduledCell<T> | undefined {
    let heaviest: Bucket<T> | undefined;
    for (const bucket of this.#buckets) {
      if (bucket.isClaimed || bucket.waiting[level].size === 0) continue;
      if (!heaviest || weight(bucket) > weight(heaviest)) heaviest = bucket;
    }
    if (!heaviest) return undefined;
    let best = fullestOf(heaviest, level);
    if (best) return best;
    // Rare: all its cells lead to claimed buckets. One pass over the others, into those alone that would be better.
    let bestWeight = Number.NEGATIVE_INFINITY;
    for (const bucket of this.#buckets) {
      if (bucket === heaviest || bucket.isClaimed || weight(bucket) <= bestWeight) continue;
      const found = fullestOf(bucket, level);
      if (!found) continue;
      best = found;
      bestWeight = weight(bucket);
    }
    return best;
  }

  /** Rows of a take when no more come: a part of what is left to each worker, or to the bucket that all wait for. */
  #lastTake({ backlog }: ScheduledCell<T>, most: number): number {
    let left = this.#waitingRows / this.#workers;
    for (const bucket of this.#buckets) left = Math.max(left, weight(bucket));
    const { share } = this.#levelRows;
    const take = Math.max(share * SMALLEST_TAKE, left / TAKES_LEFT);
    return Math.ceil(backlog.count - take < share * SMALLEST_REST ? most : Math.min(most, take));
  }

  /** Notes what a cell that does not run offers. */
  #file(cell: ScheduledCell<T>): void {
    const { count } = cell.backlog;
    for (const level of CELL_LEVELS) {
      if (count < this.#levelRows[level]) continue;
      for (const bucket of bucketsOf(cell)) bucket.waiting[level].add(cell);
    }
  }

  #cell(row: number, col: number): ScheduledCell<T> {
    const index = row * (this.#options.tableSize + 1) + col;
    let cell = this.#cells.get(index);
    if (!cell) {
      const { batchSize, committed } = this.#options;
      const backlog = new CellBacklog<T>(row, col, batchSize, committed?.(row, col));
      cell = { backlog, row: this.#rows[row]!, col: this.#cols[col]!, isRunning: false };
      this.#cells.set(index, cell);
    }
    return cell;
  }
}

function newBucket<T>(isShared: boolean): Bucket<T> {
  const none = () => new Set<ScheduledCell<T>>();
  const waiting = { any: none(), early: none(), share: none(), full: none() };
  return { isShared, isClaimed: false, rows: 0, waiting };
}

function fullestOf<T>(bucket: Bucket<T>, level: CellLevel): ScheduledCell<T> | undefined {
  let fullest: ScheduledCell<T> | undefined;
  for (const cell of bucket.waiting[level]) {
    const other = cell.row === bucket ? cell.col : cell.row;
    if (other.isClaimed || (fullest && cell.backlog.count <= fullest.backlog.count)) continue;
    fullest = cell;
  }
  return fullest;
}

function bucketsOf<T>({ row, col }: ScheduledCell<T>): readonly Bucket<T>[] {
  return row === col ? [row] : [row, col];
}

/** The shared bucket is on nobody's critical path. */
function weight({ isShared, rows }: Bucket<unknown>): number {
  return isShared ? -1 : rows;
}
