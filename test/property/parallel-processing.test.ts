import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { BatchResults, BatchSource } from '../../src/core/batch-processor.ts';
import { AbortedError, isAbort } from '../../src/core/errors.ts';
import type { Cell } from '../../src/parallel/cell-backlog.ts';
import { ParallelBatchProcessor } from '../../src/parallel/parallel-batch-processor.ts';
import {
  SCHEDULES,
  type ScheduleKind,
  SplittingBatchProcessor,
} from '../../src/parallel/splitting-batch-processor.ts';
import { ArraySource } from '../unit/core/array-source.ts';
import { quiet } from '../unit/core/deferred.ts';
import { FunctionTask, testContext } from '../unit/core/test-context.ts';
import { cellName, claims, type ScenarioRow, type SplitScenario, splitScenario } from './split-scenario.ts';

type Fault =
  | { readonly kind: 'none' }
  /** Workers fail, by the order in which they start; before or after their first batch. */
  | { readonly kind: 'worker'; readonly starts: readonly number[]; readonly isLate: boolean }
  | { readonly kind: 'source'; readonly batch: number }
  | { readonly kind: 'abort'; readonly start: number }
  | { readonly kind: 'leave'; readonly afterWaves: number };

const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({ kind: fc.constant('none') }),
  fc.record({
    kind: fc.constant('worker'),
    starts: fc.array(fc.nat(12), { minLength: 1, maxLength: 6 }),
    isLate: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('source'), batch: fc.nat(8) }),
  fc.record({ kind: fc.constant('abort'), start: fc.nat(12) }),
  fc.record({ kind: fc.constant('leave'), afterWaves: fc.integer({ min: 1, max: 8 }) }),
);

interface Settings {
  readonly scenario: SplitScenario;
  readonly schedule: ScheduleKind;
  /** With claims. */
  readonly maxBufferedRows: number;
  readonly maxWorkers: number;
  readonly prefetch: number;
  /** Each worker hands its rows on in batches of at most this many. */
  readonly workerBatchSize: number;
  readonly fault: Fault;
}

const settings: fc.Arbitrary<Settings> = fc.record({
  scenario: splitScenario({ maxRows: 60 }),
  schedule: fc.constantFrom(...SCHEDULES),
  maxBufferedRows: fc.integer({ min: 1, max: 40 }),
  maxWorkers: fc.integer({ min: 1, max: 6 }),
  prefetch: fc.nat(5),
  workerBatchSize: fc.integer({ min: 1, max: 6 }),
  fault,
});

/** Lets everything go on that can before the next delay ends, so that a delay is one step of one worker or reader. */
const scheduler = fc.scheduler({
  act: async (step) => {
    await step();
    await quiet();
  },
});

const unhandled: unknown[] = [];
const noteUnhandled = (reason: unknown) => void unhandled.push(reason);
beforeAll(() => void process.on('unhandledRejection', noteUnhandled));
afterAll(() => void process.off('unhandledRejection', noteUnhandled));
afterEach(() => {
  expect(unhandled.splice(0)).toEqual([]);
});

/** What a run did, as its sources, workers and reader saw it. */
class Run {
  readonly context = testContext();
  readonly settings: Settings;
  readonly source: ArraySource<ScenarioRow>;
  readonly committed = new Map<string, number[]>();
  readonly results: BatchResults<ScenarioRow>[] = [];
  readonly violations: string[] = [];
  readonly thrown: Error[] = [];
  readonly running = new Set<Cell<ScenarioRow>>();
  mostRunning = 0;
  starts = 0;
  wavesAsked = 0;
  wavesClosed = 0;
  isStopped = false;
  outcome: { readonly error?: unknown } = {};
  readonly #scheduler: fc.Scheduler;

  constructor(settings: Settings, scheduler: fc.Scheduler) {
    this.settings = settings;
    this.#scheduler = scheduler;
    const { fault } = settings;
    this.source = new ArraySource(settings.scenario.batches, {
      before: async (batch) => {
        await this.#delay('read');
        if (fault.kind === 'source' && fault.batch === batch) throw this.#failure('source');
      },
    });
  }

  get committedRows(): number {
    return [...this.committed.values()].flat().length;
  }

