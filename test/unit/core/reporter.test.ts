import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import {
  combineReporters,
  type Reporter,
  SILENT_REPORTER,
  shieldReporter,
} from '../../../src/core/reporter.ts';
import { TaskReturn } from '../../../src/core/task-return.ts';
import { quiet, rejectionOf } from './deferred.ts';
import { FunctionTask, RecordingReporter, testContext } from './test-context.ts';

let emitWarning: MockInstance<(warning: string | Error, ...rest: never[]) => void>;
beforeEach(() => {
  emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {}) as never;
});
afterEach(() => {
  emitWarning.mockRestore();
});

const task = new FunctionTask(testContext(), 'load');
const result = new TaskReturn();

function broken(overrides: Partial<Record<keyof Reporter, () => unknown>>): Reporter {
  return { ...SILENT_REPORTER, ...overrides } as Reporter;
}

describe('shieldReporter', () => {
  it('passes every call on, with its arguments and its reporter', async () => {
    const inner = new RecordingReporter();
    let warning: string | undefined;
    let isClosed = false;
    inner.warn = (message?: string) => {
      warning = message;
    };
    const shielded = shieldReporter(
      Object.assign(inner, {
        close: async () => {
          await quiet();
          isClosed = true;
        },
      }),
    );
    shielded.taskStarted(task);
    shielded.taskExpects?.(task, { rows: 5 });
    shielded.taskProgress(task, { rows: 3 });
    shielded.taskEnded(task, result);
    shielded.warn('careful');
    await shielded.close?.();
    expect(inner.events).toEqual([
      { type: 'started', task: 'load', depth: 0 },
      { type: 'expects', task: 'load', rows: 5 },
      { type: 'progress', task: 'load', progress: { rows: 3 } },
      { type: 'ended', task: 'load', result },
    ]);
    expect({ warning, isClosed }).toEqual({ warning: 'careful', isClosed: true });
    expect(emitWarning).not.toHaveBeenCalled();
  });

  it('does without the calls that a reporter need not have', async () => {
    const shielded = shieldReporter(SILENT_REPORTER);
    shielded.taskExpects?.(task, { rows: 5 });
    await shielded.close?.();
    expect(emitWarning).not.toHaveBeenCalled();
  });

  it('keeps an error from the load, warns once and switches the reporter off', () => {
    let calls = 0;
    const taskProgress = () => {
      calls++;
      throw new Error('no terminal');
    };
    const shielded = shieldReporter(broken({ taskProgress, taskEnded: () => calls++ }));
    shielded.taskProgress(task, {});
    shielded.taskProgress(task, {});
    shielded.taskEnded(task, result);
    expect(calls).toBe(1);
    expect(emitWarning).toHaveBeenCalledTimes(1);
    expect(emitWarning.mock.calls[0]![0]).toContain('no terminal');
  });

  it('still closes a reporter that was switched off', async () => {
    let isClosed = false;
    const shielded = shieldReporter(
      broken({
        taskStarted: () => {
          throw new Error('x');
        },
        close: () => {
          isClosed = true;
        },
      }),
    );
    shielded.taskStarted(task);
    await shielded.close?.();
    expect(isClosed).toBe(true);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('disk full');
      },
    ],
    ['rejects', () => Promise.reject(new Error('disk full'))],
  ])('keeps an error from the load when close %s', async (_, close) => {
    await shieldReporter(broken({ close })).close?.();
    expect(emitWarning).toHaveBeenCalledTimes(1);
    expect(emitWarning.mock.calls[0]![0]).toContain('disk full');
  });

  it('warns once where a call and close both fail', async () => {
    const fail = () => {
      throw new Error('x');
    };
    const shielded = shieldReporter(broken({ taskStarted: fail, close: fail }));
    shielded.taskStarted(task);
    await shielded.close?.();
    expect(emitWarning).toHaveBeenCalledTimes(1);
  });

  it('leaves no unhandled rejection when a method is async and fails', async () => {
    let calls = 0;
    const taskProgress = () => {
      calls++;
      return Promise.reject(new Error('late'));
    };
    const shielded = shieldReporter(broken({ taskProgress }));
    shielded.taskProgress(task, {});
    await quiet();
    shielded.taskProgress(task, {});
    expect(calls).toBe(1);
    expect(emitWarning).toHaveBeenCalledTimes(1);
    expect(emitWarning.mock.calls[0]![0]).toContain('late');
  });

  it('keeps anything else that is thrown from the load too', () => {
    const shielded = shieldReporter(
      broken({
        warn: () => {
          throw null;
        },
      }),
    );
    expect(() => shielded.warn('x')).not.toThrow();
    expect(emitWarning).toHaveBeenCalledTimes(1);
  });

  it('lets a task succeed whose reporter fails', async () => {
    const throwing = new Proxy({} as Reporter, {
      get: () => () => {
        throw new Error('x');
      },
    });
    const context = { env: {}, signal: new AbortController().signal, reporter: shieldReporter(throwing) };
    expect(await new FunctionTask(context, 'load').execute()).toMatchObject({ success: true });
    const bare = new FunctionTask({ ...context, reporter: throwing }, 'load');
    expect(await rejectionOf(bare.execute())).toBeInstanceOf(Error);
  });
});

describe('combineReporters', () => {
  it('tells all the same, and keeps the error of one from the others', async () => {
    const [first, last] = [new RecordingReporter(), new RecordingReporter()];
    const closed: string[] = [];
    const failing = broken({
      taskStarted: () => {
        throw new Error('no terminal');
      },
      close: () => closed.push('failing'),
    });
    const combined = combineReporters([
      Object.assign(first, { close: () => void closed.push('first') }),
      failing,
      last,
    ]);
    combined.taskStarted(task);
    combined.taskExpects?.(task, { rows: 5, batches: 2 });
    combined.taskProgress(task, { rows: 3 });
    combined.taskEnded(task, result);
    combined.warn('careful');
    await combined.close?.();
    expect(first.events.map(({ type }) => type)).toEqual(['started', 'expects', 'progress', 'ended']);
    expect(last.events).toEqual(first.events);
    expect(closed).toEqual(['first', 'failing']);
    expect(emitWarning).toHaveBeenCalledTimes(1);
  });
});
