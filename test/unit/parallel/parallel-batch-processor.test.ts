import { describe, expect, it, vi } from 'vitest';
import { BatchProcessor, type BatchResults, type BatchSource } from '../../../src/core/batch-processor.ts';
import { ClosedLoopBatchProcessor } from '../../../src/core/closed-loop-batch-processor.ts';
import { AbortedError, ConfigError, GraphweftError, SourceError } from '../../../src/core/errors.ts';
import type { Statistics } from '../../../src/core/statistics.ts';
import type { Task } from '../../../src/core/task.ts';
import { TaskReturn } from '../../../src/core/task-return.ts';
import { AdaptiveLimit, type CellOutcome } from '../../../src/parallel/adaptive-limit.ts';
import type { Cell } from '../../../src/parallel/cell-backlog.ts';
import {
  ParallelBatchProcessor,
  type ParallelBatchProcessorOptions,
} from '../../../src/parallel/parallel-batch-processor.ts';
import { SplittingBatchProcessor } from '../../../src/parallel/splitting-batch-processor.ts';
import { ArraySource, type ArraySourceOptions } from '../core/array-source.ts';
import { collect, type Deferred, deferred, isSettled, quiet, rejectionOf } from '../core/deferred.ts';
import { FunctionTask, type TestContext, testContext } from '../core/test-context.ts';

/** A wave on the diagonal with a cell for each size; items are named "<wave>.<cell>.<index>". */
function diagonal(name: number, ...sizes: readonly number[]): Cell<string>[] {
  return sizes.map((size, i) => ({
    row: i,
    col: i,
    items: Array.from({ length: size }, (_, k) => `${name}.${i}.${k}`),
  }));
}

/** Gives waves as the splitter does. */
class WaveSource implements BatchSource<Cell<string>> {
  readonly source: ArraySource<Cell<string>>;
  constructor(waves: readonly (readonly Cell<string>[])[], options: ArraySourceOptions = {}) {
    this.source = new ArraySource(waves, { statistics: () => ({}), ...options });
  }
  async *getBatch(maxBatchSize: number): AsyncGenerator<BatchResults<Cell<string>>> {
    for await (const batch of this.source.getBatch(maxBatchSize)) {
      yield { ...batch, batchSize: batch.chunk.reduce((rows, { items }) => rows + items.length, 0) };
    }
  }
}

/** Writes one cell: waits where the test says so, then passes its rows on and counts them. */
class Writer extends BatchProcessor<string, string> {
  readonly #write: (rows: readonly string[]) => unknown;
  constructor(
    context: TestContext,
    predecessor: BatchSource<string>,
    write: (rows: readonly string[]) => unknown,
  ) {
    super(context, { predecessor });
    this.#write = write;
  }
  override async *getBatch(maxBatchSize: number): AsyncGenerator<BatchResults<string>> {
    for await (const { chunk, batchSize } of this.predecessor.getBatch(maxBatchSize)) {
      await this.#write(chunk);
      yield { chunk, batchSize, statistics: { relationships_created: batchSize } };
    }
  }
}

interface Options extends Partial<Omit<ParallelBatchProcessorOptions<string, string>, 'predecessor'>> {
  readonly write?: (rows: readonly string[]) => unknown;
}

function parallel(predecessor: BatchSource<Cell<string>>, { write = () => {}, ...options }: Options = {}) {
  const context = testContext();
  const task = new FunctionTask(context, 'load');
  const processor = new ParallelBatchProcessor<string, string>(context, {
    predecessor,
    task,
    workerFactory: (rows) => new Writer(context, rows, write),
    ...options,
  });
  return { context, task, processor };
}

