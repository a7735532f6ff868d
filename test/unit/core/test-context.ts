import type { TaskContext } from '../../../src/core/context.ts';
import type { Reporter, TaskExpectation, TaskProgress } from '../../../src/core/reporter.ts';
import { Task } from '../../../src/core/task.ts';
import { TaskReturn } from '../../../src/core/task-return.ts';

export type ReporterEvent =
  | { readonly type: 'started'; readonly task: string; readonly depth: number }
  | { readonly type: 'expects'; readonly task: string; readonly rows: number }
  | { readonly type: 'progress'; readonly task: string; readonly progress: TaskProgress }
  | { readonly type: 'ended'; readonly task: string; readonly result: TaskReturn };

/** Keeps what it is told, in order. */
export class RecordingReporter implements Reporter {
  readonly events: ReporterEvent[] = [];

  taskStarted(task: Task): void {
    this.events.push({ type: 'started', task: task.name, depth: task.depth });
  }
  taskExpects(task: Task, { rows }: TaskExpectation): void {
    this.events.push({ type: 'expects', task: task.name, rows });
  }
  taskProgress(task: Task, progress: TaskProgress): void {
    this.events.push({ type: 'progress', task: task.name, progress });
  }
  taskEnded(task: Task, result: TaskReturn): void {
    this.events.push({ type: 'ended', task: task.name, result });
  }
  warn(): void {}

  /** Shows events as `started load`, without what they carry. */
  get log(): readonly string[] {
    return this.events.map(({ type, task }) => `${type} ${task}`);
  }
  get progress(): readonly TaskProgress[] {
    return this.events.flatMap((event) => (event.type === 'progress' ? [event.progress] : []));
  }
}

export interface TestContext extends TaskContext {
  readonly reporter: RecordingReporter;
  readonly abort: AbortController;
}

export function testContext(): TestContext {
  const abort = new AbortController();
  return { env: {}, reporter: new RecordingReporter(), signal: abort.signal, abort };
}

type Work = (task: FunctionTask) => TaskReturn | undefined | Promise<TaskReturn | undefined>;

/** Is a task whose work is a function; giving nothing is success. */
export class FunctionTask extends Task {
  readonly #work: Work;

  constructor(context: TaskContext, name: string, work: Work = () => undefined) {
    super(context, name);
    this.#work = work;
  }

  override async runInternal(): Promise<TaskReturn> {
    return (await this.#work(this)) ?? new TaskReturn();
  }
}

/** Rejects with the signal's reason once it is aborted. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
