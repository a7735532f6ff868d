/**
 * A schedule without barriers: a cell starts as soon as its buckets are free, the one on the critical path first.
 *
 * A cell claims its row bucket and its column bucket while it runs (in one node space: both buckets of the one space),
 * and gives at most batchSize rows at a time. That makes it preemptive open-shop scheduling (Gonzalez and Sahni, "Open
 * shop scheduling to minimize finish time", 1976): no schedule is shorter than the fullest bucket, nor than all rows by
 * the workers. So the bucket with the most rows left goes first, and of its cells the one whose other bucket has most.
 *
 * Invariants: no two running cells share a claimed bucket; a cell runs once at a time; rows leave a cell in the order in
 * which they came; every row leaves once.
 *
 * Bucket `tableSize` is the shared one: it is never claimed. Rows go there whose key needs no claim
 * (a hub on which several writers may create relationships at once, see shared-keys.ts); their cells are told apart by
 * the other end's bucket.
 */
import { CellBacklog, type CommittedRows } from './cell-backlog.ts';
import type { GridShape } from './grid.ts';
import type { Cell } from './wave-schedule.ts';

export interface ClaimsScheduleOptions extends GridShape {
  /** Rows that a cell gives at a time, at most. */
  readonly batchSize: number;
  /** Rows at the beginning of a cell that are committed already; they are not given again. Default: none. */
  readonly committed?: CommittedRows | undefined;
}

/** A bucket of one side, or of both in one node space. */
interface Bucket<T> {
  readonly isShared: boolean;
  isClaimed: boolean;
  /** Rows that wait in its cells. */
  rows: number;
  /** Its cells that hold rows and do not run. */
  readonly waiting: Set<ScheduledCell<T>>;
  /** Those of them that hold at least batchSize rows. */
  readonly full: Set<ScheduledCell<T>>;
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
  #waitingRows = 0;
  #skippedRows = 0;

  constructor(options: ClaimsScheduleOptions) {
    this.#options = options;
    const { tableSize, monopartite } = options;
    const side = () => Array.from({ length: tableSize + 1 }, (_, i) => newBucket<T>(i === tableSize));
    this.#rows = side();
    this.#cols = monopartite ? this.#rows : side();
    this.#buckets = monopartite ? this.#rows : [...this.#rows, ...this.#cols];
  }

  /** Rows that wait in all cells. */
  get rows(): number {
    return this.#waitingRows;
  }

  /** Rows that were pushed and are committed already. */
  get skippedRows(): number {
    return this.#skippedRows;
  }

  /** Puts an item into its cell; each bucket from 0 to tableSize, which is the shared one. */
  push(row: number, col: number, item: T, file?: string, rowNumber?: number): void {
    const cell = this.#options.monopartite && row > col ? this.#cell(col, row) : this.#cell(row, col);
    if (!cell.backlog.push(item, file, rowNumber)) {
      this.#skippedRows++;
      return;
    }
    this.#waitingRows++;
    cell.row.rows++;
    if (cell.col !== cell.row) cell.col.rows++;
    const { count } = cell.backlog;
    if (!cell.isRunning && (count === 1 || count === this.#options.batchSize)) this.#file(cell);
  }

  /**
   * Starts the next cell and claims its buckets; undefined when none may start.
   * @param partial Whether a cell may start that holds less than batchSize rows. Full ones come first.
   * @param maxRows Rows that it gives, at most; from 1. Default: batchSize, which is also the most.
   */
  start({
    partial,
    maxRows = this.#options.batchSize,
  }: {
    readonly partial: boolean;
    readonly maxRows?: number;
  }): Cell<T> | undefined {
    const cell = this.#choose('full') ?? (partial ? this.#choose('waiting') : undefined);
    if (!cell) return undefined;
    const rows = cell.backlog.take(Math.min(maxRows, this.#options.batchSize));
    const { length } = rows.items;
    this.#waitingRows -= length;
    cell.isRunning = true;
    for (const bucket of bucketsOf(cell)) {
      bucket.rows -= length;
      bucket.isClaimed = !bucket.isShared;
      bucket.waiting.delete(cell);
      bucket.full.delete(cell);
    }
    return { row: cell.backlog.row, col: cell.backlog.col, ...rows };
  }

  /** Gives the claims of a started cell back. */
  finish({ row, col }: Pick<Cell, 'row' | 'col'>): void {
    const cell = this.#cell(row, col);
    cell.isRunning = false;
    for (const bucket of bucketsOf(cell)) bucket.isClaimed = false;
    this.#file(cell);
  }

  #choose(kind: 'full' | 'waiting'): ScheduledCell<T> | undefined {
    const tried = new Set<Bucket<T>>();
    for (;;) {
      let heaviest: Bucket<T> | undefined;
      for (const bucket of this.#buckets) {
        if (bucket[kind].size === 0 || bucket.isClaimed || tried.has(bucket)) continue;
        if (!heaviest || weight(bucket) > weight(heaviest)) heaviest = bucket;
      }
      if (!heaviest) return undefined;
      let best: ScheduledCell<T> | undefined;
      let bestOther = -2;
      for (const cell of heaviest[kind]) {
        const other = cell.row === heaviest ? cell.col : cell.row;
        if (other.isClaimed || weight(other) <= bestOther) continue;
        best = cell;
        bestOther = weight(other);
      }
      if (best) return best;
      tried.add(heaviest);
    }
  }

  /** Notes what a cell that does not run offers. */
  #file(cell: ScheduledCell<T>): void {
    const { count } = cell.backlog;
    if (count === 0) return;
    for (const bucket of bucketsOf(cell)) {
      bucket.waiting.add(cell);
      if (count >= this.#options.batchSize) bucket.full.add(cell);
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
  return { isShared, isClaimed: false, rows: 0, waiting: new Set(), full: new Set() };
}

function bucketsOf<T>({ row, col }: ScheduledCell<T>): readonly Bucket<T>[] {
  return row === col ? [row] : [row, col];
}

/** The shared bucket is on nobody's critical path. */
function weight({ isShared, rows }: Bucket<unknown>): number {
  return isShared ? -1 : rows;
}
