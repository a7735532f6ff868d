import type { TaskContext } from './context.ts';
import { Task, taskError } from './task.ts';
import { TaskReturn } from './task-return.ts';

/** Runs tasks in order, and ends with the last one. A failed task that has `abortOnFail` is the last. */
export class TaskGroup<C extends TaskContext = TaskContext> extends Task<C> {
  readonly tasks: readonly Task[];

  constructor(context: C, tasks: readonly Task[], name = 'TaskGroup') {
    super(context, name);
    this.tasks = Object.freeze([...tasks]);
  }

  override async runInternal(): Promise<TaskReturn> {
    let merged = new TaskReturn();
    for (const task of this.tasks) {
      const result = await task.execute({ signal: this.signal, parent: this });
      if (result.success) {
        merged = merged.merge(result);
        continue;
      }
      const { summary } = result;
      merged = merged.merge(
        new TaskReturn({ success: false, summary, error: taskError(task, result.error) }),
      );
      if (task.abortOnFail) break;
    }
    return merged;
  }
}
