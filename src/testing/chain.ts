import { BatchProcessor, type BatchResults, type BatchSource } from '../core/batch-processor.ts';
import type { TaskContext } from '../core/context.ts';

/** Makes a source of rows in memory; its statistic is `rows_read`. */
export function arraySource<T>(rows: readonly T[]): BatchSource<T> {
  return {
    countRows: () => Promise.resolve(rows.length),
    async *getBatch(maxBatchSize) {
      for (let from = 0; from < rows.length; from += maxBatchSize) {
        const chunk = rows.slice(from, from + maxBatchSize);
        yield { chunk, statistics: { rows_read: chunk.length }, batchSize: chunk.length };
      }
    },
  };
}

/** Keeps the rows that reach it, and hands them on. */
export class CollectingSink<T = unknown> extends BatchProcessor<T, T> {
  /** Rows, in the order in which they came. */
  readonly rows: T[] = [];
  /** Sizes of the batches. */
  readonly batchSizes: number[] = [];

  constructor(context: TaskContext, predecessor: BatchSource<T>) {
    super(context, { predecessor });
  }

  override async *getBatch(maxBatchSize: number): AsyncGenerator<BatchResults<T>> {
    for await (const batch of this.predecessor.getBatch(maxBatchSize)) {
      this.rows.push(...batch.chunk);
      this.batchSizes.push(batch.batchSize);
      yield batch;
    }
  }
}

/** Fails when the batch of an index comes; those before it pass. */
export class FailingSink<T = unknown> extends BatchProcessor<T, T> {
  readonly #atBatch: number;
  readonly #error: Error;

  /** @param atBatch Default: 0, the first one. @param error Default: an `Error` that says so. */
  constructor(
    context: TaskContext,
    predecessor: BatchSource<T>,
    {
      atBatch = 0,
      error = new Error('the sink failed'),
    }: { readonly atBatch?: number; readonly error?: Error } = {},
  ) {
    super(context, { predecessor });
    this.#atBatch = atBatch;
    this.#error = error;
  }

  override async *getBatch(maxBatchSize: number): AsyncGenerator<BatchResults<T>> {
    let index = 0;
    for await (const batch of this.predecessor.getBatch(maxBatchSize)) {
      if (index++ === this.#atBatch) throw this.#error;
      yield batch;
    }
  }
}
