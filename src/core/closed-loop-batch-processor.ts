import { BatchProcessor, type BatchResults } from './batch-processor.ts';
import { throwIfAborted } from './errors.ts';
import { integerOption } from './options.ts';
import { mergeStatistics, type Statistics } from './statistics.ts';

/**
 * Drives a chain to its end: pulls every batch, lets go of the rows, reports progress, and yields once, with the
 * statistics and the row count of all.
 */
export class ClosedLoopBatchProcessor<In = unknown> extends BatchProcessor<In, never> {
  override async *getBatch(maxBatchSize: number): AsyncGenerator<BatchResults<never>> {
    integerOption('maxBatchSize', maxBatchSize, { min: 1 });
    const { predecessor, task } = this;
    throwIfAborted(this.signal);
    const rows = task && (await this.countRows());
    if (rows !== undefined) {
      const batches = predecessor.reportsProgress ? undefined : Math.ceil(rows / maxBatchSize);
      this.context.reporter.taskExpects?.(task!, { rows, ...(batches !== undefined && { batches }) });
    }
    let statistics: Statistics = {};
    let batchSize = 0;
    for await (const batch of predecessor.getBatch(maxBatchSize)) {
      statistics = mergeStatistics(statistics, batch.statistics);
      batchSize += batch.batchSize;
      if (!predecessor.reportsProgress) {
        this.report({ rows: batch.batchSize, batches: 1, statistics: batch.statistics });
      }
      throwIfAborted(this.signal);
    }
    yield { chunk: [], statistics, batchSize };
  }
}
