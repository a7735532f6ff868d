import { randomUUID } from 'node:crypto';
import type { TaskContext } from './context.ts';
import { AbortedError, GraphweftError, throwIfAborted } from './errors.ts';
import { isHeard, outcomeOf, publishEvent, taskFields, withScope } from './events.ts';
import { stringOption } from './options.ts';
import type { TaskProgress } from './reporter.ts';
import { mergeStatistics, type Statistics } from './statistics.ts';
import { TaskReturn } from './task-return.ts';

/** Who runs a task, and what aborts it. */
export interface ExecuteOptions {
  /** Aborts this task; beside the context's own signal. */
  readonly signal?: AbortSignal;
  /** The group that runs this task. */
  readonly parent?: Task;
}

/**
 * Is one step of a run. `execute()` times it, reports it and turns what it throws into a failed {@link TaskReturn};
 * subclasses write `runInternal()`.
 *
 * @example
 * ```ts
 * class CountAirports extends Task<ETLContext> {
 *   async runInternal() {
 *     const { rows } = await this.context.neo4j.query('MATCH (a:Airport) RETURN count(a) AS airports');
 *     return new TaskReturn({ summary: { airports: Number(rows[0]?.airports) } });
 *   }
 * }
 * ```
 */
export abstract class Task<C extends TaskContext = TaskContext> {
  readonly uuid: string = randomUUID();
  readonly context: C;
  readonly name: string;
  /** Whether a failure of this task ends its group. Default: true. */
  abortOnFail = true;
  #parent: Task | undefined;
  #startedAt: Date | undefined;
  #endedAt: Date | undefined;
  #result: TaskReturn | undefined;
  #signal: AbortSignal | undefined;
  #progressed: Statistics = {};

  /** @param name Default: the class's name. */
  constructor(context: C, name?: string) {
    this.context = context;
    this.name = name === undefined ? new.target.name : stringOption('name', name);
  }

  /** What may be logged of a task: its options can hold an address with a password. */
  toJSON(): Readonly<Record<string, unknown>> {
    const { uuid, name, startedAt, endedAt, success, summary } = this;
    return { uuid, name, startedAt, endedAt, success, summary };
  }
  /** The same for `console.log`. */
  [Symbol.for('nodejs.util.inspect.custom')](): unknown {
    return { task: this.constructor.name, ...this.toJSON() };
  }

  /** The group that runs this task, once it runs. */
  get parent(): Task | undefined {
    return this.#parent;
  }
  /** How many groups are around this task; 0 at the root. */
  get depth(): number {
    return this.#parent ? this.#parent.depth + 1 : 0;
  }
  get startedAt(): Date | undefined {
    return this.#startedAt;
  }
  get endedAt(): Date | undefined {
    return this.#endedAt;
  }
  /** Undefined until the task has ended. */
  get success(): boolean | undefined {
    return this.#result?.success;
  }
  /** Statistics of the task: while it runs and when it failed, of the progress that was reported. */
  get summary(): Statistics {
    return this.#result?.summary ?? this.#progressed;
  }
  /** Aborted when this task, its group or its context is. */
  get signal(): AbortSignal {
    return this.#signal ?? this.context.signal;
  }

  /**
   * Runs the task. Never throws for a failure of the task: look at `success` and `error`.
   * @throws {@link GraphweftError} `GW_INTERNAL` when the task is running already.
   */
  async execute({ signal, parent }: ExecuteOptions = {}): Promise<TaskReturn> {
    if (this.#startedAt && !this.#endedAt) {
      throw new GraphweftError('GW_INTERNAL', `Task "${this.name}" is running already.`);
    }
    this.#parent = parent;
    this.#signal = signal ? AbortSignal.any([this.context.signal, signal]) : this.context.signal;
    this.#startedAt = new Date();
    this.#endedAt = undefined;
    this.#result = undefined;
    this.#progressed = {};
    let unready: TaskReturn | undefined;
    try {
      const preparing = parent ? undefined : this.context.prepare?.();
      if (preparing) await preparing;
    } catch (thrown) {
      unready = this.#failed(thrown);
    }
    const begun = performance.now();
    publishEvent('task', () => ({
      event: 'task:start',
      ...taskFields(this),
      parentUuid: parent?.uuid,
    }));
    this.context.reporter.taskStarted(this);
    // The scope costs a little with every await, so there is one only where it is read.
    const isScoped = isHeard('transaction') || isHeard('sink');
    const run = () => unready ?? this.#run();
    const result = await (isScoped ? withScope(taskFields(this), run) : run());
    this.#endedAt = new Date();
    this.#result = result;
    publishEvent('task', () => ({
      event: 'task:end',
      ...taskFields(this),
      parentUuid: parent?.uuid,
      durationMs: performance.now() - begun,
      ...outcomeOf(
        result.success
          ? undefined
          : (result.error ?? new GraphweftError('GW_TASK_FAILED', 'No reason given')),
      ),
      statistics: result.summary,
    }));
    this.context.reporter.taskEnded(this, result);
    return result;
  }

  async #run(): Promise<TaskReturn> {
    try {
      throwIfAborted(this.signal);
      return await this.runInternal();
    } catch (thrown) {
      return this.#failed(thrown);
    }
  }

  #failed(thrown: unknown): TaskReturn {
    const error =
      thrown instanceof Error
        ? thrown
        : new GraphweftError('GW_TASK_FAILED', String(thrown), { cause: thrown });
    return new TaskReturn({ success: false, error, summary: this.#progressed });
  }

  /** Reports a step, and keeps its statistics so that the account of a failed task holds what was committed. */
  reportProgress(progress: TaskProgress): void {
    if (progress.statistics) this.#progressed = mergeStatistics(this.#progressed, progress.statistics);
    this.context.reporter.taskProgress(this, progress);
  }

  /** Does the work. Throwing and returning `success: false` are the same to a group. */
  abstract runInternal(): Promise<TaskReturn>;
}

/** Names the task that failed and keeps its error as cause; an interrupt stays an {@link AbortedError}. @internal */
export function taskError(task: Task, cause: Error | undefined): GraphweftError {
  const message = `Task "${task.name}" failed: ${cause?.message ?? 'it gave no reason'}`;
  const details = { task: task.name, taskUuid: task.uuid };
  if (cause instanceof AbortedError) return new AbortedError('GW_ABORTED', cause.message, { cause, details });
  return new GraphweftError('GW_TASK_FAILED', message, { cause, details });
}