/** Holds every cell until the test lets it go; cells are named "<wave>.<cell>". */
class Gates {
  readonly started: string[] = [];
  readonly ended: string[] = [];
  readonly #gates = new Map<string, Deferred>();
  readonly write = async ([first]: readonly string[]): Promise<void> => {
    const cell = first!.split('.').slice(0, 2).join('.');
    this.started.push(cell);
    try {
      await this.gate(cell).promise;
    } finally {
      this.ended.push(cell);
    }
  };
  gate(cell: string): Deferred {
    const gate = this.#gates.get(cell) ?? deferred();
    this.#gates.set(cell, gate);
    return gate;
  }
  async open(...cells: readonly string[]): Promise<void> {
    for (const cell of cells) this.gate(cell).resolve();
    await quiet();
  }
}

describe('ParallelBatchProcessor', () => {
  it('gives each worker the rows of one cell, in batches of at most maxBatchSize', async () => {
    const seen: (readonly string[])[] = [];
    const { processor } = parallel(new WaveSource([diagonal(0, 5, 2)]), { write: (rows) => seen.push(rows) });
    await collect(processor.getBatch(2));
    expect(seen.toSorted()).toEqual([['0.0.0', '0.0.1'], ['0.0.2', '0.0.3'], ['0.0.4'], ['0.1.0', '0.1.1']]);
  });

  it('makes one worker for each cell', async () => {
    let workers = 0;
    const context = testContext();
    const processor = new ParallelBatchProcessor<string>(context, {
      predecessor: new WaveSource([diagonal(0, 1, 1, 1), diagonal(1, 1, 1)]),
      workerFactory: (rows) => {
        workers++;
        return rows;
      },
    });
    await collect(processor.getBatch(1));
    expect(workers).toBe(5);
  });

  it('yields one merged result per wave: rows, statistics summed, batchSize', async () => {
    const waves = new WaveSource([diagonal(0, 3, 1), diagonal(1, 2)], {
      statistics: (i): Statistics => (i === 1 ? { rows_read: 6 } : {}),
    });
    const results = await collect(parallel(waves).processor.getBatch(2));
    expect(results.map(({ statistics, batchSize }) => ({ statistics, batchSize }))).toEqual([
      { statistics: { relationships_created: 4 }, batchSize: 4 },
      { statistics: { relationships_created: 2, rows_read: 6 }, batchSize: 2 },
    ]);
    expect(results.map(({ chunk }) => chunk.toSorted())).toEqual([
      ['0.0.0', '0.0.1', '0.0.2', '0.1.0'],
      ['1.0.0', '1.0.1'],
    ]);
  });

  it('passes the statistics of a wave without cells on', async () => {
    const waves = new WaveSource([[]], { statistics: () => ({ rows_read: 9 }) });
    expect(await collect(parallel(waves).processor.getBatch(2))).toEqual([
      { chunk: [], statistics: { rows_read: 9 }, batchSize: 0 },
    ]);
  });

  it('yields nothing when there are no waves', async () => {
    expect(await collect(parallel(new WaveSource([])).processor.getBatch(2))).toEqual([]);
  });

  it('takes a worker that yields once for all its batches', async () => {
    const context = testContext();
    const processor = new ParallelBatchProcessor<string, never>(context, {
      predecessor: new WaveSource([diagonal(0, 5, 4)]),
      workerFactory: (rows) =>
        new ClosedLoopBatchProcessor(context, { predecessor: new Writer(context, rows, () => {}) }),
    });
    expect(await collect(processor.getBatch(2))).toEqual([
      { chunk: [], statistics: { relationships_created: 9 }, batchSize: 9 },
    ]);
  });

  it('passes the batch size up', async () => {
    const waves = new WaveSource([]);
    await collect(parallel(waves).processor.getBatch(77));
    expect(waves.source.sizes).toEqual([77]);
  });
});

