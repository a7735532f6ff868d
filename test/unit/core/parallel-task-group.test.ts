import { describe, expect, it } from 'vitest';
import { AbortedError, isAbort } from '../../../src/core/errors.ts';
import { ParallelTaskGroup } from '../../../src/core/parallel-task-group.ts';
import { TaskGroup } from '../../../src/core/task-group.ts';
import { TaskReturn } from '../../../src/core/task-return.ts';
import { deferred, isSettled, quiet } from './deferred.ts';
import { FunctionTask, testContext, untilAborted } from './test-context.ts';

describe('ParallelTaskGroup', () => {
  it('starts all its tasks at once', async () => {
    const context = testContext();
    const gates = [deferred(), deferred(), deferred()];
    const tasks = gates.map(
      (gate, i) => new FunctionTask(context, `task ${i}`, async () => void (await gate.promise)),
    );
    const running = new ParallelTaskGroup(context, tasks, 'all').execute();
    await quiet();
    expect(context.reporter.log).toEqual([
      'started all',
      'started task 0',
      'started task 1',
      'started task 2',
    ]);
    for (const gate of gates) gate.resolve();
    expect(await running).toMatchObject({ success: true });
  });

  it('waits for all, whichever ends first, and then adds up their statistics', async () => {
    const context = testContext();
    const gates = [deferred<number>(), deferred<number>(), deferred<number>()];
    const tasks = gates.map(
      (gate, i) =>
        new FunctionTask(
          context,
          `task ${i}`,
          async () => new TaskReturn({ summary: { rows: await gate.promise } }),
        ),
    );
    const running = new ParallelTaskGroup(context, tasks).execute();
    gates[2]!.resolve(100);
    gates[0]!.resolve(1);
    expect(await isSettled(running)).toBe(false);
    gates[1]!.resolve(10);
    expect(await running).toMatchObject({ success: true, summary: { rows: 111 } });
  });

  it('aborts the others when a task with abortOnFail fails, and awaits them', async () => {
    const context = testContext();
    const cleanup = deferred();
    let signal!: AbortSignal;
    const other = new FunctionTask(context, 'other', async (task) => {
      signal = task.signal;
      task.reportProgress({ statistics: { nodes_created: 2 } });
      try {
        await untilAborted(signal);
      } finally {
        await cleanup.promise;
      }
      return undefined;
    });
    const bad = new FunctionTask(context, 'bad', () => Promise.reject(new Error('boom')));
    const running = new ParallelTaskGroup(context, [other, bad]).execute();
    expect(await isSettled(running)).toBe(false);
    expect(signal.aborted).toBe(true);
    expect(context.signal.aborted).toBe(false);
    cleanup.resolve();
    expect(await running).toMatchObject({ success: false, summary: { nodes_created: 2 } });
    expect(other.success).toBe(false);
  });

  it('says which task failed, not which were aborted for it', async () => {
    const context = testContext();
    const cause = new Error('boom');
    const other = (name: string) => new FunctionTask(context, name, (task) => untilAborted(task.signal));
    const bad = new FunctionTask(context, 'bad', () => Promise.reject(cause));
    const { error } = await new ParallelTaskGroup(context, [other('a'), bad, other('b')]).execute();
    expect(error).toMatchObject({
      code: 'GW_TASK_FAILED',
      message: 'Task "bad" failed: boom',
      details: { task: 'bad' },
    });
    expect(error!.cause).toBe(cause);
  });

  it('tells the aborted tasks for which task they were aborted', async () => {
    const context = testContext();
    let reason: unknown;
    const other = new FunctionTask(context, 'other', async (task) => {
      await untilAborted(task.signal).catch((error: unknown) => {
        reason = error;
      });
      return undefined;
    });
    await new ParallelTaskGroup(context, [
      other,
      new FunctionTask(context, 'bad', () => Promise.reject(Error('x'))),
    ]).execute();
    expect(reason).toBeInstanceOf(AbortedError);
    expect((reason as Error).message).toContain('"bad"');
    expect((reason as Error).cause).toMatchObject({ message: 'Task "bad" failed: x' });
  });

  it('lets the others go on when a task without abortOnFail fails', async () => {
    const context = testContext();
    const gate = deferred();
    const bad = new FunctionTask(context, 'bad', () => Promise.reject(new Error('boom')));
    bad.abortOnFail = false;
    const other = new FunctionTask(context, 'other', async (task) => {
      await gate.promise;
      return new TaskReturn({ summary: { aborted: Number(task.signal.aborted) } });
    });
    const running = new ParallelTaskGroup(context, [bad, other]).execute();
    await quiet();
    gate.resolve();
    const result = await running;
    expect(result).toMatchObject({ success: false, summary: { aborted: 0 } });
    expect(result.error?.message).toBe('Task "bad" failed: boom');
  });

  it('names the task that ended the group, even where a tolerated one failed before it', async () => {
    const context = testContext();
    const tolerated = new FunctionTask(context, 'tolerated', () => Promise.reject(new Error('meh')));
    tolerated.abortOnFail = false;
    const gate = deferred();
    const bad = new FunctionTask(context, 'bad', () =>
      gate.promise.then(() => Promise.reject(new Error('boom'))),
    );
    const running = new ParallelTaskGroup(context, [tolerated, bad]).execute();
    await quiet();
    gate.resolve();
    expect((await running).error?.message).toBe('Task "bad" failed: boom');
  });

  it('keeps the first failure when several fail', async () => {
    const context = testContext();
    const gates = [deferred(), deferred()];
    const tasks = gates.map(
      ({ promise }, i) => new FunctionTask(context, `task ${i}`, () => promise.then(() => undefined)),
    );
    const running = new ParallelTaskGroup(context, tasks).execute();
    gates[1]!.reject(new Error('first'));
    await quiet();
    gates[0]!.reject(new Error('second'));
    expect((await running).error?.message).toBe('Task "task 1" failed: first');
  });

  it('waits for all even when one refuses to be executed', async () => {
    const context = testContext();
    const gate = deferred();
    const task = new FunctionTask(context, 'twice', async () => {
      await gate.promise;
      return new TaskReturn({ summary: { rows: 1 } });
    });
    const running = new ParallelTaskGroup(context, [task, task]).execute();
    expect(await isSettled(running)).toBe(false);
    gate.resolve();
    const result = await running;
    expect(result).toMatchObject({ success: false, summary: { rows: 1 } });
    expect(result.error).toMatchObject({ message: expect.stringContaining('"twice" is running already') });
  });

  it('ends interrupted when the context is aborted', async () => {
    const context = testContext();
    const tasks = ['a', 'b'].map(
      (name) => new FunctionTask(context, name, (task) => untilAborted(task.signal)),
    );
    const running = new ParallelTaskGroup(context, tasks).execute();
    await quiet();
    context.abort.abort();
    const { success, error } = await running;
    expect(success).toBe(false);
    expect(isAbort(error)).toBe(true);
    expect(tasks.map((task) => task.success)).toEqual([false, false]);
  });

  it('nests: aborts reach the tasks of the groups inside, and failures the group around', async () => {
    const context = testContext();
    const waits = (name: string) => new FunctionTask(context, name, (task) => untilAborted(task.signal));
    const never = new FunctionTask(context, 'never');
    const gate = deferred();
    const bad = new FunctionTask(context, 'bad', (task) => {
      task.reportProgress({ statistics: { rows: 3 } });
      return gate.promise.then(() => undefined);
    });
    const innerSequence = new TaskGroup(context, [waits('a'), never], 'sequence');
    const innerParallel = new ParallelTaskGroup(context, [waits('b'), bad], 'parallel');
    const outer = new ParallelTaskGroup(context, [innerSequence, innerParallel], 'outer');
    const running = outer.execute();
    await quiet();
    gate.reject(new Error('boom'));
    const result = await running;
    expect(result).toMatchObject({ success: false, summary: { rows: 3 } });
    expect(result.error?.message).toBe('Task "parallel" failed: Task "bad" failed: boom');
    expect(never.startedAt).toBeUndefined();
    expect([innerSequence.depth, innerParallel.depth, bad.depth]).toEqual([1, 1, 2]);
  });

  it('is a success without tasks', async () => {
    expect(await new ParallelTaskGroup(testContext(), []).execute()).toMatchObject({
      success: true,
      summary: {},
    });
  });
});
