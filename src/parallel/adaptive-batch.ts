/**
 * Finds how many rows a batch may have: additive increase, multiplicative decrease (Chiu and Jain, 1989). A batch that was
 * too large for the server's memory, or that took too long, is a loss; the size that failed is then a ceiling, so that
 * the increase ends below it and does not fail again and again. After a longer and longer while the ceiling is lifted,
 * since what filled the memory may be gone.
 *
 * A server's memory is shared by what runs at the same time, so now and then a batch fails of a size that passes otherwise. To
 * write it in parts costs one batch, and smaller batches cost a part of each: 3 M ratings with 1 to 3 such failures in 370 batches
 * took 6 % more of the server's CPU once batches were halved. So passes of the size earn a credit for rare failures (a token
 * bucket: Turner, "New directions in communications", 1986).
 *
 * Invariants: minRows ≤ rows ≤ maxRows; the same calls give the same rows.
 */
export interface AdaptiveBatchOptions {
  readonly minRows: number;
  readonly maxRows: number;
  /** A batch that takes longer is halved. */
  readonly maxLatencyMs: number;
}

/** Batches without trouble before the size grows. */
const CALM_COMMITS = 8;
/** Share of maxRows by which it grows. */
const INCREASE = 1 / 16;
/** How near to a size that failed it grows. */
const BELOW_CEILING = 0.95;
/** Batches that passed for each that may fail. */
const RARE = 16;
/** Failures that may come together: batches at work at the same time share the memory that was short. */
const MAX_CREDIT = 3;
/** Of the size, what a batch has that says that the size passes. */
const NEARLY = 0.8;
/** Batches without trouble before a size that failed is tried again; so many times as many after each. */
const CEILING_COMMITS = 512;
const CEILING_PATIENCE = 4;

export class AdaptiveBatch {
  readonly #options: AdaptiveBatchOptions;
  #rows: number;
  #calm = 0;
  #sinceFailure = 0;
  #ceiling = Number.POSITIVE_INFINITY;
  #patience = CEILING_COMMITS;
  /** The largest batch that passed since the last failure. */
  #proven = 0;
  /** Failures that are put up with. */
  #credit = 0;

  constructor(options: AdaptiveBatchOptions) {
    this.#options = options;
    this.#rows = options.maxRows;
  }

  get rows(): number {
    return this.#rows;
  }

  /** A batch was written as it was; says whether the size changed. */
  onCommit(rows: number, latencyMs: number, mayGrow: boolean): boolean {
    const { maxLatencyMs, maxRows } = this.#options;
    if (latencyMs > maxLatencyMs) return rows > this.#rows / 2 && this.#decrease(rows, this.#rows / 2);
    if (rows <= this.#rows) this.#proven = Math.max(this.#proven, rows);
    if (rows >= NEARLY * this.#rows) this.#credit = Math.min(MAX_CREDIT, this.#credit + 1 / RARE);
    if (++this.#sinceFailure >= this.#patience && this.#ceiling !== Number.POSITIVE_INFINITY) {
      this.#ceiling = Number.POSITIVE_INFINITY;
      this.#patience *= CEILING_PATIENCE;
    }
    if (!mayGrow || this.#rows >= maxRows || latencyMs > maxLatencyMs / 2) return false;
    if (++this.#calm < CALM_COMMITS) return false;
    this.#calm = 0;
    return this.#set(Math.min(this.#rows + maxRows * INCREASE, this.#ceiling * BELOW_CEILING, maxRows));
  }

  /**
   * A batch was too large for the server's memory.
   * @param fitting The parts that it was written in.
   * @returns Whether the size changed.
   */
  onMemory(rows: number, fitting: number): boolean {
    if (this.#credit >= 1) {
      this.#credit--;
      return false;
    }
    const isOld = rows > this.#rows; // taken before the last decrease
    this.#ceiling = Math.min(this.#ceiling, rows);
    this.#sinceFailure = 0;
    if (isOld && fitting >= this.#rows) return false;
    const proven = this.#proven < rows ? this.#proven : 0;
    this.#proven = 0;
    return this.#decrease(rows, Math.max(fitting, proven));
  }

  #decrease(failed: number, rows: number): boolean {
    this.#calm = 0;
    this.#credit = 0;
    this.#ceiling = Math.min(this.#ceiling, failed);
    this.#sinceFailure = 0;
    return this.#set(Math.min(this.#rows, rows));
  }

  #set(rows: number): boolean {
    const next = Math.max(this.#options.minRows, Math.floor(rows));
    const isChanged =
      next !== this.#rows && (next < this.#rows || next - this.#rows > this.#options.maxRows / 100);
    if (isChanged) this.#rows = next;
    return isChanged;
  }
}
