import type { BatchResults, BatchSource } from '../core/batch-processor.ts';

/** A source of which the first rows have been looked at; it then gives them like any other. */
export class SampledSource<T> implements BatchSource<T> {
  readonly #source: BatchSource<T>;
  readonly #batches: AsyncGenerator<BatchResults<T>>;
  readonly #sample: BatchResults<T>[] = [];
  #isComplete = false;

  /** @param batchSize Rows of a batch, also later. */
  constructor(source: BatchSource<T>, batchSize: number) {
    this.#source = source;
    this.#batches = source.getBatch(batchSize);
  }

  /** Whether the sample is all there is. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  countRows(): Promise<number | undefined> {
    return this.#source.countRows?.() ?? Promise.resolve(undefined);
  }

  /** Reads ahead until there are so many rows, and gives them. */
  async sample(rows: number): Promise<readonly T[]> {
    let count = 0;
    while (count < rows) {
      const { done, value } = await this.#batches.next();
      if (done) {
        this.#isComplete = true;
        break;
      }
      this.#sample.push(value);
      count += value.chunk.length;
    }
    return this.#sample.flatMap(({ chunk }) => chunk);
  }

  async *getBatch(): AsyncGenerator<BatchResults<T>> {
    try {
      for (let batch = this.#sample.shift(); batch; batch = this.#sample.shift()) yield batch;
      yield* this.#batches;
    } finally {
      await this.close();
    }
  }

  /** Ends the source, also when nobody has read on. */
  async close(): Promise<void> {
    await this.#batches.return(undefined);
  }
}
