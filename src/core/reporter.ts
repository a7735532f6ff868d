import type { Statistics } from './statistics.ts';
import type { TaskReturn } from './task-return.ts';

/** What a reporter sees of a task. */
export interface ReportedTask {
  readonly uuid: string;
  readonly name: string;
  /** How many groups are around it; 0 at the root. */
  readonly depth: number;
  /** The group that runs it. */
  readonly parent: ReportedTask | undefined;
  /** What a group will run. */
  readonly tasks?: readonly ReportedTask[];
  readonly startedAt: Date | undefined;
  readonly endedAt: Date | undefined;
  /** Undefined until it has ended. */
  readonly success: boolean | undefined;
  readonly summary: Statistics;
}

/** One step of a running task. Every number is an increment, never a total. */
export interface TaskProgress {
  /** Rows that the database has committed, or that reached the end of the chain. */
  readonly rows?: number;
  /** Batches (sequential) or waves (parallel). */
  readonly batches?: number;
  /** Rows set aside so far; told when it happens, ahead of the statistics. */
  readonly rejectedRows?: number;
  /** Statistics of what was just done; `retries` among them is shown live. */
  readonly statistics?: Statistics;
}

/** What is known of a task's size before it ends. */
export interface TaskExpectation {
  /** Rows that the source holds. */
  readonly rows: number;
  /** Batches that these rows make; left out where nobody knows, as of waves. */
  readonly batches?: number;
}

/**
 * Is told what tasks do, and shows or keeps it. Calls are synchronous and must be quick; a reporter that throws is
 * switched off with one warning, and the load goes on.
 */
export interface Reporter {
  /** Tells that a task begins; `task.parent` and `task.depth` place it in the tree. */
  taskStarted(task: ReportedTask): void;
  /** Tells how large a running task will be. */
  taskExpects?(task: ReportedTask, expected: TaskExpectation): void;
  /** Tells a step of a running task. */
  taskProgress(task: ReportedTask, progress: TaskProgress): void;
  /** Tells that a task ended, with what it left. */
  taskEnded(task: ReportedTask, result: TaskReturn): void;
  /** Tells something a person should see, outside of any bar. */
  warn(message: string): void;
  /** Tells something that is good to know: a choice that was made for the person. */
  notice?(message: string): void;
  /** Shows the last state and lets go of the terminal or file. */
  close?(): void | Promise<void>;
}

/** Hears everything and shows nothing. */
export const SILENT_REPORTER: Reporter = Object.freeze({
  taskStarted() {},
  taskProgress() {},
  taskEnded() {},
  warn() {},
});

/** Tells several reporters the same; an error in one of them is kept from the others and from the load. */
export function combineReporters(reporters: readonly Reporter[]): Reporter {
  const all = reporters.map(shieldReporter);
  return {
    taskStarted: (task) => all.forEach((each) => void each.taskStarted(task)),
    taskExpects: (task, expected) => all.forEach((each) => void each.taskExpects?.(task, expected)),
    taskProgress: (task, progress) => all.forEach((each) => void each.taskProgress(task, progress)),
    taskEnded: (task, result) => all.forEach((each) => void each.taskEnded(task, result)),
    warn: (message) => all.forEach((each) => void each.warn(message)),
    notice: (message) => all.forEach((each) => void each.notice?.(message)),
    close: async () => {
      await Promise.all(all.map((each) => each.close?.()));
    },
  };
}

/** Wraps a reporter so that an error in it warns once on the error stream and never reaches the load. */
export function shieldReporter(reporter: Reporter): Reporter {
  let isBroken = false;
  const switchOff = (error: unknown): void => {
    if (isBroken) return;
    isBroken = true;
    const reason = error instanceof Error ? error.message : String(error);
    process.emitWarning(`The reporter failed and is switched off: ${reason}`, 'GraphweftWarning');
  };
  const call = (name: keyof Reporter, args: readonly unknown[]): unknown => {
    if (isBroken && name !== 'close') return undefined;
    try {
      const method = reporter[name] as ((...a: readonly unknown[]) => unknown) | undefined;
      const result = method?.apply(reporter, args as unknown[]);
      // An async method fits the type `() => void` too; its rejection would end the process.
      return result instanceof Promise ? result.catch(switchOff) : result;
    } catch (error) {
      switchOff(error);
      return undefined;
    }
  };
  return {
    taskStarted: (...args) => void call('taskStarted', args),
    taskExpects: (...args) => void call('taskExpects', args),
    taskProgress: (...args) => void call('taskProgress', args),
    taskEnded: (...args) => void call('taskEnded', args),
    warn: (...args) => void call('warn', args),
    notice: (...args) => void call('notice', args),
    close: async () => {
      await call('close', []);
    },
  };
}
