import type { ReportedTask, Reporter, TaskExpectation, TaskProgress } from '../core/reporter.ts';
import type { Statistics } from '../core/statistics.ts';
import type { TaskReturn } from '../core/task-return.ts';

/** Keeps what it is told, for assertions. */
export class RecordingReporter implements Reporter {
  /** Names of tasks, as they began. */
  readonly started: string[] = [];
  /** How each task ended. */
  readonly ended: { readonly name: string; readonly success: boolean; readonly summary: Statistics }[] = [];
  readonly progress: TaskProgress[] = [];
  /** Rows that tasks said they would have. */
  readonly expected: number[] = [];
  readonly warnings: string[] = [];
  readonly notices: string[] = [];

  taskStarted({ name }: ReportedTask): void {
    this.started.push(name);
  }
  taskExpects(_task: ReportedTask, { rows }: TaskExpectation): void {
    if (rows !== undefined) this.expected.push(rows);
  }
  taskProgress(_task: ReportedTask, progress: TaskProgress): void {
    this.progress.push(progress);
  }
  taskEnded({ name }: ReportedTask, { success, summary }: TaskReturn): void {
    this.ended.push({ name, success, summary });
  }
  warn(message: string): void {
    this.warnings.push(message);
  }
  notice(message: string): void {
    this.notices.push(message);
  }
}
