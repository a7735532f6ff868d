import type { BatchResults, BatchSource } from '../../../src/core/batch-processor.ts';
import type { Statistics } from '../../../src/core/statistics.ts';

export interface ArraySourceOptions {
  /** Statistics of the batch at an index. Default: `rows_read`. */
  readonly statistics?: (index: number) => Statistics;
  /** Is awaited before the batch at an index is given; may throw. At the end it is called with the number of batches. */
  readonly before?: (index: number) => unknown;
  /** Default: unknown. */
  readonly count?: number;
}

/** Gives batches from memory and keeps count of how it was used. */
export class ArraySource<T> implements BatchSource<T> {
  readonly #batches: readonly (readonly T[])[];
  readonly #options: ArraySourceOptions;
  /** Sizes that were asked for. */
  readonly sizes: number[] = [];
  opened = 0;
  closed = 0;
  /** Batches that someone asked for. */
  asked = 0;
  isExhausted = false;

  constructor(batches: readonly (readonly T[])[], options: ArraySourceOptions = {}) {
    this.#batches = batches;
    this.#options = options;
  }

  countRows(): Promise<number | undefined> {
    return Promise.resolve(this.#options.count);
  }

  async *getBatch(maxBatchSize: number): AsyncGenerator<BatchResults<T>> {
    this.opened++;
    this.sizes.push(maxBatchSize);
    try {
      for (const [index, chunk] of this.#batches.entries()) {
        this.asked++;
        await this.#options.before?.(index);
        const statistics = this.#options.statistics?.(index) ?? { rows_read: chunk.length };
        yield { chunk, statistics, batchSize: chunk.length };
      }
      await this.#options.before?.(this.#batches.length);
      this.isExhausted = true;
    } finally {
      this.closed++;
    }
  }
}
