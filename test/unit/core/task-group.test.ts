import { describe, expect, it } from 'vitest';
import { AbortedError } from '../../../src/core/errors.ts';
import { TaskGroup } from '../../../src/core/task-group.ts';
import { TaskReturn } from '../../../src/core/task-return.ts';
import { deferred, isSettled, quiet } from './deferred.ts';
import { FunctionTask, testContext, untilAborted } from './test-context.ts';

const fails =
  (message: string, summary = {}) =>
  () =>
    new TaskReturn({ success: false, summary, error: new Error(message) });

describe('TaskGroup', () => {
  it('runs its tasks one after the other, in order', async () => {
    const context = testContext();
    const tasks = ['a', 'b', 'c'].map(
      (name) => new FunctionTask(context, name, async () => void (await quiet())),
    );
    await new TaskGroup(context, tasks, 'all').execute();
    expect(context.reporter.log).toEqual([
      'started all',
      'started a',
      'ended a',
      'started b',
      'ended b',
      'started c',
      'ended c',
      'ended all',
    ]);
  });

  it('ends with the last task', async () => {
    const context = testContext();
    const gate = deferred();
    const last = new FunctionTask(context, 'last', async () => void (await gate.promise));
    const running = new TaskGroup(context, [new FunctionTask(context, 'first'), last]).execute();
    expect(await isSettled(running)).toBe(false);
    gate.resolve();
    expect(await running).toMatchObject({ success: true });
  });

  it('adds up the statistics of its tasks', async () => {
    const context = testContext();
    const tasks = [
      new FunctionTask(context, 'a', () => new TaskReturn({ summary: { rows: 1, nodes: 2 } })),
      new FunctionTask(context, 'b', () => new TaskReturn({ summary: { rows: 10 } })),
    ];
    expect((await new TaskGroup(context, tasks).execute()).summary).toEqual({ rows: 11, nodes: 2 });
  });

  it('stops at a failed task that has abortOnFail', async () => {
    const context = testContext();
    const never = new FunctionTask(context, 'never');
    const group = new TaskGroup(context, [
      new FunctionTask(context, 'good', () => new TaskReturn({ summary: { rows: 1 } })),
      new FunctionTask(context, 'bad', fails('boom', { rows: 2 })),
      never,
    ]);
    const result = await group.execute();
    expect(result).toMatchObject({ success: false, summary: { rows: 3 } });
    expect(never.startedAt).toBeUndefined();
  });

  it('goes on after a failed task without abortOnFail, and is still not a success', async () => {
    const context = testContext();
    const bad = new FunctionTask(context, 'bad', fails('boom', { rows: 2 }));
    bad.abortOnFail = false;
    const next = new FunctionTask(context, 'next', () => new TaskReturn({ summary: { rows: 5 } }));
    const result = await new TaskGroup(context, [bad, next]).execute();
    expect(next.success).toBe(true);
    expect(result).toMatchObject({ success: false, summary: { rows: 7 } });
    expect(result.error?.message).toBe('Task "bad" failed: boom');
  });

  it('names the task that failed and keeps its error as the cause', async () => {
    const context = testContext();
    const cause = new Error('boom');
    const bad = new FunctionTask(context, 'bad', () => Promise.reject(cause));
    const { error } = await new TaskGroup(context, [bad]).execute();
    expect(error).toMatchObject({
      code: 'GW_TASK_FAILED',
      message: 'Task "bad" failed: boom',
      details: { task: 'bad', taskUuid: bad.uuid },
    });
    expect(error!.cause).toBe(cause);
  });

  it('names the task that failed without giving a reason', async () => {
    const context = testContext();
    const bad = new FunctionTask(context, 'bad', () => new TaskReturn({ success: false }));
    const { error } = await new TaskGroup(context, [bad]).execute();
    expect(error?.message).toContain('Task "bad" failed');
  });

  it('holds what a task had committed before it threw', async () => {
    const context = testContext();
    const bad = new FunctionTask(context, 'bad', (task) => {
      task.reportProgress({ statistics: { nodes_created: 4 } });
      throw new Error('boom');
    });
    expect((await new TaskGroup(context, [bad]).execute()).summary).toEqual({ nodes_created: 4 });
  });

  it('nests: a failure deep inside ends the groups around it', async () => {
    const context = testContext();
    const never = new FunctionTask(context, 'never');
    const inner = new TaskGroup(
      context,
      [new FunctionTask(context, 'bad', fails('boom', { rows: 1 })), never],
      'inner',
    );
    const after = new FunctionTask(context, 'after');
    const result = await new TaskGroup(context, [inner, after], 'outer').execute();
    expect(result).toMatchObject({ success: false, summary: { rows: 1 } });
    expect(result.error?.message).toBe('Task "inner" failed: Task "bad" failed: boom');
    expect([never.startedAt, after.startedAt]).toEqual([undefined, undefined]);
  });

  it('stops with an interrupt as its error when it is aborted', async () => {
    const context = testContext();
    const waiting = new FunctionTask(context, 'waiting', (task) => untilAborted(task.signal));
    const never = new FunctionTask(context, 'never');
    const running = new TaskGroup(context, [waiting, never]).execute();
    await quiet();
    context.abort.abort(new AbortedError('GW_ABORTED', 'Interrupted.'));
    const { success, error } = await running;
    expect(success).toBe(false);
    expect(error).toBeInstanceOf(AbortedError);
    expect(error).toMatchObject({ details: { task: 'waiting' } });
    expect(never.startedAt).toBeUndefined();
  });

  it('is a success without tasks', async () => {
    expect(await new TaskGroup(testContext(), []).execute()).toMatchObject({ success: true, summary: {} });
  });

  it('does not see tasks that are added to the list later', async () => {
    const context = testContext();
    const list = [new FunctionTask(context, 'a')];
    const group = new TaskGroup(context, list);
    list.push(new FunctionTask(context, 'b'));
    expect(group.tasks.map(({ name }) => name)).toEqual(['a']);
  });
});
