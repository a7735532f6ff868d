import { describe, expect, it } from 'vitest';
import { AbortedError } from '../../../src/core/errors.ts';
import type { ReportedTask } from '../../../src/core/reporter.ts';
import { TaskReturn } from '../../../src/core/task-return.ts';
import { RunRecords } from '../../../src/reporting/run-records.ts';
import { fakeTask } from './fake-task.ts';

const NOW = new Date('2026-01-01T00:00:00Z');
const DONE = new TaskReturn();

/** What would be written now: name, order, status and number of parents of what has changed. */
function written(records: RunRecords): readonly unknown[] {
  return records.take().map((record) => {
    const { properties, parent } = record.toRow();
    return [properties.name, properties.order, properties.status, parent.length];
  });
}

/** A group with tasks that know it as their parent. */
function group(name: string, ...names: readonly string[]): { group: ReportedTask; tasks: ReportedTask[] } {
  const tasks: ReportedTask[] = [];
  const made = fakeTask(name, tasks);
  for (const each of names) tasks.push(fakeTask(each, undefined, made));
  return { group: made, tasks };
}

describe('RunRecords', () => {
  it('has the whole tree from the start, then only what changes, and the root as a sign of life', () => {
    const records = new RunRecords();
    const { group: load, tasks } = group('load', 'a', 'b');
    records.start(load, NOW);
    records.start(tasks[0]!, NOW);
    expect(written(records)).toEqual([
      ['load', 0, 'running', 0],
      ['a', 1, 'running', 1],
      ['b', 2, 'open', 1],
    ]);
    expect(records.isChanged).toBe(false);
    records.add(tasks[0]!, { rows: 5 });
    expect(written(records)).toEqual([
      ['a', 1, 'running', 1],
      ['load', 0, 'running', 0],
    ]);
    expect(written(records)).toEqual([['load', 0, 'running', 0]]);
    records.end(tasks[0]!, DONE, NOW);
    records.end(load, DONE, NOW);
    expect(written(records)).toEqual([
      ['a', 1, 'success', 1],
      ['b', 2, 'aborted', 1],
      ['load', 0, 'success', 0],
    ]);
    expect(records.isRunning).toBe(false);
    expect(written(records)).toEqual([]);
  });

  it('has the whole tree once more at the end of its root', () => {
    const records = new RunRecords();
    const { group: load, tasks } = group('load', 'a', 'b');
    records.start(load, NOW);
    for (const task of tasks) {
      records.start(task, NOW);
      records.end(task, DONE, NOW);
    }
    records.take();
    records.end(load, DONE, NOW);
    expect(written(records).map((row) => (row as unknown[])[0])).toEqual(['load', 'a', 'b']);
  });

  it('takes in tasks that nobody announced, and groups that never said they run', () => {
    const records = new RunRecords();
    const root = fakeTask('root');
    const middle = fakeTask('middle', undefined, root);
    records.start(root, NOW);
    records.start(fakeTask('deep', undefined, middle), NOW);
    expect(written(records)).toEqual([
      ['root', 0, 'running', 0],
      ['middle', 1, 'open', 1],
      ['deep', 2, 'running', 1],
    ]);
  });

  it('keeps one record of a task that stands in its group twice: that of its last execution', () => {
    const records = new RunRecords();
    const { group: load, tasks } = group('load', 'a');
    tasks.push(tasks[0]!);
    records.start(load, NOW);
    for (const rows of [5, 7]) {
      records.start(tasks[0]!, NOW);
      records.add(tasks[0]!, { rows });
      records.end(tasks[0]!, DONE, NOW);
    }
    const rows = records.take().map((record) => record.toRow().properties);
    expect(rows).toMatchObject([{ name: 'load' }, { name: 'a', rows: 7, status: 'success' }]);
  });

  it('gives an execution after the first an id of its own', () => {
    const records = new RunRecords();
    const task = fakeTask('again');
    const uuids = [1, 2].map(() => {
      records.start(task, NOW);
      records.end(task, DONE, NOW);
      return records.take()[0]!.uuid;
    });
    expect(uuids[0]).toBe(task.uuid);
    expect(uuids[1]).not.toBe(task.uuid);
  });

  it('tells failures from aborts, also where the abort is a cause further down', () => {
    const status = (error: Error): unknown => {
      const records = new RunRecords();
      const task = fakeTask('load');
      records.start(task, NOW);
      records.end(task, new TaskReturn({ success: false, error }), NOW);
      const { properties } = records.take()[0]!.toRow();
      return [properties.status, properties.error];
    };
    const abort = new AbortedError('GW_ABORTED', 'stopped');
    expect(status(new Error('broke'))).toEqual(['failure', 'broke']);
    expect(status(abort)).toEqual(['aborted', 'stopped (GW_ABORTED)']);
    expect(status(new Error('cell failed', { cause: abort }))).toEqual(['aborted', 'cell failed']);
  });

  it('marks all runs aborted at once, and hears what still ends after that', () => {
    const records = new RunRecords();
    const { group: load, tasks } = group('load', 'a', 'b');
    records.start(load, NOW);
    records.start(tasks[0]!, NOW);
    records.abort();
    expect(written(records).map((row) => (row as unknown[])[2])).toEqual(['aborted', 'aborted', 'aborted']);
    records.end(tasks[0]!, DONE, NOW);
    expect(written(records)).toEqual([
      ['a', 1, 'success', 1],
      ['load', 0, 'aborted', 0],
    ]);
  });

  it('writes again what could not be written', () => {
    const records = new RunRecords();
    records.start(fakeTask('load'), NOW);
    const taken = records.take();
    records.giveBack(taken);
    expect(records.isChanged).toBe(true);
    expect(records.take()).toEqual(taken);
  });
});
