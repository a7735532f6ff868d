import { setTimeout as sleep } from 'node:timers/promises';
import { GraphweftError } from '../core/errors.ts';
import { givenOptions, integerOption, optionError, stringOption } from '../core/options.ts';
import type { ReportedTask, Reporter, TaskExpectation, TaskProgress } from '../core/reporter.ts';
import type { TaskReturn } from '../core/task-return.ts';
import type { Neo4jConnection } from '../neo4j/connection.ts';
import { retryRuleFor } from '../neo4j/retry-rules.ts';
import { REPORTING_CONSTRAINT } from '../tasks/create-reporting-constraints-task.ts';
import { RunRecords, type TaskRecord } from './run-records.ts';

/** What a {@link Neo4jReporter} is told. */
export interface Neo4jReporterOptions {
  /** Server and credentials. */
  readonly neo4j: Neo4jConnection;
  /** Database of that server to keep runs in; Community has one, 'neo4j'. */
  readonly database: string;
  /** An abort marks what is open or running as aborted at once. Default: none. */
  readonly signal?: AbortSignal;
  /** Is told, once, when runs cannot be kept. Default: a warning of the process. */
  readonly warn?: (message: string) => void;
  /** Time between two writes, in ms; from 1. Default: 1,000. */
  readonly flushIntervalMs?: number;
  /**
   * Share of the time that writes may take, above 0 to 1: after one that took long the next waits longer, up to 10 s.
   * Default: 0.01.
   */
  readonly maxTimeShare?: number;
  /** How long `close()` waits for the last write, and the server for any, in ms; from 1. Default: 5,000. */
  readonly closeTimeoutMs?: number;
}

const DEFAULT_FLUSH_INTERVAL_MS = 1_000;
const DEFAULT_TIME_SHARE = 0.01;
const DEFAULT_CLOSE_TIMEOUT_MS = 5_000;
/** The last write is tried again this soon after a passing trouble. */
const CLOSE_RETRY_MS = 250;
/** A run at work gives a sign of life this often, also when nothing happens in it. */
const HEARTBEAT_MS = 10_000;
/** A run that has been silent this long has lost its process, as a Cypher duration: six signs of life. @internal */
export const LOST_AFTER = 'PT1M';

const KEEP_TASKS = `UNWIND $tasks AS task
MERGE (t:ETLTask {uuid: task.uuid})
SET t += task.properties
FOREACH (_ IN task.run | SET t:ETLRun, t.lastSeenTime = datetime())
FOREACH (uuid IN task.parent | MERGE (p:ETLTask {uuid: uuid}) MERGE (p)-[:HAS_SUB_TASK]->(t))
FOREACH (statistics IN task.statistics | MERGE (t)-[:HAS_STATS]->(s:ETLStats) SET s = statistics)`;

const ABORT_LOST_RUNS = `MATCH (r:ETLRun)
WHERE r.status IN ['open', 'running'] AND r.lastSeenTime < datetime() - duration($lostAfter)
MATCH (r)-[:HAS_SUB_TASK*0..]->(t:ETLTask) WHERE t.status IN ['open', 'running']
SET t.status = 'aborted',
    t.endTime = CASE WHEN t.startTime IS NULL THEN null ELSE r.lastSeenTime END,
    r.error = 'Its process ended without a word.'`;

/**
 * Keeps runs, tasks and their statistics in a database, as neo4j-etl-lib does:
 * `(:ETLRun:ETLTask)-[:HAS_SUB_TASK]->(:ETLTask)-[:HAS_STATS]->(:ETLStats)`.
 *
 * The load never waits for it: what is told is only noted, and written once a second in one statement, less often where
 * that would take more than a hundredth of the time. Where the
 * database does not take it, that is said once; after a passing trouble it goes on, else it is switched off.
 */
