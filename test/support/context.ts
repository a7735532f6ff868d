import { afterEach } from 'vitest';
import { ETLContext } from '../../src/context/etl-context.ts';
import type { ReportedTask, Reporter, TaskProgress } from '../../src/core/reporter.ts';

/** Keeps what it is told, for assertions. */
export class RecordingReporter implements Reporter {
  readonly started: string[] = [];
  readonly ended: { readonly name: string; readonly success: boolean }[] = [];
  readonly progress: TaskProgress[] = [];
  readonly expected: number[] = [];
  readonly warnings: string[] = [];
  taskStarted(task: ReportedTask): void {
    this.started.push(task.name);
  }
  taskExpects(_task: ReportedTask, { rows }: { readonly rows: number }): void {
    this.expected.push(rows);
  }
  taskProgress(_task: ReportedTask, progress: TaskProgress): void {
    this.progress.push(progress);
  }
  taskEnded(task: ReportedTask, { success }: { readonly success: boolean }): void {
    this.ended.push({ name: task.name, success });
  }
  warn(message: string): void {
    this.warnings.push(message);
  }
}

/** Gives a context on the run's server; it is closed after each test. */
export function useServer(): {
  readonly context: () => ETLContext;
  readonly reporter: () => RecordingReporter;
} {
  let context: ETLContext | undefined;
  let reporter = new RecordingReporter();
  afterEach(async () => {
    await context?.close();
    context = undefined;
    reporter = new RecordingReporter();
  });
  return {
    context: () => {
      context ??= new ETLContext({ reporter });
      return context;
    },
    reporter: () => reporter,
  };
}

let labels = 0;

/** Gives a label that no other test uses. */
export function uniqueLabel(prefix: string): string {
  return `${prefix}_${process.pid}_${Date.now().toString(36)}_${labels++}`;
}