describe('ParallelBatchProcessor and its workers', () => {
  it('has at most maxWorkers cells at work, and starts the next as soon as one is done', async () => {
    const gates = new Gates();
    const { processor } = parallel(new WaveSource([diagonal(0, 1, 1, 1, 1)]), {
      maxWorkers: 2,
      write: gates.write,
    });
    const done = collect(processor.getBatch(1));
    await quiet();
    expect(gates.started).toEqual(['0.0', '0.1']);
    await gates.open('0.1');
    expect(gates.started).toEqual(['0.0', '0.1', '0.2']);
    await gates.open('0.2');
    expect(gates.started).toEqual(['0.0', '0.1', '0.2', '0.3']);
    await gates.open('0.0', '0.3');
    expect(await done).toHaveLength(1);
  });

  it('has 4 workers by default', async () => {
    const gates = new Gates();
    const { processor } = parallel(new WaveSource([diagonal(0, 1, 1, 1, 1, 1, 1)]), { write: gates.write });
    const done = collect(processor.getBatch(1));
    await quiet();
    expect(gates.started).toHaveLength(4);
    await gates.open('0.0', '0.1', '0.2', '0.3', '0.4', '0.5');
    await done;
  });

  it('writes one cell after the other with one worker', async () => {
    const gates = new Gates();
    const { processor } = parallel(new WaveSource([diagonal(0, 1, 1, 1)]), {
      maxWorkers: 1,
      write: gates.write,
    });
    const done = collect(processor.getBatch(1));
    for (const cell of ['0.0', '0.1', '0.2']) {
      await quiet();
      expect(gates.started.at(-1)).toBe(cell);
      expect(gates.started).toHaveLength(gates.ended.length + 1);
      await gates.open(cell);
    }
    await done;
  });

  it('starts the next wave when the last cell of this one is done', async () => {
    const gates = new Gates();
    const { processor } = parallel(new WaveSource([diagonal(0, 1, 1), diagonal(1, 1, 1)]), {
      write: gates.write,
    });
    const done = collect(processor.getBatch(1));
    await quiet();
    await gates.open('0.1');
    expect(gates.started).toEqual(['0.0', '0.1']);
    await gates.open('0.0');
    expect(gates.started).toEqual(['0.0', '0.1', '1.0', '1.1']);
    await gates.open('1.0', '1.1');
    expect(await done).toHaveLength(2);
  });

  it('does nothing before someone asks, and no more waves than asked for', async () => {
    const gates = new Gates();
    const waves = new WaveSource([diagonal(0, 1), diagonal(1, 1)]);
    const { processor } = parallel(waves, { write: gates.write, prefetch: 1 });
    const generator = processor.getBatch(1);
    await quiet();
    expect(waves.source.opened).toBe(0);
    await gates.open('0.0');
    await generator.next();
    await quiet();
    expect(gates.started).toEqual(['0.0']);
    await generator.return(undefined);
  });
});

describe('ParallelBatchProcessor and prefetch', () => {
  const waves = () => new WaveSource(Array.from({ length: 12 }, (_, i) => diagonal(i, 1)));

  it.each([0, 1, 2, 4, 7])('reads %i waves ahead of the one at work, and no more', async (prefetch) => {
    const gates = new Gates();
    const source = waves();
    const { processor } = parallel(source, { prefetch, write: gates.write });
    const generator = processor.getBatch(1);
    for (let wave = 0; wave < 4; wave++) {
      const next = generator.next();
      await quiet();
      expect(gates.started.at(-1)).toBe(`${wave}.0`);
      expect(source.source.asked).toBe(wave + 1 + prefetch);
      await gates.open(`${wave}.0`);
      expect(source.source.asked).toBe(wave + 1 + prefetch);
      await next;
    }
    await generator.return(undefined);
    expect(source.source.closed).toBe(1);
  });

  it('reads 4 ahead by default', async () => {
    const gates = new Gates();
    const source = waves();
    const generator = parallel(source, { write: gates.write }).processor.getBatch(1);
    const next = generator.next();
    await quiet();
    expect(source.source.asked).toBe(5);
    await gates.open('0.0');
    await next;
    await generator.return(undefined);
  });

  it.each([0, 1, 4])('writes the waves in order, with a prefetch of %i', async (prefetch) => {
    const results = await collect(parallel(waves(), { prefetch }).processor.getBatch(1));
    expect(results.flatMap(({ chunk }) => chunk)).toEqual(Array.from({ length: 12 }, (_, i) => `${i}.0.0`));
  });
});

