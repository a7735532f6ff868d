import { BatchProcessor, type BatchProcessorOptions, type BatchResults } from '../core/batch-processor.ts';
import type { TaskContext } from '../core/context.ts';
import { GraphweftError, throwIfAborted, ValidationError } from '../core/errors.ts';
import { describeValue, functionOption, integerOption } from '../core/options.ts';
import { mergeStatistics, type Statistics } from '../core/statistics.ts';
import { type BucketPair, describeItem, type IdExtractor, MAX_TABLE_SIZE } from './id-extractors.ts';
import { type Cell, WaveSchedule } from './wave-schedule.ts';

export interface SplittingBatchProcessorOptions<T> extends BatchProcessorOptions<T> {
  /** Buckets on each side of the grid, and so the most cells of a wave; 1 to 4096. */
  readonly tableSize: number;
  /** Gives the buckets of an item. */
  readonly idExtractor: IdExtractor<T>;
  /** A cell that holds more than this many times batchSize rows is flushed early, with its group. Default: 20. */
  readonly burstFactor?: number;
  /** Whether both keys are of one node space. Default: as the extractor says, else false. */
  readonly monopartite?: boolean;
}

export const DEFAULT_BURST_FACTOR = 20;

/**
 * Splits rows into waves of cells that share no bucket, so that the cells of a wave can be written at the same time.
 *
 * `maxBatchSize` of `getBatch` is the size per cell. A wave is emitted while rows arrive as soon as every cell of its
 * group holds that many; early, when a cell grows past burstFactor times that many; and at the end for what is left.
 * Statistics are empty on every wave but the last, which carries the sum of upstream's; it has no cells when nothing
 * was left for it. Rows that wait: at most tableSize² × burstFactor × maxBatchSize.
 *
 * @throws {@link ValidationError} `GW_SPLIT_RANGE` for a bucket that is not an integer from 0 to tableSize − 1.
 * @see the page on parallel loading, "Mix and batch"
 */
export class SplittingBatchProcessor<T = unknown> extends BatchProcessor<T, Cell<T>> {
  readonly tableSize: number;
  readonly burstFactor: number;
  readonly monopartite: boolean;
  readonly #idExtractor: IdExtractor<T>;

  constructor(context: TaskContext, options: SplittingBatchProcessorOptions<T>) {
    super(context, options);
    this.tableSize = integerOption('tableSize', options.tableSize, { min: 1, max: MAX_TABLE_SIZE });
    this.burstFactor = integerOption('burstFactor', options.burstFactor ?? DEFAULT_BURST_FACTOR, { min: 1 });
    this.#idExtractor = functionOption('idExtractor', options.idExtractor);
    this.monopartite = options.monopartite ?? options.idExtractor.monopartite ?? false;
  }

  override async *getBatch(maxBatchSize: number): AsyncGenerator<BatchResults<Cell<T>>> {
    const { tableSize, burstFactor, monopartite, predecessor } = this;
    const batchSize = integerOption('maxBatchSize', maxBatchSize, { min: 1 });
    const schedule = new WaveSchedule<T>({ tableSize, burstFactor, monopartite, batchSize });
    let statistics: Statistics = {};
    for await (const batch of predecessor.getBatch(batchSize)) {
      throwIfAborted(this.signal); // many batches may pass before a wave is full
      statistics = mergeStatistics(statistics, batch.statistics);
      for (const item of batch.chunk) {
        const [row, col] = this.#bucketsOf(item);
        const due = schedule.push(row, col, item);
        if (due !== undefined) yield wave(schedule.take(due), {});
      }
    }
    do {
      const group = schedule.nextLeftover();
      const cells = group === undefined ? [] : schedule.take(group);
      yield wave(cells, schedule.rows === 0 ? statistics : {});
    } while (schedule.rows > 0);
  }

  #bucketsOf(item: T): BucketPair {
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
    throw new ValidationError(
      'GW_SPLIT_RANGE',
      `The id extractor gave ${side} ${describeValue(bucket)} for ${describeItem(item)}; it must be an integer in ` +
        `0 <= ${side} < ${this.tableSize} (tableSize).`,
      { details: { side, bucket, item, tableSize: this.tableSize } },
    );
  }
}

function wave<T>(cells: readonly Cell<T>[], statistics: Statistics): BatchResults<Cell<T>> {
  const batchSize = cells.reduce((rows, cell) => rows + cell.items.length, 0);
  return { chunk: cells, statistics, batchSize };
}
