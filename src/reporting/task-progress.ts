/** What a reporter knows of each task: a pure model, fed by events and a clock. */
import type { ReportedTask, TaskProgress } from '../core/reporter.ts';
import { mergeStatistics, type Statistics } from '../core/statistics.ts';
import type { TaskReturn } from '../core/task-return.ts';

/** The rate shown is that of the last seconds, not of the whole load: it must show a stall. */
const RATE_WINDOW_MS = 5_000;

export type TaskState = 'waiting' | 'running' | 'done' | 'failed';

export class TaskProgressState {
  readonly task: ReportedTask;
  readonly children: TaskProgressState[] = [];
  state: TaskState = 'waiting';
  startedMs = 0;
  endedMs = 0;
  rows = 0;
  batches = 0;
  rejectedRows = 0;
  expectedRows: number | undefined;
  statistics: Statistics = {};
  error: Error | undefined;
  /** Rows at points of time within the window, oldest first. */
  #samples: { readonly ms: number; readonly rows: number }[] = [];

  constructor(task: ReportedTask) {
    this.task = task;
  }

  get retries(): number {
    return this.statistics.retries ?? 0;
  }

  start(nowMs: number): void {
    this.state = 'running';
    this.startedMs = nowMs;
    this.#samples = [{ ms: nowMs, rows: 0 }];
  }

  add({ rows = 0, batches = 0, rejectedRows = 0, statistics }: TaskProgress, nowMs: number): void {
    this.rows += rows;
    this.batches += batches;
    this.rejectedRows += rejectedRows;
    if (statistics) this.statistics = mergeStatistics(this.statistics, statistics);
    if (rows > 0) this.#samples.push({ ms: nowMs, rows: this.rows });
    while (this.#samples.length > 2 && this.#samples[1]!.ms < nowMs - RATE_WINDOW_MS) this.#samples.shift();
  }

  end({ success, summary, error }: TaskReturn, nowMs: number): void {
    this.state = success ? 'done' : 'failed';
    this.endedMs = nowMs;
    this.statistics = summary;
    this.error = error;
  }

  elapsedMs(nowMs: number): number {
    return (this.state === 'running' ? nowMs : this.endedMs) - this.startedMs;
  }

  /** Rows a second: of the last seconds while it runs, of all when it has ended. */
  rate(nowMs: number): number {
    if (this.state !== 'running') return (this.rows / Math.max(1, this.elapsedMs(nowMs))) * 1000;
    const oldest = this.#samples[0]!;
    return ((this.rows - oldest.rows) / Math.max(1, nowMs - oldest.ms)) * 1000;
  }

  /** Time to go, or undefined where it cannot be known yet; a row set aside is a row dealt with. */
  etaMs(nowMs: number): number | undefined {
    const rate = this.rate(nowMs);
    if (this.expectedRows === undefined || rate <= 0) return undefined;
    return (Math.max(0, this.expectedRows - this.rows - this.rejectedRows) / rate) * 1000;
  }
}

/** All tasks of a run as a tree. */
export class TaskTree {
  readonly roots: TaskProgressState[] = [];
  readonly #states = new Map<string, TaskProgressState>();

  get isRunning(): boolean {
    return this.roots.some(({ state }) => state === 'running');
  }

  get(task: ReportedTask): TaskProgressState {
    const known = this.#states.get(task.uuid);
    if (known) return known;
    const state = new TaskProgressState(task);
    this.#states.set(task.uuid, state);
    const siblings = task.parent ? this.get(task.parent).children : this.roots;
    siblings.push(state);
    // What a group will run is shown before it runs.
    for (const child of task.tasks ?? []) this.#announce(child, state);
    return state;
  }

  #announce(task: ReportedTask, parent: TaskProgressState): void {
    if (this.#states.has(task.uuid)) return;
    const state = new TaskProgressState(task);
    this.#states.set(task.uuid, state);
    parent.children.push(state);
    for (const child of task.tasks ?? []) this.#announce(child, state);
  }
}
