import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { ETLContext } from '../../../src/context/etl-context.ts';
import { ConfigError, type GraphweftError } from '../../../src/core/errors.ts';
import { publishEvent } from '../../../src/core/events.ts';
import { CsvEventWriter, EVENT_COLUMNS } from '../../../src/instrumentation/csv-event-writer.ts';
import { resolveInstrumentOptions } from '../../../src/instrumentation/instrument-options.ts';
import { RecordingReporter } from '../../support/context.ts';
import { useFolder } from '../../support/files.ts';
import { FunctionTask } from '../core/test-context.ts';

let writers: CsvEventWriter[] = [];
afterEach(() => {
  for (const writer of writers) writer.close();
  writers = [];
});

function open(
  path: string,
  sampling = 1,
  onFailure: (error: GraphweftError) => void = () => {},
): CsvEventWriter {
  const writer = new CsvEventWriter({ path, sampling, onFailure });
  writers.push(writer);
  return writer;
}

function linesOf(path: string): string[] {
  return readFileSync(path, 'utf8').trimEnd().split('\n');
}

function publishCell(cell: number): void {
  const place = { task: 'pairs', taskUuid: 'u', cell, row: cell % 4, col: 2 };
  publishEvent('cell', () => ({ event: 'cell:start', ...place, rows: 10 }));
  publishEvent('transaction', () => ({
    event: 'transaction:end',
    ...place,
    retries: 1,
    isSuccess: true,
    durationMs: 1.23456,
  }));
  publishEvent('cell', () => ({ event: 'cell:end', ...place, rows: 10, isSuccess: true, durationMs: 2 }));
}

describe('the CSV file of events', () => {
  it('has a line an event below one header, also when it is opened again', () => {
    const path = useFolder().path('new/folder/events.csv');
    const writer = open(path);
    publishCell(5);
    writer.close();
    publishCell(6); // nobody hears it
    const again = open(path);
    publishEvent('task', () => ({ event: 'task:start', task: 'a "b", c', taskUuid: 'x' }));
    again.close();
    const [header, ...lines] = linesOf(path);
    expect(header).toBe(EVENT_COLUMNS.join(','));
    const withoutTimes = lines.map((line) => line.replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z,/, ''));
    expect(withoutTimes).toEqual([
      'cell:start,pairs,u,,10,5,1,2,,,,,',
      'transaction:end,pairs,u,1.235,,5,1,2,,,1,true,',
      'cell:end,pairs,u,2.000,10,5,1,2,,,,true,',
      'task:start,"a ""b"", c",x,,,,,,,,,,',
    ]);
  });

  it('keeps or leaves out a cell as a whole, and every task', () => {
    const path = useFolder().path('events.csv');
    const writer = open(path, 0.25);
    for (let cell = 1; cell <= 1_000; cell++) publishCell(cell);
    for (let i = 0; i < 100; i++)
      publishEvent('source', () => ({ event: 'source:read', source: 'S', rows: 1, durationMs: 1 }));
    publishEvent('task', () => ({ event: 'task:start', task: 't', taskUuid: 'x' }));
    writer.close();
    const events = linesOf(path).map((line) => line.split(','));
    const cellsOf = (name: string) => events.filter(([, event]) => event === name).map((fields) => fields[6]);
    expect(cellsOf('cell:start')).toHaveLength(250);
    expect(cellsOf('cell:end')).toEqual(cellsOf('cell:start'));
    expect(cellsOf('transaction:end')).toEqual(cellsOf('cell:start'));
    expect(cellsOf('source:read')).toHaveLength(25);
    expect(cellsOf('task:start')).toHaveLength(1);
  });

  it('says once that it cannot be written, and nothing else fails', () => {
    const folder = useFolder();
    const path = folder.path('sub/events.csv');
    const failures: GraphweftError[] = [];
    open(path, 1, (error) => failures.push(error));
    rmSync(folder.path('sub'), { recursive: true });
    for (let cell = 1; cell <= 2_000; cell++) publishCell(cell);
    expect(failures.map(({ code }) => code)).toEqual(['GW_INSTRUMENT_FILE']);
    expect(failures[0]?.message).toContain(path);
  });

  it('is refused where it cannot be opened', () => {
    const path = useFolder().path('is-a-folder');
    mkdirSync(path);
    expect(() => open(path)).toThrow(
      expect.objectContaining({ code: 'GW_INSTRUMENT_FILE' }) as GraphweftError,
    );
  });
});

describe('GRAPHWEFT_INSTRUMENT', () => {
  it('is off where it is not set or blank', () => {
    for (const env of [{}, { GRAPHWEFT_INSTRUMENT: '', GRAPHWEFT_INSTRUMENT_SAMPLING: '' }])
      expect(resolveInstrumentOptions(env)).toEqual({
        kind: 'none',
        path: 'graphweft-events.csv',
        sampling: 1,
      });
  });

  it.each([
    [{ GRAPHWEFT_INSTRUMENT: 'cvs' }, 'must be one of "none", "csv", got "cvs"'],
    [{ GRAPHWEFT_INSTRUMENT: 'csv', GRAPHWEFT_INSTRUMENT_SAMPLING: '0' }, 'above 0 and at most 1'],
    [{ GRAPHWEFT_INSTRUMENT: 'csv', GRAPHWEFT_INSTRUMENT_SAMPLING: '1.01' }, 'above 0 and at most 1'],
    [{ GRAPHWEFT_INSTRUMENT: 'csv', GRAPHWEFT_INSTRUMENT_SAMPLING: 'half' }, 'above 0 and at most 1'],
  ])('is refused before the task starts: %j', async (env, message) => {
    const reporter = new RecordingReporter();
    await using context = new ETLContext({ env, reporter });
    const { success, error } = await new FunctionTask(context, 'one').execute();
    expect(success).toBe(false);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error?.message).toContain(message);
  });

  it('switches one file on for contexts that share it', async () => {
    const path = useFolder().path('events.csv');
    const env = { GRAPHWEFT_INSTRUMENT: 'csv', GRAPHWEFT_INSTRUMENT_PATH: path };
    const contexts = [1, 2].map(() => new ETLContext({ env, reporter: new RecordingReporter() }));
    for (const [i, context] of contexts.entries()) await new FunctionTask(context, `task ${i}`).execute();
    expect(linesOf(path)).toHaveLength(5); // written with the end of a root task, before anything is closed
    await contexts[0]!.close();
    await new FunctionTask(contexts[1]!, 'last').execute();
    await contexts[1]!.close();
    const names = linesOf(path).map((line) => line.split(',')[2]);
    expect(names).toEqual(['task', 'task 0', 'task 0', 'task 1', 'task 1', 'last', 'last']);
  });
});
