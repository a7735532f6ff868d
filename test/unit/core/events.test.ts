import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ClosedLoopBatchProcessor } from '../../../src/core/closed-loop-batch-processor.ts';
import { SourceError } from '../../../src/core/errors.ts';
import {
  currentScope,
  EVENT_CHANNELS,
  EVENT_KINDS,
  heardReads,
  type LoadEvent,
  publishEvent,
  subscribeToEvents,
} from '../../../src/core/events.ts';
import { Task } from '../../../src/core/task.ts';
import { TaskGroup } from '../../../src/core/task-group.ts';
import { TaskReturn } from '../../../src/core/task-return.ts';
import { dictIdExtractor } from '../../../src/parallel/id-extractors.ts';
import { ParallelBatchProcessor } from '../../../src/parallel/parallel-batch-processor.ts';
import { SplittingBatchProcessor } from '../../../src/parallel/splitting-batch-processor.ts';
import { CSVBatchSink } from '../../../src/sinks/csv-batch-sink.ts';
import { ParquetBatchSink } from '../../../src/sinks/parquet-batch-sink.ts';
import { CSVBatchSource } from '../../../src/sources/csv-batch-source.ts';
import { ParquetBatchSource } from '../../../src/sources/parquet-batch-source.ts';
import { ValidationBatchProcessor } from '../../../src/transforms/validation-batch-processor.ts';
import { useFolder } from '../../support/files.ts';
import { ArraySource } from './array-source.ts';
import { FunctionTask, type TestContext, testContext } from './test-context.ts';

type Pair = Readonly<Record<'start' | 'end', number>>;

const scopes: unknown[] = [];

/** Is a load without a database: source, validation, grid, and workers that look at the scope they run in. */
class Load extends Task<TestContext> {
  readonly schedule: 'waves' | 'claims';
  readonly failAt: number | undefined;
  constructor(context: TestContext, schedule: 'waves' | 'claims', failAt?: number) {
    super(context, 'pairs');
    this.schedule = schedule;
    this.failAt = failAt;
  }
  override async runInternal(): Promise<TaskReturn> {
    const { context, schedule, failAt } = this;
    const pairs = Array.from({ length: 40 }, (_, i) => ({ start: i % 7, end: (i * 3) % 5 }));
    const source = new ArraySource<Pair>([pairs.slice(0, 25), [...pairs.slice(25), { start: -1, end: 0 }]]);
    const validation = new ValidationBatchProcessor<Pair>(context, {
      task: this,
      predecessor: {
        getBatch: (size) => heardReads({ task: this, constructor: ArraySource }, source.getBatch(size)),
      },
      schema: z.object({ start: z.number().min(0), end: z.number() }),
      rejectedFile: useFolder().path('rejected.jsonl'),
    });
    const splitter = new SplittingBatchProcessor<Pair>(context, {
      task: this,
      predecessor: validation,
      tableSize: 4,
      schedule,
      idExtractor: dictIdExtractor({ tableSize: 4 }),
    });
    const predecessor = new ParallelBatchProcessor<Pair>(context, {
      task: this,
      predecessor: splitter,
      workerFactory: (rows) => ({
        async *getBatch(size) {
          for await (const batch of rows.getBatch(size)) {
            await Promise.resolve();
            scopes.push(currentScope());
            if (batch.chunk.some(({ start }) => start === failAt))
              throw new SourceError('GW_SOURCE_FORMAT', 'It is broken.');
            yield batch;
          }
        },
      }),
    });
    const loop = new ClosedLoopBatchProcessor(context, { predecessor, task: this });
    for await (const { statistics } of loop.getBatch(10)) return new TaskReturn({ summary: statistics });
    return new TaskReturn();
  }
}

let stop = (): void => {};
afterEach(() => {
  stop();
  scopes.length = 0;
});

function record(): LoadEvent[] {
  const events: LoadEvent[] = [];
  const push = (event: LoadEvent) => void events.push(event);
  stop = subscribeToEvents(Object.fromEntries(EVENT_KINDS.map((kind) => [kind, push])));
  return events;
}

function ofName<N extends LoadEvent['event']>(events: readonly LoadEvent[], name: N) {
  return events.filter((event): event is Extract<LoadEvent, { readonly event: N }> => event.event === name);
}

