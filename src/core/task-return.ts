import { mergeStatistics, type Statistics } from './statistics.ts';

export interface TaskReturnFields {
  /** Default: true. */
  readonly success?: boolean;
  /** Default: none. */
  readonly summary?: Statistics;
  /** Why the task failed. */
  readonly error?: Error | undefined;
}

/** Is what a task leaves: whether it succeeded, its statistics and, when it failed, why. */
export class TaskReturn {
  readonly success: boolean;
  readonly summary: Statistics;
  readonly error: Error | undefined;

  constructor({ success = true, summary = {}, error }: TaskReturnFields = {}) {
    this.success = success;
    this.summary = Object.freeze({ ...summary });
    this.error = error;
  }

  /** Merges two: success only when both succeeded, statistics added, the first error kept. */
  merge(other: TaskReturn): TaskReturn {
    return new TaskReturn({
      success: this.success && other.success,
      summary: mergeStatistics(this.summary, other.summary),
      error: this.error ?? other.error,
    });
  }
}
