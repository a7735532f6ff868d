import {
  BatchProcessor,
  type BatchProcessorOptions,
  type BatchResults,
  type BatchSource,
  tableBatch,
  tableOf,
} from '../core/batch-processor.ts';
import type { TaskContext } from '../core/context.ts';
import { AbortedError, GraphweftError, isAbort, throwIfAborted } from '../core/errors.ts';
import {
  beginEvent,
  type CellPlace,
  endEvent,
  isHeard,
  nextCell,
  outcomeOf,
  publishEvent,
  taskFields,
  withScope,
} from '../core/events.ts';
import { functionOption, integerOption, refuseUnknownKeys } from '../core/options.ts';
import { mergeStatistics, type Statistics } from '../core/statistics.ts';
import type { WriteLimit } from './adaptive-limit.ts';
import { type Cell, cellLength } from './cell-backlog.ts';
import { readAhead } from './read-ahead.ts';

/** What a {@link ParallelBatchProcessor} is told. */
export interface ParallelBatchProcessorOptions<T, Out> extends BatchProcessorOptions<Cell<T>> {
  /** Gives the processor that writes one cell, and pulls the cell's rows from the given predecessor. */
  readonly workerFactory: (predecessor: BatchSource<T>) => BatchSource<Out>;
  /** Cells at work at the same time, at most; from 1. Default: 4. */
  readonly maxWorkers?: number;
  /**
   * With claims: how many cells may be at work, where that changes while it runs; it is told of each cell that was
   * written. Default: maxWorkers, which is also the most.
   */
  readonly limit?: WriteLimit | undefined;
  /** Waves read ahead of the one at work, at most; from 0. Default: 4. */
  readonly prefetch?: number;
}

export const DEFAULT_MAX_WORKERS = 4;
export const DEFAULT_PREFETCH = 4;

/**
 * Runs one worker for each cell of a wave, at most `maxWorkers` at a time, and yields one merged result per wave. Behind
 * a splitter with `schedule: 'claims'` there are no waves: a worker that is free asks for the next cell, whatever the
 * others do, and each cell is a result.
 *
 * Fails fast: the first error stops new cells, the running ones are awaited, everything above is closed, and the error
 * is thrown with its cause. An abort does the same, so every transaction either commits and is counted or never began.
 *
 * @throws {@link GraphweftError} `GW_PARALLEL_CELL` with the worker's error as its cause.
 */
export class ParallelBatchProcessor<T = unknown, Out = T> extends BatchProcessor<Cell<T>, Out> {
  readonly maxWorkers: number;
  readonly prefetch: number;
  readonly #workerFactory: (predecessor: BatchSource<T>) => BatchSource<Out>;
  readonly #limit: WriteLimit | undefined;

  constructor(context: TaskContext, options: ParallelBatchProcessorOptions<T, Out>) {
    const known = ['predecessor', 'task', 'workerFactory', 'maxWorkers', 'limit', 'prefetch'];
    refuseUnknownKeys('ParallelBatchProcessor', options, known);
    super(context, options);
    this.maxWorkers = integerOption('maxWorkers', options.maxWorkers ?? DEFAULT_MAX_WORKERS, { min: 1 });
    this.prefetch = integerOption('prefetch', options.prefetch ?? DEFAULT_PREFETCH, { min: 0 });
    this.#limit = options.limit;
    this.#workerFactory = functionOption('workerFactory', options.workerFactory);
  }

  override get reportsProgress(): boolean {
    return this.task !== undefined;
  }

  override async *getBatch(maxBatchSize: number): AsyncGenerator<BatchResults<Out>> {
    integerOption('maxBatchSize', maxBatchSize, { min: 1 });
    yield* this.predecessor.givesClaims ? this.#runClaims(maxBatchSize) : this.#runWaves(maxBatchSize);
  }

