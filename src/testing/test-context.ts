import type { Environment, TaskContext } from '../core/context.ts';
import { RecordingReporter } from './recording-reporter.ts';

/** A context without files, database or terminal. */
export interface TestContext extends TaskContext {
  readonly reporter: RecordingReporter;
  /** Aborts its tasks. */
  readonly abort: AbortController;
}

/** Makes a context in memory. @param env Default: no variables, whatever the process has. */
export function testContext(env: Environment = {}): TestContext {
  const abort = new AbortController();
  return { env, reporter: new RecordingReporter(), abort, signal: abort.signal };
}