  async drive(): Promise<void> {
    const { scenario, schedule, maxBufferedRows, maxWorkers, prefetch, fault } = this.settings;
    const { tableSize, monopartite, burstFactor } = scenario;
    const splitter = new SplittingBatchProcessor<ScenarioRow>(this.context, {
      predecessor: this.source,
      tableSize,
      monopartite,
      burstFactor,
      schedule,
      maxBufferedRows,
      idExtractor: ({ row, col }) => [row, col],
    });
    const { givesClaims } = splitter;
    const watched = { getBatch: (size: number) => this.#watchWaves(splitter.getBatch(size)), givesClaims };
    const processor = new ParallelBatchProcessor<ScenarioRow>(this.context, {
      predecessor: watched,
      task: new FunctionTask(this.context, 'load'),
      workerFactory: (rows) => this.#worker(rows),
      maxWorkers,
      prefetch,
    });
    try {
      for await (const result of processor.getBatch(scenario.batchSize)) {
        this.results.push(result);
        if (fault.kind === 'leave' && this.results.length === fault.afterWaves) break;
        await this.#delay('consume');
      }
    } catch (error) {
      this.outcome = { error };
    }
  }

  async *#watchWaves(waves: AsyncGenerator<BatchResults<Cell<ScenarioRow>>>): typeof waves {
    try {
      for (;;) {
        this.wavesAsked++;
        const ahead = this.wavesAsked - this.results.length - 1;
        if (this.settings.schedule === 'waves' && ahead > this.settings.prefetch)
          this.violations.push(`${ahead} waves ahead`);
        const { done, value } = await waves.next();
        if (done) return;
        yield value;
      }
    } finally {
      this.wavesClosed++;
      await waves.return(undefined);
    }
  }

  /** Asks for all of its rows at once to know its cell, then commits them batch by batch, with delays. */
  #worker(rows: BatchSource<ScenarioRow>): BatchSource<ScenarioRow> {
    const run = this;
    const { workerBatchSize, fault } = this.settings;
    return {
      async *getBatch() {
        const start = run.starts++;
        const items: ScenarioRow[] = [];
        for await (const { chunk } of rows.getBatch(1000)) items.push(...chunk);
        const cell = run.#begin(items);
        const fails = fault.kind === 'worker' && fault.starts.includes(start);
        try {
          for (let from = 0; from < items.length; from += workerBatchSize) {
            await run.#delay('write');
            if (fault.kind === 'abort' && fault.start === start) {
              run.isStopped = true;
              run.context.abort.abort('by the test');
            }
            if (fails && (!fault.isLate || from > 0)) throw run.#failure('worker');
            const chunk = items.slice(from, from + workerBatchSize);
            const name = `${cell.row},${cell.col}`;
            run.committed.set(name, [...(run.committed.get(name) ?? []), ...chunk.map(({ index }) => index)]);
            yield { chunk, statistics: { rows_written: chunk.length }, batchSize: chunk.length };
          }
        } finally {
          run.running.delete(cell);
        }
      },
    };
  }

  #begin(items: readonly ScenarioRow[]): Cell<ScenarioRow> {
    const { scenario } = this.settings;
    if (this.isStopped) this.violations.push('a cell was started after the error');
    const [row, col] = cellName(scenario, items[0]!.row, items[0]!.col).split(',').map(Number);
    const cell = { row: row!, col: col!, items };
    const claimed = new Set([...this.running].flatMap((other) => claims(scenario, other)));
    if (claims(scenario, cell).some((bucket) => claimed.has(bucket)))
      this.violations.push('a bucket is shared');
    this.running.add(cell);
    this.mostRunning = Math.max(this.mostRunning, this.running.size);
    return cell;
  }

  /** The first failure of a worker must be the last start. */
  #failure(of: 'source' | 'worker'): Error {
    const error = new Error(`${of} failure ${this.thrown.length}`);
    this.thrown.push(error);
    if (of === 'worker') this.isStopped = true;
    return error;
  }

  #delay(label: string): Promise<void> {
    return this.#scheduler.schedule(Promise.resolve(), label);
  }
}

function check(
  numRuns: number,
  kinds: readonly Fault['kind'][],
  property: (run: Run) => void,
): Promise<void> {
  const wanted = settings.filter((s) => kinds.includes(s.fault.kind));
  return fc.assert(
    fc.asyncProperty(wanted, scheduler, async (chosen, s) => {
      const run = new Run(chosen, s);
      await s.waitFor(run.drive());
      const { starts } = run;
      expect(run.running.size).toBe(0); // all were awaited
      await quiet();
      expect(run.starts).toBe(starts);
      expect(unhandled).toEqual([]);
      property(run);
    }),
    { numRuns },
  ) as Promise<void>;
}

