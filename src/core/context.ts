import type { Reporter } from './reporter.ts';

/** Variables by name, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Is what tasks and batch processors need of their surroundings; `ETLContext` is the one for real loads. */
export interface TaskContext {
  readonly env: Environment;
  readonly reporter: Reporter;
  /** Aborts every task of this context. */
  readonly signal: AbortSignal;
  /** Is called before a task that no group runs, and awaited where it gives a promise. Default: nothing to prepare. */
  prepare?(): Promise<void> | undefined;
}