describe('ParallelBatchProcessor and progress', () => {
  it('reports each cell with its statistics when it is done, and ticks the batch count after the wave', async () => {
    const gates = new Gates();
    const { context, processor } = parallel(new WaveSource([diagonal(0, 3, 2)]), { write: gates.write });
    const done = collect(processor.getBatch(5));
    await quiet();
    expect(context.reporter.progress).toEqual([]);
    await gates.open('0.1');
    expect(context.reporter.progress).toEqual([{ rows: 2, statistics: { relationships_created: 2 } }]);
    await gates.open('0.0');
    await done;
    expect(context.reporter.progress.slice(1)).toEqual([
      { rows: 3, statistics: { relationships_created: 3 } },
      { batches: 1, statistics: {} },
    ]);
  });

  it('reports every count once, whether a closed loop drives it or not', async () => {
    const context = testContext();
    let results: BatchResults<never>[] = [];
    const task: Task = new FunctionTask(context, 'load', async (self) => {
      const split = new SplittingBatchProcessor<number>(context, {
        predecessor: new ArraySource([
          [1, 2, 3],
          [4, 5, 6, 7],
        ]),
        tableSize: 2,
        idExtractor: (n) => [n % 2, (n >> 1) % 2],
        task: self,
      });
      const predecessor = new ParallelBatchProcessor<number>(context, {
        predecessor: split,
        task: self,
        workerFactory: (rows) => rows,
      });
      results = await collect(new ClosedLoopBatchProcessor(context, { predecessor, task: self }).getBatch(1));
      return new TaskReturn({ summary: results[0]!.statistics });
    });
    await task.execute();
    expect(results).toEqual([{ chunk: [], statistics: { rows_read: 7 }, batchSize: 7 }]);
    const { progress } = context.reporter;
    expect(progress.reduce((sum, { rows = 0 }) => sum + rows, 0)).toBe(7);
    expect(progress.reduce((sum, { statistics }) => sum + (statistics?.rows_read ?? 0), 0)).toBe(7);
  });

  it('reports what a failing worker had committed before', async () => {
    let batches = 0;
    const { context, processor } = parallel(new WaveSource([diagonal(0, 5)]), {
      write: () => {
        if (++batches === 3) throw new Error('boom');
      },
    });
    await rejectionOf(collect(processor.getBatch(2)));
    expect(context.reporter.progress).toEqual([{ rows: 4, statistics: { relationships_created: 4 } }]);
  });

  it('says whether it reports progress: only where there is a task to report for', () => {
    expect(parallel(new WaveSource([])).processor.reportsProgress).toBe(true);
    expect(parallel(new WaveSource([]), { task: undefined }).processor.reportsProgress).toBe(false);
  });
});

