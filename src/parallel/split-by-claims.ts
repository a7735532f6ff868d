import { type BatchResults, rowCount, rowOrigin, tableOf } from '../core/batch-processor.ts';
import { throwIfAborted } from '../core/errors.ts';
import type { RowCursor } from '../core/row-table.ts';
import { mergeStatistics, type Statistics } from '../core/statistics.ts';
import type { WriteLimit } from './adaptive-limit.ts';
import { type Cell, cellLength } from './cell-backlog.ts';
import { ChangeSignal } from './change-signal.ts';
import type { CellLevel, ClaimsSchedule } from './claims-schedule.ts';
import type { BucketPair } from './id-extractors.ts';

export interface SplitByClaimsOptions<T> {
  readonly schedule: ClaimsSchedule<T>;
  readonly bucketsOf: BucketsOf<T>;
  /** Rows that wait, at most, beside one batch of the source. */
  readonly maxBufferedRows: number;
  /** Is told how many rows of a batch are committed already. */
  readonly onSkipped: (rows: number) => void;
  /** Rows that a cell gives at a time, at most, where that changes. */
  readonly limit?: Pick<WriteLimit, 'batchRows'> | undefined;
  readonly signal: AbortSignal;
}

/** How long a worker stays idle for a full cell when the source is slow. */
const PATIENCE_MS = 100;

/**
 * Reads rows ahead into a schedule, pausing the source (never the workers) at maxBufferedRows, and yields one cell at a
 * time, each as soon as it may start. Asked for the next cell, it waits until one is released or filled.
 * {@link leastLevel} says which cells may start that are not full.
 */
export async function* splitByClaims<T>(
  source: AsyncGenerator<BatchResults<T>>,
  { schedule, bucketsOf, maxBufferedRows, onSkipped, limit, signal }: SplitByClaimsOptions<T>,
): AsyncGenerator<BatchResults<Cell<T>>> {
  const changed = new ChangeSignal();
  let statistics: Statistics = {};
  let skipped = 0;
  let isLeft = false;
  let isEnded = false;
  let readRows = 0;
  let failure: { readonly error: unknown } | undefined;
  const isPaused = () => schedule.rows >= maxBufferedRows;
  const pump = async (): Promise<void> => {
    for (;;) {
      while (isPaused() && !isLeft) await changed.next();
      if (isLeft) return;
      const { done, value } = await source.next();
      if (done) return;
      statistics = mergeStatistics(statistics, value.statistics);
      const rows = rowCount(value);
      const split = splitterOf(value, schedule, bucketsOf);
      for (let i = 0; i < rows; i++) split(i);
      readRows += rows;
      onSkipped(schedule.skippedRows - skipped);
      skipped = schedule.skippedRows;
      changed.notify();
    }
  };
  const pumping = pump()
    .catch((error: unknown) => {
      failure = { error };
    })
    .finally(() => {
      isEnded = true;
      changed.notify();
    });
  try {
    for (let isStarved = false; ; ) {
      throwIfAborted(signal);
      if (failure) throw failure.error;
      const isFilling = !isEnded && readRows < maxBufferedRows;
      const least = leastLevel({ isEnded, isStarved, isFilling });
      const cell = schedule.start({ least, isLast: isEnded, ...(limit && { maxRows: limit.batchRows }) });
      isStarved = false;
      if (cell) {
        const usual = Math.min(schedule.shareRows, limit?.batchRows ?? schedule.shareRows);
        cell.isEarly = isFilling && cellLength(cell) < usual;
        cell.release = once(() => {
          schedule.finish(cell);
          changed.notify();
        });
        yield { chunk: [cell], statistics: {}, batchSize: cellLength(cell) };
      } else if (isEnded && schedule.rows === 0) break;
      else isStarved = !(await changed.next(PATIENCE_MS));
    }
    yield { chunk: [], statistics: mergeStatistics(statistics, skippedRows(skipped)), batchSize: 0 };
  } finally {
    isLeft = true;
    changed.notify();
    await pumping;
    await source.return(undefined);
  }
}

/**
 * Gives what a cell must hold to be started.
 *
 * | while | least | because |
 * |---|---|---|
 * | the source has ended, or is slow | any | nothing fuller comes, or not soon |
 * | the first rows are read, as many as may wait | early | workers are idle, and cells fill up meanwhile |
 * | else | share | more than their share not all cells can hold; crumbs would only multiply transactions |
 *
 * While the source is paused, one cell at least holds its share, so never all workers wait for it.
 */
export function leastLevel({
  isEnded,
  isStarved,
  isFilling,
}: Readonly<Record<'isEnded' | 'isStarved' | 'isFilling', boolean>>): CellLevel {
  if (isEnded || isStarved) return 'any';
  return isFilling ? 'early' : 'share';
}

/** Counts rows that an earlier attempt committed; nothing where there are none. */
export function skippedRows(rows: number): Statistics {
  return rows > 0 ? { rows_skipped: rows } : {};
}

/** Gives the buckets of row `i` of a batch, which is looked at as `item`. */
export type BucketsOf<T> = (item: T | RowCursor, batch: BatchResults<T>, i: number) => BucketPair;

interface RowSchedule<T, R> {
  push(row: number, col: number, item: T | RowCursor, file?: string, rowNumber?: number): R;
}

/** Gives what puts row `i` of a batch into its cell, with where it comes from, and says what the schedule says. */
export function splitterOf<T, R>(
  batch: BatchResults<T>,
  schedule: RowSchedule<T, R>,
  bucketsOf: BucketsOf<T>,
): (i: number) => R {
  const itemAt = tableOf(batch)?.look() ?? ((i: number) => batch.chunk[i]!);
  const { origin } = batch;
  return (i) => {
    const item = itemAt(i);
    const [row, col] = bucketsOf(item, batch, i);
    if (!origin) return schedule.push(row, col, item);
    if ('file' in origin) return schedule.push(row, col, item, origin.file, origin.firstRow + i);
    const { file, rowNumber } = rowOrigin(origin, i);
    return schedule.push(row, col, item, file ?? undefined, rowNumber ?? undefined);
  };
}

function once(action: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    action();
  };
}
