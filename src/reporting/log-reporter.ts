import type { Logger } from 'pino';
import { loadPackage } from '../core/load-package.ts';
import type { ReportedTask, Reporter, TaskExpectation, TaskProgress } from '../core/reporter.ts';
import type { TaskReturn } from '../core/task-return.ts';
import { formatCount } from '../core/text.ts';
import { formatDuration } from './format.ts';
import { TaskProgressState } from './task-progress.ts';
import type { ReportStream } from './terminal-reporter.ts';

/** What a {@link LogReporter} can be told. */
export interface LogReporterOptions {
  /** Logger to write to. Default: one of its own. */
  readonly logger?: Logger;
  /** Where a logger of its own writes: readable on a terminal, JSON lines elsewhere. Default: the error stream. */
  readonly stream?: ReportStream;
  /** Default: 'info'; 'debug' adds the stacks of errors. */
  readonly level?: string;
  /** Time between two progress entries of one task, in ms. Default: 5,000. */
  readonly progressIntervalMs?: number;
}

const DEFAULT_PROGRESS_INTERVAL_MS = 5_000;

/** Logs when a task starts, how far it is, and how it ended with its statistics that are not zero. */
export class LogReporter implements Reporter {
  readonly #logger: Logger;
  readonly #progressIntervalMs: number;
  readonly #states = new Map<string, TaskProgressState>();
  readonly #loggedAt = new Map<string, number>();

  constructor({
    logger,
    stream = process.stderr,
    level = 'info',
    progressIntervalMs,
  }: LogReporterOptions = {}) {
    this.#logger = logger ?? createLogger(stream, level);
    this.#progressIntervalMs = progressIntervalMs ?? DEFAULT_PROGRESS_INTERVAL_MS;
  }

  taskStarted(task: ReportedTask): void {
    const state = new TaskProgressState(task);
    state.start(Date.now());
    this.#states.set(task.uuid, state);
    this.#logger.info(fieldsOf(task), `${indent(task)}${task.name} started`);
  }

  taskExpects(task: ReportedTask, { rows }: TaskExpectation): void {
    const state = this.#states.get(task.uuid);
    if (state) state.expectedRows = rows;
  }

  taskProgress(task: ReportedTask, progress: TaskProgress): void {
    const now = Date.now();
    const state = this.#states.get(task.uuid);
    if (!state) return;
    state.add(progress, now);
    if (now - (this.#loggedAt.get(task.uuid) ?? state.startedMs) < this.#progressIntervalMs) return;
    this.#loggedAt.set(task.uuid, now);
    const { rows, batches, rejectedRows, retries, expectedRows } = state;
    const rowsPerSecond = Math.round(state.rate(now));
    this.#logger.info(
      { ...fieldsOf(task), rows, expectedRows, rowsPerSecond, batches, retries, rejectedRows },
      `${indent(task)}${task.name}: ${formatCount(rows)}${expectedRows ? ` of ${formatCount(expectedRows)}` : ''} rows`,
    );
  }

  taskEnded(task: ReportedTask, { success, summary, error }: TaskReturn): void {
    const now = Date.now();
    const durationMs = now - (this.#states.get(task.uuid)?.startedMs ?? now);
    this.#states.delete(task.uuid);
    this.#loggedAt.delete(task.uuid);
    const counts = Object.fromEntries(Object.entries(summary).filter(([, count]) => count !== 0));
    const fields = { ...fieldsOf(task), durationMs, summary: counts };
    const time = formatDuration(durationMs);
    if (success) {
      this.#logger.info(fields, `${indent(task)}${task.name} done in ${time}`);
      return;
    }
    const stack = this.#logger.isLevelEnabled('debug') ? { stack: error?.stack } : {};
    const failure = {
      message: error?.message,
      code: (error as { code?: unknown } | undefined)?.code,
      ...stack,
    };
    this.#logger.error({ ...fields, error: failure }, `${indent(task)}${task.name} failed in ${time}`);
  }

  warn(message: string): void {
    this.#logger.warn(message);
  }

  notice(message: string): void {
    this.#logger.info(message);
  }
}

/** What logs is loaded when somebody wants a log. */
function createLogger(stream: ReportStream, level: string): Logger {
  const { pino } = loadPackage('pino') as typeof import('pino');
  if (!stream.isTTY) return pino({ level, base: null }, stream);
  // Written at once, so that the last entries are there when the process ends.
  const pretty = loadPackage('pino-pretty') as typeof import('pino-pretty');
  const readable = pretty({
    sync: true,
    ignore: 'taskUuid,parentUuid,depth,task',
    destination: stream as never,
  });
  return pino({ level, base: null }, readable);
}

function fieldsOf({ name, uuid, depth, parent }: ReportedTask): object {
  return { task: name, taskUuid: uuid, depth, ...(parent && { parentUuid: parent.uuid }) };
}

function indent({ depth }: ReportedTask): string {
  return '  '.repeat(depth);
}