describe('ParallelBatchProcessor and failures', () => {
  it('starts no new cell after the first error, and awaits the running ones', async () => {
    const gates = new Gates();
    const waves = new WaveSource([diagonal(0, 1, 1, 1, 1), diagonal(1, 1)]);
    const { processor, context } = parallel(waves, { maxWorkers: 2, prefetch: 1, write: gates.write });
    const done = collect(processor.getBatch(1));
    done.catch(() => {});
    await quiet();
    gates.gate('0.0').reject(new Error('boom'));
    expect(await isSettled(done)).toBe(false);
    expect(gates.started).toEqual(['0.0', '0.1']);
    expect(waves.source.closed).toBe(0);
    await gates.open('0.1');
    expect(await rejectionOf(done)).toMatchObject({ code: 'GW_PARALLEL_CELL' });
    expect(gates.started).toEqual(['0.0', '0.1']);
    expect(waves.source).toMatchObject({ closed: 1, isExhausted: false });
    expect(context.reporter.progress).toContainEqual({ rows: 1, statistics: { relationships_created: 1 } });
  });

  it('throws the first error with its cause, and names the cell', async () => {
    const gates = new Gates();
    const { processor } = parallel(new WaveSource([diagonal(0, 3, 2)]), { write: gates.write });
    const done = collect(processor.getBatch(5));
    done.catch(() => {});
    await quiet();
    const first = new Error('first');
    gates.gate('0.1').reject(first);
    await quiet();
    gates.gate('0.0').reject(new Error('second'));
    const error = (await rejectionOf(done)) as GraphweftError;
    expect(error).toBeInstanceOf(GraphweftError);
    expect(error.cause).toBe(first);
    expect(error.message).toMatch(/\(1, 1\).*2 rows.*first/);
    expect(error.details).toEqual({ row: 1, col: 1, rows: 2 });
  });

  it.each([0, 1, 4])('closes everything above, with a prefetch of %i', async (prefetch) => {
    const rows = Array.from({ length: 50 }, (_, i) => [`${i}`]);
    const source = new ArraySource<string>(rows);
    const context = testContext();
    const predecessor = new SplittingBatchProcessor<string>(context, {
      predecessor: source,
      tableSize: 1,
      idExtractor: () => [0, 0],
    });
    const processor = new ParallelBatchProcessor<string>(context, {
      predecessor,
      prefetch,
      workerFactory: (cell) =>
        new Writer(context, cell, ([row]) => {
          if (row === '3') throw new Error('boom');
        }),
    });
    await rejectionOf(collect(processor.getBatch(1)));
    expect(source.closed).toBe(1);
    expect(source.asked).toBeLessThanOrEqual(4 + prefetch);
  });

  it('waits for the read that is under way before it throws', async () => {
    const gates = new Gates();
    const reading = deferred();
    const waves = new WaveSource([diagonal(0, 1), diagonal(1, 1)], {
      before: (i) => (i === 1 ? reading.promise : undefined),
    });
    const done = collect(parallel(waves, { write: gates.write }).processor.getBatch(1));
    done.catch(() => {});
    await quiet();
    gates.gate('0.0').reject(new Error('boom'));
    expect(await isSettled(done)).toBe(false);
    reading.resolve();
    expect(await rejectionOf(done)).toMatchObject({ code: 'GW_PARALLEL_CELL' });
    expect(waves.source.closed).toBe(1);
    expect(gates.started).toEqual(['0.0']);
  });

  it('takes an error of workerFactory for one of the cell', async () => {
    const boom = new Error('no session');
    const { processor } = parallel(new WaveSource([diagonal(0, 1)]), {
      workerFactory: () => {
        throw boom;
      },
    });
    expect(await rejectionOf(collect(processor.getBatch(1)))).toMatchObject({
      code: 'GW_PARALLEL_CELL',
      cause: boom,
    });
  });

  it.each([0, 1, 4])(
    'passes on the error of its predecessor as it is, with a prefetch of %i',
    async (prefetch) => {
      const boom = new SourceError('GW_SOURCE_ROW', 'boom');
      const waves = new WaveSource([diagonal(0, 1), diagonal(1, 1), diagonal(2, 1)], {
        before: (i) => (i === 2 ? Promise.reject(boom) : undefined),
      });
      const { context, processor } = parallel(waves, { prefetch });
      expect(await rejectionOf(collect(processor.getBatch(1)))).toBe(boom);
      expect(context.reporter.progress.filter(({ rows }) => rows === 1)).toHaveLength(2);
      expect(waves.source.closed).toBe(1);
    },
  );

  it('closes everything above when it is left early', async () => {
    const waves = new WaveSource([diagonal(0, 1), diagonal(1, 1), diagonal(2, 1)]);
    for await (const { chunk } of parallel(waves).processor.getBatch(1)) {
      expect(chunk).toEqual(['0.0.0']);
      break;
    }
    expect(waves.source.closed).toBe(1);
  });
});

