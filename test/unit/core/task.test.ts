import { describe, expect, it } from 'vitest';
import { AbortedError, GraphweftError } from '../../../src/core/errors.ts';
import { Task } from '../../../src/core/task.ts';
import { TaskGroup } from '../../../src/core/task-group.ts';
import { TaskReturn } from '../../../src/core/task-return.ts';
import { deferred, rejectionOf } from './deferred.ts';
import { FunctionTask, testContext } from './test-context.ts';

describe('Task', () => {
  it('is named after its class when no name is given', () => {
    class LoadAirports extends Task {
      override async runInternal(): Promise<TaskReturn> {
        return new TaskReturn();
      }
    }
    expect(new LoadAirports(testContext()).name).toBe('LoadAirports');
    expect(new LoadAirports(testContext(), 'airports').name).toBe('airports');
  });

  it('refuses a blank name', () => {
    expect(() => new FunctionTask(testContext(), ' ')).toThrow(/`name`.*non-blank string.*" "/);
  });

  it('has a uuid of its own', () => {
    const context = testContext();
    const uuids = [1, 2, 3].map(() => new FunctionTask(context, 'same').uuid);
    expect(new Set(uuids).size).toBe(3);
    for (const uuid of uuids)
      expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-/);
  });

  it('aborts its group on failure by default', () => {
    expect(new FunctionTask(testContext(), 'task').abortOnFail).toBe(true);
  });

  it('has neither times nor success before it runs', () => {
    const { startedAt, endedAt, success, summary, depth, parent } = new FunctionTask(testContext(), 'task');
    expect({ startedAt, endedAt, success, summary, depth, parent }).toEqual({ summary: {}, depth: 0 });
  });

  it('has a start but no end while it runs, and both after', async () => {
    const gate = deferred();
    const task = new FunctionTask(testContext(), 'task', async () => void (await gate.promise));
    const running = task.execute();
    expect(task.startedAt).toBeInstanceOf(Date);
    expect(task.endedAt).toBeUndefined();
    expect(task.success).toBeUndefined();
    gate.resolve();
    await running;
    expect(task.endedAt!.getTime()).toBeGreaterThanOrEqual(task.startedAt!.getTime());
    expect(task.success).toBe(true);
  });

  it('gives what runInternal returns, and keeps its summary', async () => {
    const expected = new TaskReturn({ summary: { nodes_created: 3 } });
    const task = new FunctionTask(testContext(), 'task', () => expected);
    expect(await task.execute()).toBe(expected);
    expect(task.summary).toEqual({ nodes_created: 3 });
  });

  it('turns what runInternal throws into a failed return', async () => {
    const error = new Error('boom');
    const task = new FunctionTask(testContext(), 'task', () => {
      throw error;
    });
    const result = await task.execute();
    expect(result).toMatchObject({ success: false, summary: {} });
    expect(result.error).toBe(error);
    expect(task.success).toBe(false);
  });

  it('turns anything else that is thrown into an error that keeps it as its cause', async () => {
    const task = new FunctionTask(testContext(), 'task', () => {
      throw 'just a string';
    });
    const { error } = await task.execute();
    expect(error).toBeInstanceOf(GraphweftError);
    expect(error).toMatchObject({ code: 'GW_TASK_FAILED', message: 'just a string', cause: 'just a string' });
  });

  it('keeps the statistics of its progress when it fails', async () => {
    const task = new FunctionTask(testContext(), 'task', (self) => {
      self.reportProgress({ rows: 10, statistics: { nodes_created: 10 } });
      self.reportProgress({ rows: 5, statistics: { nodes_created: 4, properties_set: 2 } });
      self.reportProgress({ batches: 1 });
      throw new Error('boom');
    });
    const { summary } = await task.execute();
    expect(summary).toEqual({ nodes_created: 14, properties_set: 2 });
    expect(task.summary).toEqual(summary);
  });

  it('shows the statistics of its progress while it runs', async () => {
    const seen: unknown[] = [];
    const task = new FunctionTask(testContext(), 'task', (self) => {
      self.reportProgress({ statistics: { rows_read: 1 } });
      seen.push(self.summary);
      self.reportProgress({ statistics: { rows_read: 2 } });
      seen.push(self.summary);
      return new TaskReturn({ summary: { rows_read: 3 } });
    });
    await task.execute();
    expect(seen).toEqual([{ rows_read: 1 }, { rows_read: 3 }]);
    expect(task.summary).toEqual({ rows_read: 3 });
  });

  it('tells the reporter start, progress and end, in that order', async () => {
    const context = testContext();
    const progress = { rows: 7, batches: 1 };
    const result = new TaskReturn({ summary: { rows: 7 } });
    const task = new FunctionTask(context, 'load', (self) => {
      self.reportProgress(progress);
      return result;
    });
    await task.execute();
    expect(context.reporter.events).toEqual([
      { type: 'started', task: 'load', depth: 0 },
      { type: 'progress', task: 'load', progress },
      { type: 'ended', task: 'load', result },
    ]);
  });

  it('tells the reporter of the end of a failed task too', async () => {
    const context = testContext();
    await new FunctionTask(context, 'load', () => Promise.reject(new Error('boom'))).execute();
    expect(context.reporter.log).toEqual(['started load', 'ended load']);
  });

  it('has ended, for whoever is told that it has', async () => {
    const context = testContext();
    const task = new FunctionTask(context, 'load');
    let seen: unknown;
    context.reporter.taskEnded = (ended) => {
      seen = { endedAt: ended.endedAt instanceof Date, success: ended.success };
    };
    await task.execute();
    expect(seen).toEqual({ endedAt: true, success: true });
  });

  it('does not begin its work when the context is aborted already', async () => {
    const context = testContext();
    let isBegun = false;
    const task = new FunctionTask(context, 'task', () => {
      isBegun = true;
      return undefined;
    });
    context.abort.abort();
    const { success, error } = await task.execute();
    expect({ success, isBegun }).toEqual({ success: false, isBegun: false });
    expect(error).toBeInstanceOf(AbortedError);
  });

  it('has a signal that follows the context and the one given', async () => {
    for (const which of ['context', 'given'] as const) {
      const context = testContext();
      const given = new AbortController();
      let signal!: AbortSignal;
      const task = new FunctionTask(context, 'task', (self) => {
        signal = self.signal;
        return undefined;
      });
      await task.execute({ signal: given.signal });
      expect(signal.aborted).toBe(false);
      (which === 'context' ? context.abort : given).abort(`by ${which}`);
      expect(signal).toMatchObject({ aborted: true, reason: `by ${which}` });
    }
  });

  it('refuses to run twice at the same time', async () => {
    const gate = deferred();
    const task = new FunctionTask(testContext(), 'load', async () => void (await gate.promise));
    const running = task.execute();
    expect(await rejectionOf(task.execute())).toMatchObject({
      code: 'GW_INTERNAL',
      message: expect.stringContaining('"load"'),
    });
    gate.resolve();
    expect(await running).toMatchObject({ success: true });
  });

  it('starts anew when it is run again', async () => {
    let runs = 0;
    const task = new FunctionTask(testContext(), 'task', (self) => {
      self.reportProgress({ statistics: { tries: 1 } });
      if (++runs === 1) throw new Error('boom');
      return new TaskReturn({ summary: self.summary });
    });
    expect(await task.execute()).toMatchObject({ success: false, summary: { tries: 1 } });
    expect(await task.execute()).toMatchObject({ success: true, summary: { tries: 1 }, error: undefined });
    expect(task.success).toBe(true);
  });

  it('is as deep as the groups around it', async () => {
    const context = testContext();
    const leaf = new FunctionTask(context, 'leaf');
    const inner = new TaskGroup(context, [leaf], 'inner');
    const outer = new TaskGroup(context, [inner], 'outer');
    await outer.execute();
    expect([outer.depth, inner.depth, leaf.depth]).toEqual([0, 1, 2]);
    expect(leaf.parent).toBe(inner);
    expect(context.reporter.events.filter(({ type }) => type === 'started')).toEqual([
      { type: 'started', task: 'outer', depth: 0 },
      { type: 'started', task: 'inner', depth: 1 },
      { type: 'started', task: 'leaf', depth: 2 },
    ]);
  });
});
