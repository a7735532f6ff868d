import type { createLogUpdate } from 'log-update';
import type { Environment } from '../core/context.ts';
import type { ReportedTask, Reporter, TaskExpectation, TaskProgress } from '../core/reporter.ts';
import type { TaskReturn } from '../core/task-return.ts';
import { formatCount } from '../core/text.ts';
import { formatDuration, formatRate } from './format.ts';
import { hasColour } from './palette.ts';
import { keyCounts, renderFrame, warningCounts } from './render-frame.ts';
import { type TaskProgressState, TaskTree } from './task-progress.ts';

/** What a reporter writes to. */
export interface ReportStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** What a {@link TerminalReporter} can be told. */
export interface TerminalReporterOptions {
  /** Default: the error stream, since the output stream is for results. */
  readonly stream?: ReportStream;
  /** Default: the process's environment. NO_COLOR, FORCE_COLOR, TERM=dumb and CI are honoured. */
  readonly env?: Environment;
  /** Whether to draw a live tree; otherwise plain lines. Default: on a terminal that can. */
  readonly live?: boolean;
  /** Time between two plain lines of one task, in ms. Default: 10,000. */
  readonly plainIntervalMs?: number;
}

const FRAME_MS = 100;
const DEFAULT_PLAIN_INTERVAL_MS = 10_000;
const DEFAULT_COLUMNS = 80;

/** Reporters that draw at the moment. */
const DRAWING = new Set<TerminalReporter>();

/**
 * Shows the task tree with a bar for each running task: rows, rows/s, time to go, batches, retries, rejected rows.
 * Where the stream is no terminal, it prints plain lines: one when a task starts, one every ten seconds, one at its end.
 */
export class TerminalReporter implements Reporter {
  readonly #stream: ReportStream;
  readonly #live: boolean;
  readonly #colour: boolean;
  readonly #plainIntervalMs: number;
  /** Draws over what it drew before; loaded when there is something to draw, because that takes 40 ms of CPU. */
  #update: ReturnType<typeof createLogUpdate> | undefined;
  readonly #plainAt = new Map<string, number>();
  #tree = new TaskTree();
  #timer: NodeJS.Timeout | undefined;

  constructor({
    stream = process.stderr,
    env = process.env,
    live,
    plainIntervalMs,
  }: TerminalReporterOptions = {}) {
    this.#stream = stream;
    const isTerminal = stream.isTTY === true && env.TERM !== 'dumb';
    this.#live = live ?? (isTerminal && !env.CI);
    this.#colour = hasColour(env, isTerminal);
    this.#plainIntervalMs = plainIntervalMs ?? DEFAULT_PLAIN_INTERVAL_MS;
  }

  taskStarted(task: ReportedTask): void {
    if (!this.#tree.isRunning && !task.parent && this.#tree.roots.length > 0) this.#finishFrame();
    this.#tree.get(task).start(Date.now());
    if (this.#live) this.#startDrawing();
    else this.#plain(task, 'started');
  }

  taskExpects(task: ReportedTask, { rows }: TaskExpectation): void {
    this.#tree.get(task).expectedRows = rows;
  }

  taskProgress(task: ReportedTask, progress: TaskProgress): void {
    const now = Date.now();
    const state = this.#tree.get(task);
    state.add(progress, now);
    if (this.#live || now - (this.#plainAt.get(task.uuid) ?? state.startedMs) < this.#plainIntervalMs) return;
    this.#plainAt.set(task.uuid, now);
    this.#plain(task, describeProgress(state, now));
  }

  taskEnded(task: ReportedTask, result: TaskReturn): void {
    const now = Date.now();
    const state = this.#tree.get(task);
    state.end(result, now);
    if (!this.#live) this.#plain(task, describeEnd(state, now));
    else if (!this.#tree.isRunning) this.#finishFrame();
  }

  warn(message: string): void {
    if (!this.#live) this.#stream.write(`warning: ${message}\n`);
    else this.#writeAbove(`${this.#colour ? '\u001b[33mwarning:\u001b[39m' : 'warning:'} ${message}`);
  }

  notice(message: string): void {
    if (!this.#live) this.#stream.write(`${message}\n`);
    else this.#writeAbove(message);
  }

  /**
   * Writes a line above the tree that is drawn on a stream; false where none is. A line that is written past the tree
   * is drawn over, and leaves a piece of the tree behind.
   */
  static writeAbove(stream: ReportStream, line: string): boolean {
    const drawing = [...DRAWING].find((reporter) => reporter.#stream === stream);
    if (!drawing) return false;
    drawing.#writeAbove(line);
    return true;
  }

  #writeAbove(line: string): void {
    this.#update?.clear();
    this.#stream.write(`${line}\n`);
    if (this.#tree.isRunning) this.#draw();
  }

  close(): void {
    if (this.#live) this.#finishFrame();
  }

  #startDrawing(): void {
    if (this.#timer) return;
    this.#timer = setInterval(() => this.#draw(), FRAME_MS);
    DRAWING.add(this);
    this.#timer.unref(); // watching a load must not keep the process alive
    if (this.#update) this.#draw();
    else void this.#loadUpdate();
  }

  async #loadUpdate(): Promise<void> {
    const { createLogUpdate } = await import('log-update');
    this.#update = createLogUpdate(this.#stream, { showCursor: false });
    if (this.#timer) this.#draw();
  }

  #draw(): void {
    this.#update?.(this.#frame());
  }

  #frame(): string {
    const width = this.#stream.columns ?? DEFAULT_COLUMNS;
    return renderFrame(this.#tree, { width, nowMs: Date.now(), colour: this.#colour }).join('\n');
  }

  /** Leaves the last frame where it is and begins a new tree. */
  #finishFrame(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    DRAWING.delete(this);
    if (this.#tree.roots.length > 0) {
      if (this.#update) this.#draw();
      else this.#stream.write(`${this.#frame()}\n`);
    }
    this.#update?.done();
    this.#tree = new TaskTree();
  }

  #plain(task: ReportedTask, what: string): void {
    this.#stream.write(`${'  '.repeat(task.depth)}${task.name}: ${what}\n`);
  }
}

function describeProgress(state: TaskProgressState, nowMs: number): string {
  const { rows, expectedRows, rejectedRows } = state;
  const done = rows + rejectedRows;
  const of = expectedRows ? ` of ${formatCount(expectedRows)}` : '';
  const percent = expectedRows ? ` (${Math.floor((done / expectedRows) * 100)}%)` : '';
  const eta = state.etaMs(nowMs);
  return [
    `${formatCount(rows)}${of} rows${percent}`,
    `${formatRate(state.rate(nowMs))} rows/s`,
    eta === undefined ? '' : `${formatDuration(eta)} left`,
    ...warningCounts(state),
  ]
    .filter((part) => part !== '')
    .join(', ');
}

function describeEnd(state: TaskProgressState, nowMs: number): string {
  const time = formatDuration(state.elapsedMs(nowMs));
  const counts =
    state.rows > 0 ? [`${formatCount(state.rows)} rows`, `${formatRate(state.rate(nowMs))} rows/s`] : [];
  const all = [...counts, ...keyCounts(state.statistics), ...warningCounts(state)].join(', ');
  const what = `in ${time}${all === '' ? '' : `: ${all}`}`;
  return state.state === 'failed'
    ? `failed ${what}: ${state.error?.message ?? 'no reason given'}`
    : `done ${what}`;
}