describe('ParallelBatchProcessor and aborts', () => {
  it('starts no new cell, awaits the running ones, counts them and closes everything above', async () => {
    const gates = new Gates();
    const waves = new WaveSource([diagonal(0, 1, 1, 1), diagonal(1, 1)]);
    const { context, processor } = parallel(waves, { maxWorkers: 2, write: gates.write });
    const done = collect(processor.getBatch(1));
    done.catch(() => {});
    await quiet();
    const reason = new Error('SIGINT');
    context.abort.abort(reason);
    expect(await isSettled(done)).toBe(false);
    await gates.open('0.0', '0.1', '0.2', '1.0');
    const error = await rejectionOf(done);
    expect(error).toBeInstanceOf(AbortedError);
    expect((error as Error).cause).toBe(reason);
    expect(gates.started).toEqual(['0.0', '0.1']);
    expect(context.reporter.progress).toEqual([
      { rows: 1, statistics: { relationships_created: 1 } },
      { rows: 1, statistics: { relationships_created: 1 } },
    ]);
    expect(waves.source.closed).toBe(1);
  });

  it('is an interrupt where the worker was the one to notice the abort', async () => {
    const { context, processor } = parallel(new WaveSource([diagonal(0, 1)]), {
      write: () => {
        context.abort.abort();
        context.signal.throwIfAborted();
      },
    });
    const error = await rejectionOf(collect(processor.getBatch(1)));
    expect(error).toBeInstanceOf(AbortedError);
    expect((error as Error).cause).toMatchObject({ name: 'AbortError' });
  });

  it('starts nothing when it is aborted before or between waves', async () => {
    const gates = new Gates();
    const waves = new WaveSource([diagonal(0, 1), diagonal(1, 1)]);
    const { context, processor } = parallel(waves, { write: gates.write });
    const generator = processor.getBatch(1);
    await gates.open('0.0');
    await generator.next();
    context.abort.abort();
    expect(await rejectionOf(generator.next())).toBeInstanceOf(AbortedError);
    expect(gates.started).toEqual(['0.0']);
    expect(waves.source.closed).toBe(1);
  });

  it('keeps the first error when an abort follows it', async () => {
    const gates = new Gates();
    const { context, processor } = parallel(new WaveSource([diagonal(0, 1, 1)]), { write: gates.write });
    const done = collect(processor.getBatch(1));
    done.catch(() => {});
    await quiet();
    gates.gate('0.0').reject(new Error('boom'));
    await quiet();
    context.abort.abort();
    await gates.open('0.1');
    expect(await rejectionOf(done)).toMatchObject({ code: 'GW_PARALLEL_CELL' });
  });
});