export class Neo4jReporter implements Reporter {
  readonly database: string;
  readonly #neo4j: Neo4jConnection;
  readonly #signal: AbortSignal | undefined;
  readonly #tell: (message: string) => void;
  readonly #flushIntervalMs: number;
  readonly #closeTimeoutMs: number;
  readonly #maxTimeShare: number;
  readonly #records = new RunRecords();
  readonly #abort = (): void => {
    this.#records.abort();
    this.#schedule(0);
  };
  #timer: NodeJS.Timeout | undefined;
  #dueMs = 0;
  #flushedMs = 0;
  /** Least time to the next write. */
  #pauseMs: number;
  #flushing: Promise<void> | undefined;
  #isPrepared = false;
  #hasWarned = false;
  #isOff = false;

  constructor(options: Neo4jReporterOptions) {
    const { neo4j, database, signal, warn, flushIntervalMs, maxTimeShare, closeTimeoutMs } = givenOptions(
      'Neo4jReporter',
      options,
    );
    this.#neo4j = neo4j;
    this.database = stringOption('database', database);
    this.#signal = signal;
    this.#tell = warn ?? ((message) => process.emitWarning(message, 'GraphweftWarning'));
    this.#flushIntervalMs = integerOption('flushIntervalMs', flushIntervalMs ?? DEFAULT_FLUSH_INTERVAL_MS, {
      min: 1,
    });
    this.#pauseMs = this.#flushIntervalMs;
    if (!(maxTimeShare === undefined || (maxTimeShare > 0 && maxTimeShare <= 1)))
      throw optionError('maxTimeShare', 'a number above 0 and up to 1', maxTimeShare);
    this.#maxTimeShare = maxTimeShare ?? DEFAULT_TIME_SHARE;
    this.#closeTimeoutMs = integerOption('closeTimeoutMs', closeTimeoutMs ?? DEFAULT_CLOSE_TIMEOUT_MS, {
      min: 1,
    });
  }

  taskStarted(task: ReportedTask): void {
    if (this.#isOff) return;
    this.#records.start(task, new Date());
    this.#signal?.addEventListener('abort', this.#abort); // the same listener is added only once
    this.#schedule();
  }

  taskExpects(task: ReportedTask, expected: TaskExpectation): void {
    if (this.#isOff) return;
    this.#records.expect(task, expected);
    this.#schedule();
  }

  taskProgress(task: ReportedTask, progress: TaskProgress): void {
    if (this.#isOff) return;
    this.#records.add(task, progress);
    this.#schedule();
  }

  taskEnded(task: ReportedTask, result: TaskReturn): void {
    if (this.#isOff) return;
    this.#records.end(task, result, new Date());
    this.#schedule();
  }

  warn(): void {}

  /** Writes what is not written yet, within `closeTimeoutMs`; tasks that still run are marked aborted. */
  async close(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#records.abort();
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.#fail(new Error(`no answer within ${this.#closeTimeoutMs} ms`));
        resolve();
      }, this.#closeTimeoutMs);
    });
    await Promise.race([this.#drain(), timeout]);
    clearTimeout(timer);
    this.#stopTimer();
  }

  /** Sees to it that a write is made: in `delayMs`, or else as soon as the last one is an interval ago. */
  #schedule(delayMs = Math.max(0, this.#flushedMs + this.#pauseMs - Date.now())): void {
    if (this.#isOff || this.#flushing) return; // what is told during a write is looked at after it
    const dueMs = Date.now() + delayMs;
    if (this.#timer && this.#dueMs <= dueMs) return;
    clearTimeout(this.#timer);
    this.#dueMs = dueMs;
    this.#timer = setTimeout(() => void this.#flush(), delayMs);
    this.#timer.unref(); // watching a load must not keep the process alive
  }

  #flush(): Promise<void> {
    this.#stopTimer();
    const begunMs = Date.now();
    this.#flushing = this.#write(this.#records.take()).finally(() => {
      this.#flushing = undefined;
      this.#flushedMs = Date.now();
      const rest = Math.min(HEARTBEAT_MS, (this.#flushedMs - begunMs) / this.#maxTimeShare);
      this.#pauseMs = Math.max(this.#flushIntervalMs, rest);
      if (this.#records.isChanged) this.#schedule();
      else if (this.#records.isRunning) this.#schedule(HEARTBEAT_MS);
    });
    return this.#flushing;
  }

  /** Never throws. */
  async #write(records: readonly TaskRecord[]): Promise<void> {
    if (records.length === 0) return;
    try {
      await this.#prepare();
      await this.#query(KEEP_TASKS, { tasks: records.map((record) => record.toRow()) });
    } catch (error) {
      this.#records.giveBack(records);
      this.#fail(error);
    }
  }

  async #prepare(): Promise<void> {
    if (this.#isPrepared) return;
    // A user without the right to make constraints can report without one; a database that is away says so below.
    await this.#query(REPORTING_CONSTRAINT).catch(() => undefined);
    await this.#query(ABORT_LOST_RUNS, { lostAfter: LOST_AFTER });
    this.#isPrepared = true;
  }

  async #query(cypher: string, parameters: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const { database } = this;
    await this.#neo4j.query(cypher, parameters, { database, timeoutMs: this.#closeTimeoutMs });
  }

  async #drain(): Promise<void> {
    await this.#flushing;
    while (!this.#isOff && this.#records.isChanged) {
      await this.#flush();
      if (!this.#isPrepared) return; // it was never there, so this is more than a passing trouble
      if (this.#records.isChanged) await sleep(CLOSE_RETRY_MS);
    }
  }

  #fail(error: unknown): void {
    this.#isOff ||= !isPassing(error);
    if (this.#isOff) this.#stopTimer();
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const { message, code } = error as Error & { readonly code?: string };
    const when = this.#isOff ? '' : ' at the moment';
    const where = `database "${this.database}"`;
    this.#tell(`The run is not kept in ${where}${when}: ${message}${code ? ` (${code})` : ''}`);
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** Whether the same write may succeed later: what a load tries again, and a server that was too slow once. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof GraphweftError)) return false;
  return error.code === 'GW_NEO4J_TIMEOUT' || retryRuleFor(error.cause) !== undefined;
}