  async *#runClaims(maxBatchSize: number): AsyncGenerator<BatchResults<Out>> {
    const cells = this.predecessor.getBatch(maxBatchSize);
    const running = new Set<Promise<() => BatchResults<Out> | undefined>>();
    let asked: Promise<() => BatchResults<Out> | undefined> | undefined;
    let isEnded = false;
    let failure: GraphweftError | undefined;
    let upstream: Statistics = {};
    const start = (cell: Cell<T>): void => {
      const startedAtMs = performance.now();
      const work: Promise<() => BatchResults<Out> | undefined> = this.#runCell(cell, maxBatchSize)
        .then((result) => {
          if (!cell.isEarly) this.#tellLimit(result, startedAtMs, running.size);
          return result;
        })
        .catch((error: unknown) => {
          failure ??= cellError(cell, error);
          return { chunk: [], statistics: {}, batchSize: 0 };
        })
        .then((result) => {
          cell.release?.();
          return () => {
            running.delete(work);
            return result;
          };
        });
      running.add(work);
    };
    try {
      for (;;) {
        const mayStart = !isEnded && !failure && !this.signal.aborted && running.size < this.#workers;
        if (mayStart) {
          asked ??= cells.next().then(({ done, value }) => () => {
            asked = undefined;
            if (done) isEnded = true;
            else {
              upstream = mergeStatistics(upstream, value.statistics);
              for (const cell of value.chunk) {
                if (failure || this.signal.aborted)
                  cell.release?.(); // it came too late to begin
                else start(cell);
              }
            }
            return undefined;
          });
        }
        const work = asked ? [asked, ...running] : [...running];
        if (work.length === 0) break;
        const settle = await Promise.race(work);
        const result = settle();
        if (!result || failure) continue;
        this.report({ batches: 1 });
        yield result;
      }
    } finally {
      await Promise.allSettled(asked ? [asked, ...running] : running);
      await cells.return(undefined);
    }
    if (failure) throw failure;
    throwIfAborted(this.signal);
    this.report({ statistics: upstream });
    yield { chunk: [], statistics: upstream, batchSize: 0 };
  }

  /** Cells that may be at work now; with none the rest of the load would be left out. */
  get #workers(): number {
    const allowed = Math.min(this.maxWorkers, this.#limit?.workers ?? this.maxWorkers);
    return allowed >= 1 ? allowed : 1;
  }

  #tellLimit({ batchSize, statistics }: BatchResults<Out>, startedAtMs: number, running: number): void {
    if (!this.#limit || batchSize === 0) return;
    const endedAtMs = performance.now();
    const latencyMs = endedAtMs - startedAtMs;
    this.#limit.onCell({ rows: batchSize, latencyMs, running, endedAtMs, statistics });
  }

  async *#runWaves(maxBatchSize: number): AsyncGenerator<BatchResults<Out>> {
    for await (const wave of readAhead(this.predecessor.getBatch(maxBatchSize), this.prefetch)) {
      const results = await this.#runWave(wave.chunk, maxBatchSize);
      this.report({ batches: 1, statistics: wave.statistics });
      yield {
        get chunk() {
          return results.flatMap(({ chunk }) => chunk);
        },
        statistics: mergeStatistics(wave.statistics, ...results.map(({ statistics }) => statistics)),
        batchSize: results.reduce((rows, { batchSize }) => rows + batchSize, 0),
      };
    }
  }

  async #runWave(cells: readonly Cell<T>[], maxBatchSize: number): Promise<readonly BatchResults<Out>[]> {
    // Fullest cell first: the wave lasts as long as its last cell (Graham, "Bounds on multiprocessing timing anomalies", 1969).
    const queue = [...cells].sort((a, b) => cellLength(b) - cellLength(a));
    const results: BatchResults<Out>[] = [];
    let failure: GraphweftError | undefined;
    const work = async (): Promise<void> => {
      for (let cell = queue.shift(); cell && !failure && !this.signal.aborted; cell = queue.shift()) {
        try {
          results.push(await this.#runCell(cell, maxBatchSize));
        } catch (error) {
          failure ??= cellError(cell, error);
        } finally {
          cell.release?.(); // of claims, where a link between the two does not say that there are any
        }
      }
    };
    throwIfAborted(this.signal);
    const begun = beginEvent('wave');
    await Promise.all(Array.from({ length: Math.min(this.maxWorkers, queue.length) }, work));
    endEvent('wave', begun, () => ({
      event: 'wave:end',
      ...taskFields(this.task),
      cells: cells.length,
      rows: results.reduce((rows, { batchSize }) => rows + batchSize, 0),
      ...outcomeOf(failure),
    }));
    if (failure) throw failure;
    throwIfAborted(this.signal);
    return results;
  }

  #runCell(cell: Cell<T>, maxBatchSize: number): Promise<BatchResults<Out>> {
    if (!isHeard('cell') && !isHeard('transaction') && !isHeard('sink'))
      return this.#writeCell(cell, maxBatchSize);
    const place = { cell: nextCell(), row: cell.row, col: cell.col };
    const scope = { ...taskFields(this.task), ...place };
    publishEvent('cell', () => ({ event: 'cell:start', ...scope, rows: cellLength(cell) }));
    return withScope(scope, () => this.#writeCell(cell, maxBatchSize, place));
  }

  async #writeCell(cell: Cell<T>, maxBatchSize: number, place?: CellPlace): Promise<BatchResults<Out>> {
    const begun = beginEvent('cell');
    const worker = this.#workerFactory(cellSource(cell));
    const batches: BatchResults<Out>[] = [];
    let statistics: Statistics = {};
    let batchSize = 0;
    let failure: unknown;
    try {
      for await (const batch of worker.getBatch(maxBatchSize)) {
        batches.push(batch);
        statistics = mergeStatistics(statistics, batch.statistics);
        batchSize += batch.batchSize;
      }
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      this.report({ rows: batchSize, statistics }); // also what a failing worker had committed before
      if (place) {
        endEvent('cell', begun, () => ({
          event: 'cell:end',
          ...taskFields(this.task),
          ...place,
          rows: batchSize,
          ...outcomeOf(failure),
        }));
      }
    }
    return {
      get chunk() {
        return batches.flatMap(({ chunk }) => chunk);
      },
      statistics,
      batchSize,
    };
  }
}

/** Gives the rows of a cell to its worker, in batches of at most maxBatchSize. */
function cellSource<T>(cell: Cell<T>): BatchSource<T> {
  const { row, col, from: first, origin } = cell;
  return {
    async *getBatch(maxBatchSize) {
      const rows = cellLength(cell);
      const isWhole = rows <= maxBatchSize;
      for (let from = 0; from < rows; from += maxBatchSize) {
        const to = from + maxBatchSize;
        const part = <V>(list: readonly V[]) => (isWhole ? list : list.slice(from, to));
        const details = {
          statistics: {},
          ...(first !== undefined && { position: { row, col, from: first + from } }),
          ...(origin && { origin: { files: part(origin.files), rowNumbers: part(origin.rowNumbers) } }),
        };
        const table = tableOf(cell);
        if (table) yield tableBatch(table.slice(from, to), details);
        else {
          const chunk = part(cell.items);
          yield { ...details, chunk, batchSize: chunk.length };
        }
      }
    },
  };
}

function cellError(cell: Cell, cause: unknown): GraphweftError {
  const { row, col } = cell;
  const rows = cellLength(cell);
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (isAbort(cause)) return new AbortedError('GW_ABORTED', reason, { cause });
  return new GraphweftError('GW_PARALLEL_CELL', `Cell (${row}, ${col}) with ${rows} rows failed: ${reason}`, {
    cause,
    details: { row, col, rows },
  });
}