describe('events', () => {
  it.each(['waves', 'claims'] as const)('tell what a load with %s did', async (schedule) => {
    const events = record();
    const before = Date.now();
    const task = new Load(testContext(), schedule);
    const group = new TaskGroup(task.context, [task], 'all');
    expect((await group.execute()).success).toBe(true);

    const starts = ofName(events, 'task:start');
    expect(starts.map((event) => event.task)).toEqual(['all', 'pairs']);
    expect(starts[1]).toMatchObject({ taskUuid: task.uuid, parentUuid: group.uuid });
    expect(ofName(events, 'task:end').map((event) => [event.task, event.isSuccess])).toEqual([
      ['pairs', true],
      ['all', true],
    ]);
    expect(ofName(events, 'task:end')[0]?.statistics).toMatchObject({ valid_rows: 40, invalid_rows: 1 });

    const reads = ofName(events, 'source:read');
    expect(reads.map(({ rows, source }) => [rows, source])).toEqual([
      [25, 'ArraySource'],
      [16, 'ArraySource'],
    ]);
    const validations = ofName(events, 'validation:end');
    expect(validations.map(({ rows, invalidRows }) => [rows, invalidRows])).toEqual([
      [25, 0],
      [16, 1],
    ]);

    const cellStarts = ofName(events, 'cell:start');
    const cellEnds = ofName(events, 'cell:end');
    expect(cellEnds.reduce((rows, event) => rows + event.rows, 0)).toBe(40);
    expect(new Set(cellStarts.map(({ cell }) => cell)).size).toBe(cellStarts.length);
    for (const end of cellEnds) {
      const start = cellStarts.find(({ cell }) => cell === end.cell);
      expect(start).toMatchObject({ row: end.row, col: end.col, rows: end.rows, taskUuid: task.uuid });
      expect(end.timeMs).toBeGreaterThanOrEqual(start!.timeMs);
    }
    const waves = ofName(events, 'wave:end');
    if (schedule === 'claims') expect(waves).toEqual([]);
    else {
      expect(waves.reduce((rows, wave) => rows + wave.rows, 0)).toBe(40);
      expect(waves.reduce((cells, wave) => cells + wave.cells, 0)).toBe(cellEnds.length);
    }
    for (const event of events) {
      expect(event.timeMs).toBeGreaterThanOrEqual(before - 50);
      expect(event.timeMs).toBeLessThanOrEqual(Date.now() + 50);
      if ('durationMs' in event) expect(event.durationMs).toBeGreaterThanOrEqual(0);
      if (!event.event.startsWith('task:')) expect(event.task).toBe('pairs');
    }
  });

  it.each(['waves', 'claims'] as const)('tell a failure with %s by its code alone', async (schedule) => {
    const events = record();
    const { success } = await new Load(testContext(), schedule, 3).execute();
    expect(success).toBe(false);
    const failed = ofName(events, 'cell:end').filter(({ isSuccess }) => !isSuccess);
    expect(failed.length).toBeGreaterThan(0);
    expect(failed[0]).toMatchObject({ errorCode: 'GW_SOURCE_FORMAT', rows: 0 });
    expect(ofName(events, 'task:end')[0]).toMatchObject({ isSuccess: false, errorCode: 'GW_PARALLEL_CELL' });
    expect(JSON.stringify(events)).not.toContain('It is broken');
  });

  it('are not built, and make no scope, while nobody listens', async () => {
    publishEvent('cell', () => {
      throw new Error('built for nobody');
    });
    const batches = new ArraySource([[1]]).getBatch(1);
    expect(heardReads({ constructor: ArraySource }, batches)).toBe(batches);
    await new Load(testContext(), 'waves').execute();
    expect(scopes.length).toBeGreaterThan(0);
    for (const scope of scopes) expect(scope).toEqual({});
  });

  it('give what runs in a cell its task and place', async () => {
    stop = subscribeToEvents({ transaction: () => {} });
    const task = new Load(testContext(), 'claims');
    await task.execute();
    expect(scopes.length).toBeGreaterThan(4);
    for (const scope of scopes) {
      expect(scope).toEqual({
        task: 'pairs',
        taskUuid: task.uuid,
        cell: expect.any(Number),
        row: expect.any(Number),
        col: expect.any(Number),
      });
    }
  });

  it('come on plain channels of node:diagnostics_channel, until the listener leaves', async () => {
    const heard: unknown[] = [];
    const hear = (message: unknown) => void heard.push((message as LoadEvent).event);
    subscribe(EVENT_CHANNELS.task, hear);
    await new FunctionTask(testContext(), 'one').execute();
    unsubscribe(EVENT_CHANNELS.task, hear);
    await new FunctionTask(testContext(), 'two').execute();
    expect(heard).toEqual(['task:start', 'task:end']);
  });

  it('tell of files that are written and read again', async () => {
    const events = record();
    const folder = useFolder();
    const context = testContext();
    const rows = Array.from({ length: 5 }, (_, i) => ({ id: i }));
    const predecessor = () => new ArraySource([rows.slice(0, 3), [], rows.slice(3)]);
    const csv = folder.path('rows.csv');
    const parquet = folder.path('rows.parquet');
    for await (const _ of new CSVBatchSink(context, { predecessor: predecessor(), file: csv }).getBatch(9));
    for await (const _ of new ParquetBatchSink(context, {
      predecessor: predecessor(),
      file: parquet,
    }).getBatch(9));
    for await (const _ of new CSVBatchSource(context, { file: csv }).getBatch(4));
    for await (const _ of new ParquetBatchSource(context, { file: parquet }).getBatch(4));
    expect(ofName(events, 'sink:write').map(({ sink, rows }) => [sink, rows])).toEqual([
      ['CSVBatchSink', 3],
      ['CSVBatchSink', 2],
      ['ParquetBatchSink', 3],
      ['ParquetBatchSink', 2],
    ]);
    expect(ofName(events, 'source:read').map(({ source, rows }) => [source, rows])).toEqual([
      ['CSVBatchSource', 4],
      ['CSVBatchSource', 1],
      ['ParquetBatchSource', 4],
      ['ParquetBatchSource', 1],
    ]);
  });

  it('close the source when the reader leaves early', async () => {
    record();
    const source = new ArraySource([[1], [2], [3]]);
    for await (const _ of heardReads({ constructor: ArraySource }, source.getBatch(1))) break;
    expect(source.closed).toBe(1);
  });
});
