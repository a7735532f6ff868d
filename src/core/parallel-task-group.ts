import type { TaskContext } from './context.ts';
import { AbortedError } from './errors.ts';
import { Task, taskError } from './task.ts';
import { TaskReturn } from './task-return.ts';

/**
 * Runs tasks all at once, waits for all and merges their statistics. When a task that has `abortOnFail` fails, the
 * others are aborted and awaited, and the error names the task that failed.
 */
export class ParallelTaskGroup<C extends TaskContext = TaskContext> extends Task<C> {
  readonly tasks: readonly Task[];

  constructor(context: C, tasks: readonly Task[], name = 'ParallelTaskGroup') {
    super(context, name);
    this.tasks = Object.freeze([...tasks]);
  }

  override async runInternal(): Promise<TaskReturn> {
    const abort = new AbortController();
    const signal = AbortSignal.any([this.signal, abort.signal]);
    let decisive: Error | undefined; // of the task that ended the group
    let first: Error | undefined;
    const results = await Promise.all(
      this.tasks.map(async (task) => {
        const result = await task
          .execute({ signal, parent: this })
          .catch((error: Error) => new TaskReturn({ success: false, error })); // the others are awaited all the same
        if (result.success) return result;
        const error = taskError(task, result.error);
        first ??= error;
        if (task.abortOnFail && !decisive) {
          decisive = error;
          abort.abort(
            new AbortedError('GW_ABORTED', `Aborted because task "${task.name}" failed.`, { cause: error }),
          );
        }
        return new TaskReturn({ success: false, summary: result.summary, error });
      }),
    );
    const merged = results.reduce((sum, result) => sum.merge(result), new TaskReturn());
    return new TaskReturn({ success: merged.success, summary: merged.summary, error: decisive ?? first });
  }
}