const ALL = ['none', 'worker', 'source', 'abort', 'leave'] as const;
const sum = (numbers: readonly (number | undefined)[]) => numbers.reduce<number>((a, b = 0) => a + b, 0);

describe('the parallel processor, for any waves, delays and faults', () => {
  it('never runs more than maxWorkers cells, nor two that share a bucket, nor reads too far ahead', () =>
    check(300, ALL, (run) => {
      expect(run.violations).toEqual([]);
      expect(run.mostRunning).toBeLessThanOrEqual(run.settings.maxWorkers);
    }));

  it('writes every row once and in order within its cell when nothing fails', () =>
    check(120, ['none'], (run) => {
      const { scenario } = run.settings;
      const expected = new Map<string, number[]>();
      for (const { row, col, index } of scenario.batches.flat()) {
        const name = cellName(scenario, row, col);
        expected.set(name, [...(expected.get(name) ?? []), index]);
      }
      expect(run.outcome.error).toBeUndefined();
      expect(run.committed).toEqual(expected);
      expect(run.results).toHaveLength(run.wavesAsked - 1);
    }));

  it('counts every row once: in its results, in their statistics and in the progress', () =>
    check(120, ['none'], (run) => {
      const rows = run.settings.scenario.batches.flat().length;
      const { progress } = run.context.reporter;
      expect(sum(run.results.map(({ batchSize }) => batchSize))).toBe(rows);
      expect(sum(run.results.map(({ chunk }) => chunk.length))).toBe(rows);
      for (const key of ['rows_written', 'rows_read']) {
        expect(sum(run.results.map(({ statistics }) => statistics[key]))).toBe(rows);
        expect(sum(progress.map(({ statistics }) => statistics?.[key]))).toBe(rows);
      }
      expect(sum(progress.map((step) => step.rows))).toBe(rows);
      // Without waves the last result is no cell: it brings what the source has counted.
      const cells = run.results.length - (run.settings.schedule === 'claims' ? 1 : 0);
      expect(sum(progress.map(({ batches }) => batches))).toBe(cells);
    }));

  it('reports in its progress exactly what was committed, whatever fails', () =>
    check(150, ALL, (run) => {
      const { progress } = run.context.reporter;
      expect(sum(progress.map(({ rows }) => rows))).toBe(run.committedRows);
      expect(sum(progress.map(({ statistics }) => statistics?.rows_written))).toBe(run.committedRows);
    }));

  it('closes its sources exactly once, whatever happens', () =>
    check(150, ALL, (run) => {
      expect([run.wavesClosed, run.source.opened, run.source.closed]).toEqual([1, 1, 1]);
    }));

  it('throws the first error of a worker, with its cause', () =>
    check(150, ['worker'], (run) => {
      if (run.thrown.length === 0) expect(run.outcome.error).toBeUndefined();
      else expect(run.outcome.error).toMatchObject({ code: 'GW_PARALLEL_CELL', cause: run.thrown[0] });
    }));

  it('throws the error of its source, with waves after those that were read before it', () =>
    check(120, ['source'], (run) => {
      expect(run.outcome.error).toBe(run.thrown[0]);
      if (run.settings.schedule === 'waves' && run.thrown.length > 0)
        expect(run.results).toHaveLength(run.wavesAsked - 1);
    }));

  it('ends interrupted when it is aborted, and writes no further cell', () =>
    check(150, ['abort'], (run) => {
      expect(run.outcome.error !== undefined).toBe(run.context.signal.aborted);
      if (!run.context.signal.aborted) return;
      expect(run.outcome.error).toBeInstanceOf(AbortedError);
      expect(isAbort(run.outcome.error)).toBe(true);
      expect(run.violations).toEqual([]);
    }));

  it('reaches every fault, and many cells at work, in these scenarios', async () => {
    const struck: Record<string, number> = { none: 0, worker: 0, source: 0, abort: 0, leave: 0 };
    let concurrent = 0;
    await check(200, ALL, ({ settings, outcome, mostRunning }) => {
      if (outcome.error || settings.fault.kind in { none: 1, leave: 1 }) struck[settings.fault.kind]!++;
      if (mostRunning > 1) concurrent++;
    });
    for (const count of Object.values(struck)) expect(count).toBeGreaterThan(3);
    expect(concurrent).toBeGreaterThan(20);
  });
});
