import {
  BatchProcessor,
  type BatchProcessorOptions,
  type BatchResults,
  rowAt,
  rowCount,
} from '../core/batch-processor.ts';
import type { TaskContext } from '../core/context.ts';
import { GraphweftError, throwIfAborted, ValidationError } from '../core/errors.ts';
import {
  booleanOption,
  choiceOption,
  describeValue,
  functionOption,
  integerOption,
  refuseUnknownKeys,
} from '../core/options.ts';
import { RowCursor } from '../core/row-table.ts';
import { mergeStatistics, type Statistics } from '../core/statistics.ts';
import type { WriteLimit } from './adaptive-limit.ts';
import { type Cell, type CommittedRows, cellLength } from './cell-backlog.ts';
import { ClaimsSchedule } from './claims-schedule.ts';
import { cellCount, type GridShape } from './grid.ts';
import { type BucketPair, describeItem, type IdExtractor, MAX_TABLE_SIZE } from './id-extractors.ts';
import { type BucketsOf, skippedRows, splitByClaims, splitterOf } from './split-by-claims.ts';
import { WaveSchedule } from './wave-schedule.ts';

export const SCHEDULES = ['waves', 'claims'] as const;
/**
 * `waves`: groups of cells, the next one when the last cell of this one is done. `claims`: single cells, each as soon as
 * its buckets are free.
 */
export type ScheduleKind = (typeof SCHEDULES)[number];

/** What a {@link SplittingBatchProcessor} is told. */
export interface SplittingBatchProcessorOptions<T> extends BatchProcessorOptions<T> {
  /** Buckets on each side of the grid, and so the most cells of a wave; 1 to 4096. */
  readonly tableSize: number;
  /** Gives the buckets of an item. */
  readonly idExtractor: IdExtractor<T>;
  /** Default: 'waves'. */
  readonly schedule?: ScheduleKind;
  /** With claims: the source is paused at this many waiting rows; from 1. Default: half a batch a cell, at most 640,000. */
  readonly maxBufferedRows?: number;
  /** With waves: a cell of more than this many times batchSize rows is flushed early, with its group. Default: 20. */
  readonly burstFactor?: number;
  /** Whether both keys are of one node space. Default: as the extractor says, else false. */
  readonly monopartite?: boolean;
  /** Rows at the beginning of a cell that an earlier attempt committed; they are skipped. Default: none. */
  readonly committed?: CommittedRows | undefined;
  /** With claims: rows that a cell gives at a time, where that changes while it runs. Default: maxBatchSize. */
  readonly limit?: Pick<WriteLimit, 'batchRows'> | undefined;
}

const SPLITTING_OPTION_NAMES = [
  'predecessor',
  'task',
  'tableSize',
  'idExtractor',
  'schedule',
  'maxBufferedRows',
  'burstFactor',
  'monopartite',
  'committed',
  'limit',
] as const satisfies readonly (keyof SplittingBatchProcessorOptions<unknown>)[];

export const DEFAULT_BURST_FACTOR = 20;

/**
 * Enough for batches of 20,000 in a grid of 8; a large grid works with smaller ones. 3 M ratings took 29.1 s and 310 MB at most with
 * 500,000, 27.8 s and 364 MB with 800,000, 27.8 s and 392 MB with 1,280,000 (means of two).
 */
const MAX_DEFAULT_BUFFERED_ROWS = 640_000;

/**
 * Splits rows into waves of cells that share no bucket, so that the cells of a wave can be written at the same time.
 *
 * `maxBatchSize` of `getBatch` is the size per cell. A wave is emitted while rows arrive as soon as every cell of its
 * group holds that many; early, when a cell grows past burstFactor times that many; and at the end for what is left.
 * Statistics are empty on every wave but the last, which carries the sum of upstream's; it has no cells when nothing
 * was left for it. Rows that wait: at most tableSize² × burstFactor × maxBatchSize.
 *
 * With `schedule: 'claims'` it yields one cell at a time, which shares no bucket with any cell that was yielded and not
 * yet released; rows that wait: at most maxBufferedRows and one batch. A `ParallelBatchProcessor` behind it then works
 * without barriers.
 *
 * @throws {@link ValidationError} `GW_SPLIT_RANGE` for a bucket that is not an integer from 0 to tableSize − 1.
 * @see the page on parallel loading, "Mix and batch"
 */
export class SplittingBatchProcessor<T = unknown> extends BatchProcessor<T, Cell<T>> {
  readonly tableSize: number;
  readonly burstFactor: number;
  readonly monopartite: boolean;
  readonly schedule: ScheduleKind;
  readonly #maxBufferedRows: number | undefined;
  readonly #committed: CommittedRows | undefined;
  readonly #limit: Pick<WriteLimit, 'batchRows'> | undefined;
  readonly #idExtractor: IdExtractor<T>;

  constructor(context: TaskContext, options: SplittingBatchProcessorOptions<T>) {
    refuseUnknownKeys('SplittingBatchProcessor', options, SPLITTING_OPTION_NAMES);
    super(context, options);
    this.tableSize = integerOption('tableSize', options.tableSize, { min: 1, max: MAX_TABLE_SIZE });
    this.burstFactor = integerOption('burstFactor', options.burstFactor ?? DEFAULT_BURST_FACTOR, { min: 1 });
    this.#committed = options.committed;
    this.#limit = options.limit;
    this.#idExtractor = functionOption('idExtractor', options.idExtractor);
    this.monopartite = booleanOption(
      'monopartite',
      options.monopartite ?? options.idExtractor.monopartite ?? false,
    );
    this.schedule = choiceOption('schedule', options.schedule ?? 'waves', SCHEDULES);
    this.#maxBufferedRows =
      options.maxBufferedRows === undefined
        ? undefined
        : integerOption('maxBufferedRows', options.maxBufferedRows, { min: 1 });
  }

