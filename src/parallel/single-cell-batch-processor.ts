import {
  amendBatch,
  BatchProcessor,
  type BatchResults,
  type BatchSource,
  pickRows,
  rowCount,
} from '../core/batch-processor.ts';
import type { TaskContext } from '../core/context.ts';
import { integerOption } from '../core/options.ts';
import { mergeStatistics } from '../core/statistics.ts';
import type { Task } from '../core/task.ts';
import { skippedRows } from './split-by-claims.ts';

export interface SingleCellOptions<T> {
  readonly predecessor: BatchSource<T>;
  readonly task?: Task | undefined;
  /** Rows that an earlier attempt committed; they are skipped. Default: none. */
  readonly committed?: number;
}

/**
 * Takes all rows for the rows of one cell, (0, 0), where one writer writes them in their order: numbers them, and skips
 * those that are committed already. Statistic: `rows_skipped`, where there are any.
 */
export class SingleCellBatchProcessor<T> extends BatchProcessor<T> {
  readonly #committed: number;

  constructor(context: TaskContext, { committed = 0, ...options }: SingleCellOptions<T>) {
    super(context, options);
    this.#committed = integerOption('committed', committed, { min: 0 });
  }

  override async *getBatch(maxBatchSize: number): AsyncGenerator<BatchResults<T>> {
    let from = 0;
    for await (const batch of this.predecessor.getBatch(maxBatchSize)) {
      const rows = rowCount(batch);
      const skip = Math.min(rows, Math.max(0, this.#committed - from));
      const position = { row: 0, col: 0, from: from + skip };
      from += rows;
      if (skip === 0) {
        yield amendBatch(batch, { position });
        continue;
      }
      this.report({ rows: skip }); // what is committed is done, so that progress ends at the number of rows
      const left = Array.from({ length: rows - skip }, (_, i) => skip + i);
      const statistics = mergeStatistics(batch.statistics, skippedRows(skip));
      yield amendBatch(pickRows(batch, left), { position, statistics });
    }
  }
}
