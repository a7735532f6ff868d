import { mergeStatistics, type Statistics } from './statistics.ts';

/** Why a task failed: a {@link GraphweftError}, or what a task of your own threw. */
export interface TaskFailure extends Error {
  /** Of a {@link GraphweftError} an {@link ErrorCode}; any other error has what its maker gave it, or none. */
  readonly code?: unknown;
}

/** What a {@link TaskReturn} is made of. */
export interface TaskReturnFields {
  /** Default: true. */
  readonly success?: boolean;
  /** Default: none. */
  readonly summary?: Statistics;
  /** Why the task failed. */
  readonly error?: TaskFailure | undefined;
}

/** Is what a task leaves: whether it succeeded, its statistics and, when it failed, why. */
export class TaskReturn {
  readonly success: boolean;
  readonly summary: Statistics;
  readonly error: TaskFailure | undefined;

  constructor({ success = true, summary = {}, error }: TaskReturnFields = {}) {
    this.success = success;
    this.summary = Object.freeze({ ...summary });
    this.error = error;
  }

  /** Merges two: success only when both succeeded, statistics added, the first error kept. */
  merge(other: TaskReturn): TaskReturn {
    return merged(this, other);
  }
}

/** Apart, because a class that names itself within is called otherwise in the bundle. */
function merged(one: TaskReturn, other: TaskReturn): TaskReturn {
  return new TaskReturn({
    success: one.success && other.success,
    summary: mergeStatistics(one.summary, other.summary),
    error: one.error ?? other.error,
  });
}