  override get givesClaims(): boolean {
    return this.schedule === 'claims';
  }

  override async *getBatch(maxBatchSize: number): AsyncGenerator<BatchResults<Cell<T>>> {
    const batchSize = integerOption('maxBatchSize', maxBatchSize, { min: 1 });
    yield* this.schedule === 'claims' ? this.#claims(batchSize) : this.#waves(batchSize);
  }

  #claims(batchSize: number): AsyncGenerator<BatchResults<Cell<T>>> {
    const { tableSize, monopartite, predecessor, signal } = this;
    const grid = { tableSize, monopartite };
    const maxBufferedRows = this.#maxBufferedRows ?? defaultBufferedRows(grid, batchSize);
    const withShared = { ...grid, tableSize: tableSize + (this.#idExtractor.hasShared ? 1 : 0) };
    const shareRows = maxBufferedRows / cellCount(withShared);
    return splitByClaims(predecessor.getBatch(batchSize), {
      schedule: new ClaimsSchedule<T>({ ...grid, batchSize, shareRows, committed: this.#committed }),
      bucketsOf: this.#bucketsOf,
      maxBufferedRows,
      onSkipped: (rows) => this.#reportSkipped(rows),
      limit: this.#limit,
      signal,
    });
  }

  async *#waves(batchSize: number): AsyncGenerator<BatchResults<Cell<T>>> {
    const { tableSize, burstFactor, monopartite, predecessor } = this;
    const schedule = new WaveSchedule<T>({
      tableSize,
      burstFactor,
      monopartite,
      batchSize,
      committed: this.#committed,
    });
    let statistics: Statistics = {};
    let skipped = 0;
    for await (const batch of predecessor.getBatch(batchSize)) {
      throwIfAborted(this.signal); // many batches may pass before a wave is full
      statistics = mergeStatistics(statistics, batch.statistics);
      const rows = rowCount(batch);
      const split = splitterOf(batch, schedule, this.#bucketsOf);
      for (let i = 0; i < rows; i++) {
        const due = split(i);
        if (due !== undefined) yield wave(schedule.take(due), {});
      }
      this.#reportSkipped(schedule.skippedRows - skipped);
      skipped = schedule.skippedRows;
    }
    statistics = mergeStatistics(statistics, skippedRows(skipped));
    do {
      const group = schedule.nextLeftover();
      const cells = group === undefined ? [] : schedule.take(group);
      yield wave(cells, schedule.rows === 0 ? statistics : {});
    } while (schedule.rows > 0);
  }

  /** What is committed already is done, so that progress ends at the number of rows. */
  #reportSkipped(rows: number): void {
    if (rows > 0) this.report({ rows });
  }

  readonly #bucketsOf: BucketsOf<T> = (item, batch, i) => {
    if (!(item instanceof RowCursor)) return this.#checkedBuckets(item);
    if (!this.#idExtractor.readsFields) return this.#checkedBuckets(rowAt(batch, i));
    try {
      return this.#checkedBuckets(item as T);
    } catch {
      return this.#checkedBuckets(rowAt(batch, i)); // it says what is wrong with a row that can be kept
    }
  };

  #checkedBuckets(item: T): BucketPair {
    let buckets: BucketPair;
    try {
      buckets = this.#idExtractor(item);
    } catch (error) {
      if (error instanceof GraphweftError) throw error;
      const message = `The id extractor failed on ${describeItem(item)}: ${(error as Error)?.message ?? error}`;
      throw new ValidationError('GW_SPLIT_KEY', message, { cause: error, details: { item } });
    }
    if (!Array.isArray(buckets) || buckets.length !== 2) {
      throw new ValidationError(
        'GW_SPLIT_RANGE',
        `The id extractor must give [row, col], got ${describeValue(buckets)} for ${describeItem(item)}.`,
        { details: { item } },
      );
    }
    this.#checkRange('row', buckets[0], item);
    this.#checkRange('col', buckets[1], item);
    return buckets;
  }

  #checkRange(side: 'row' | 'col', bucket: unknown, item: T): void {
    if (Number.isInteger(bucket) && (bucket as number) >= 0 && (bucket as number) < this.tableSize) return;
    // Waves have no shared bucket: a group's cells are disjoint in every bucket.
    if (bucket === this.tableSize && this.#idExtractor.hasShared && this.schedule === 'claims') return;
    throw new ValidationError(
      'GW_SPLIT_RANGE',
      `The id extractor gave ${side} ${describeValue(bucket)} for ${describeItem(item)}; it must be an integer in ` +
        `0 <= ${side} < ${this.tableSize} (tableSize).`,
      { details: { side, bucket, item, tableSize: this.tableSize } },
    );
  }
}

/**
 * Half a batch for each cell, within a bound. @internal
 *
 * Twice as many make transactions of 4,400 rows in place of 3,900 (flights, 4 workers, simulated), and 3 M real flights peak
 * at 477 MB in place of 393.
 */
export function defaultBufferedRows(grid: GridShape, batchSize: number): number {
  return Math.min(Math.ceil((cellCount(grid) * batchSize) / 2), MAX_DEFAULT_BUFFERED_ROWS);
}

function wave<T>(cells: readonly Cell<T>[], statistics: Statistics): BatchResults<Cell<T>> {
  const batchSize = cells.reduce((rows, cell) => rows + cellLength(cell), 0);
  return { chunk: cells, statistics, batchSize };
}
