/** When rows come: all before the first is written, or from a source that is paused at a bounded backlog. */
export const ARRIVAL_NAMES = ['at once', 'streaming'] as const;
export type ArrivalName = (typeof ARRIVAL_NAMES)[number];

/** The source alone is this many times as fast as all workers together: DuckDB reads a million rows a second. */
const SOURCE_SPEED = 10;

/** Reads rows in batches; the time is the simulation's, in which a worker writes a row in 1 on average. */
export class Arrival {
  readonly #cells: Uint32Array;
  readonly #batchRows: number;
  readonly #batchTime: number;
  #read = 0;
  /** When the batch that was asked for is there; undefined while none is. */
  dueAt: number | undefined;

  constructor(name: ArrivalName, cells: Uint32Array, batchRows: number, workers: number) {
    this.#cells = cells;
    this.#batchRows = batchRows;
    this.#batchTime = name === 'at once' ? 0 : batchRows / (SOURCE_SPEED * workers);
  }

  get read(): number {
    return this.#read;
  }

  get isEnded(): boolean {
    return this.#read === this.#cells.length;
  }

  /** Asks for the next batch, unless one is under way. */
  ask(now: number): void {
    if (!this.isEnded) this.dueAt ??= now + this.#batchTime;
  }

  /** Gives the cells of the batch's rows. */
  take(): Uint32Array {
    const batch = this.#cells.subarray(this.#read, this.#read + this.#batchRows);
    this.#read += batch.length;
    this.dueAt = undefined;
    return batch;
  }
}