describe('the options of ParallelBatchProcessor', () => {
  it.each([
    ['maxWorkers', { maxWorkers: 0 }, 'an integer of at least 1, got 0'],
    ['maxWorkers', { maxWorkers: 1.5 }, 'an integer of at least 1, got 1.5'],
    ['prefetch', { prefetch: -1 }, 'an integer of at least 0, got -1'],
    ['prefetch', { prefetch: '4' as never }, 'an integer of at least 0, got "4"'],
    ['workerFactory', { workerFactory: {} as never }, 'a function, got {}'],
  ])('refuse a bad %s by name: %o', (option, options, message) => {
    const act = () => parallel(new WaveSource([]), options);
    expect(act).toThrow(ConfigError);
    expect(act).toThrow(`Option \`${option}\` must be ${message}`);
  });

  it('refuse a batch size below 1', async () => {
    expect(await rejectionOf(collect(parallel(new WaveSource([])).processor.getBatch(0)))).toMatchObject({
      details: { option: 'maxBatchSize' },
    });
  });

  it('works without waves also where a link of your own stands between it and the splitter', async () => {
    const context = testContext();
    class Link extends BatchProcessor<Cell<string>> {
      override getBatch(maxBatchSize: number) {
        return this.predecessor.getBatch(maxBatchSize) as AsyncGenerator<BatchResults<Cell<string>>>;
      }
    }
    const rows = Array.from({ length: 30 }, (_, i) => `0.${i % 3}.${i}`);
    const splitter = new SplittingBatchProcessor<string>(context, {
      predecessor: new ArraySource([rows]),
      tableSize: 3,
      schedule: 'claims',
      idExtractor: (row) => [Number(row.split('.')[1]), 0],
    });
    const plain = { getBatch: (size: number) => splitter.getBatch(size) };
    const link = new Link(context, { predecessor: splitter });
    for (const predecessor of [link, plain]) {
      const { processor } = parallel(predecessor, { write: () => undefined, maxWorkers: 3 });
      const written = (await collect(processor.getBatch(2))).flatMap(({ chunk }) => chunk);
      expect(written.toSorted()).toEqual(rows.toSorted());
    }
    expect(link.givesClaims).toBe(true);
  });

  it('has as many cells at work as its limit allows at the time, and tells it of each', async () => {
    const context = testContext();
    const gates = new Gates();
    const limit = {
      workers: 1,
      batchRows: 1,
      outcomes: [] as CellOutcome[],
      onCell(outcome: CellOutcome) {
        this.outcomes.push(outcome);
        this.workers = [3, 3, 1, 1, 1, 1][this.outcomes.length - 1]!;
      },
    };
    const rows = Array.from({ length: 6 }, (_, i) => `0.${i}.0`);
    const splitter = new SplittingBatchProcessor<string>(context, {
      predecessor: new ArraySource([rows]),
      tableSize: 6,
      schedule: 'claims',
      limit,
      idExtractor: (row) => [Number(row.split('.')[1]), Number(row.split('.')[1])],
    });
    const { processor } = parallel(splitter, { write: gates.write, maxWorkers: 3, limit });
    const done = collect(processor.getBatch(10));
    const atWork = () => gates.started.length - gates.ended.length;
    const open = async () => {
      await gates.open(gates.started.find((cell) => !gates.ended.includes(cell))!);
      await quiet();
    };
    await vi.waitFor(() => expect(atWork()).toBe(1));
    for (const expected of [3, 3, 2, 1, 1, 0]) {
      await open();
      await vi.waitFor(() => expect(atWork()).toBe(expected));
    }
    await done;
    expect(limit.outcomes.map(({ rows: written }) => written)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(limit.outcomes[1]).toMatchObject({ running: 3, statistics: { relationships_created: 1 } });
    expect(limit.outcomes.every(({ latencyMs, endedAtMs }) => latencyMs >= 0 && endedAtMs > 0)).toBe(true);
  });

  it.each([0, Number.NaN])('writes every row though its limit allows %d workers', async (workers) => {
    const context = testContext();
    const splitter = new SplittingBatchProcessor<string>(context, {
      predecessor: new ArraySource([['0.0.0', '0.1.0', '0.2.0']]),
      tableSize: 3,
      schedule: 'claims',
      idExtractor: (row) => [Number(row.split('.')[1]), Number(row.split('.')[1])],
    });
    const limit = { workers, batchRows: 1, onCell() {} };
    const { processor } = parallel(splitter, { write: () => undefined, limit });
    const batches = await collect(processor.getBatch(10));
    expect(batches.flatMap(({ chunk }) => chunk).sort()).toEqual(['0.0.0', '0.1.0', '0.2.0']);
  });

  it.each([
    ['maxWorkers', 0],
    ['maxBatchRows', 0],
    ['minBatchRows', 11],
    ['startWorkers', 0],
  ])('refuses an adaptive limit with %s: %d', (option, value) => {
    expect(() => new AdaptiveLimit({ maxWorkers: 4, maxBatchRows: 10, [option]: value })).toThrow(
      expect.objectContaining({ code: 'GW_CONFIG_OPTION', details: { option } }),
    );
  });
});
