import { givenOptions, integerOption } from '../core/options.ts';
import type { Statistics } from '../core/statistics.ts';
import { AdaptiveBatch } from './adaptive-batch.ts';
import { AdaptiveWorkers, type Commit } from './adaptive-workers.ts';

/** A cell that was written, and what its worker counted: `retries` and `batches_halved` are looked at. */
export interface CellOutcome extends Commit {
  readonly statistics: Statistics;
}

/** How much may be under way; it may change while a load runs. */
export interface WriteLimit {
  /** Cells at the same time, at most; less than 1 counts as 1. */
  readonly workers: number;
  /** Rows that a cell gives at a time, at most. */
  readonly batchRows: number;
  /** Is told of each cell that was written. */
  onCell(outcome: CellOutcome): void;
}

/** The bounds of an {@link AdaptiveLimit}. */
export interface AdaptiveLimitOptions {
  /** Cells at the same time, at most; from 1. */
  readonly maxWorkers: number;
  /** Rows a batch, at most; from 1. */
  readonly maxBatchRows: number;
  /** Rows a batch, at least; from 1. Default: a twentieth of maxBatchRows. */
  readonly minBatchRows?: number;
  /** Workers at the beginning; from 1. Default: 2. */
  readonly startWorkers?: number;
  /** A batch that takes longer is halved, in ms. Default: 20,000. */
  readonly maxLatencyMs?: number;
  /** Rows of the load. Default: nobody knows, so it may go on for ever. */
  readonly expectedRows?: number | undefined;
}

/** From (inclusive) to (inclusive). */
export interface Span {
  readonly least: number;
  readonly most: number;
}

/** What a limit came to. */
export interface SettledLimit {
  readonly workers: Span;
  readonly batchRows: Span;
}

/** One worker would have to be left for two by every load that gains from more; two are hardly ever worse than one. */
const START_WORKERS = 2;
const MIN_BATCH_SHARE = 1 / 20;
/** Long transactions hold locks and memory, and beside this what is fixed in a batch is nothing. */
const MAX_LATENCY_MS = 20_000;
/** A setting under which fewer of the rows were written was a trial. */
const SETTLED_SHARE = 0.1;

/**
 * Adapts workers and batch size to what the server makes of them. {@link AdaptiveWorkers} climbs to the best throughput,
 * {@link AdaptiveBatch} keeps batches as large as memory and time allow. Pure: times are passed in, and the same calls
 * give the same limit.
 *
 * @throws {@link ConfigError} `GW_CONFIG_OPTION` from the constructor, for a bound below 1.
 */
export class AdaptiveLimit implements WriteLimit {
  readonly #workers: AdaptiveWorkers;
  readonly #batch: AdaptiveBatch;
  readonly #minBatchRows: number;
  #cells = 0;
  /** Rows that were written under each setting. */
  readonly #rowsByWorkers = new Map<number, number>();
  readonly #rowsByBatch = new Map<number, number>();

  constructor(given: AdaptiveLimitOptions) {
    const { maxWorkers, maxBatchRows, ...options } = givenOptions('AdaptiveLimit', given);
    integerOption('maxWorkers', maxWorkers, { min: 1 });
    integerOption('maxBatchRows', maxBatchRows, { min: 1 });
    const { startWorkers = START_WORKERS, maxLatencyMs = MAX_LATENCY_MS } = options;
    integerOption('startWorkers', startWorkers, { min: 1 });
    const minRows = options.minBatchRows ?? Math.max(1, Math.floor(maxBatchRows * MIN_BATCH_SHARE));
    integerOption('minBatchRows', minRows, { min: 1, max: maxBatchRows });
    const { expectedRows = Number.POSITIVE_INFINITY } = options;
    const commitsLeft = () => {
      const written = sumOf(this.#rowsByWorkers);
      return (expectedRows - written) * (this.#cells / written);
    };
    this.#workers = new AdaptiveWorkers({ maxWorkers, startWorkers, commitsLeft });
    this.#batch = new AdaptiveBatch({ minRows, maxRows: maxBatchRows, maxLatencyMs });
    this.#minBatchRows = minRows;
  }

  get workers(): number {
    return this.#workers.workers;
  }
  get batchRows(): number {
    return this.#batch.rows;
  }

  onCell({ statistics, ...commit }: CellOutcome): void {
    const { retries = 0, batches_halved: halved = 0 } = statistics;
    this.#cells++;
    add(this.#rowsByWorkers, this.workers, commit.rows);
    add(this.#rowsByBatch, this.batchRows, commit.rows);
    if (retries > 0) this.onTransient(retries, commit.endedAtMs);
    if (halved > 0) this.onMemory(commit.rows, commit.endedAtMs, halved);
    this.#workers.onCommit(commit);
    if (halved === 0) this.#onWhole(commit);
  }

  /** A cell was written in one piece. */
  onCommit(commit: Commit): void {
    this.onCell({ ...commit, statistics: {} });
  }

  /** Transactions had to be tried again. */
  onTransient(retries: number, endedAtMs: number): void {
    this.#workers.onRetries(retries, endedAtMs);
  }

  /**
   * A batch was too large for the server's memory.
   * @param halved How often something was cut in two to get it written.
   */
  onMemory(rows: number, endedAtMs: number, halved = 1): void {
    const fitting = Math.ceil(rows / 2 ** Math.ceil(Math.log2(halved + 1)));
    // Where the smallest batch is too large, what is too much is how many there are at the same time.
    if (rows <= this.#minBatchRows) this.#workers.cut(endedAtMs);
    else if (this.#batch.onMemory(rows, fitting)) this.#workers.forget(endedAtMs);
  }

  /** Says under which settings most rows were written. */
  settled(): SettledLimit {
    return {
      workers: spanOf(this.#rowsByWorkers, this.workers),
      batchRows: spanOf(this.#rowsByBatch, this.batchRows),
    };
  }

  #onWhole({ rows, latencyMs, endedAtMs }: Commit): void {
    // While workers are being found, batches stay as they are: of two things that change none can be judged.
    const mayGrow = !this.#workers.isClimbing;
    if (this.#batch.onCommit(rows, latencyMs, mayGrow)) this.#workers.forget(endedAtMs);
  }
}

function add(counts: Map<number, number>, key: number, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count);
}

function sumOf(counts: ReadonlyMap<number, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

function spanOf(rows: ReadonlyMap<number, number>, now: number): Span {
  const all = sumOf(rows);
  const settled = [...rows].filter(([, count]) => count >= SETTLED_SHARE * all).map(([setting]) => setting);
  const [first = now] = settled;
  return { least: Math.min(first, ...settled), most: Math.max(first, ...settled) };
}
