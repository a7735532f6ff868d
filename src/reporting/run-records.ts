/**
 * What the graph of runs is to hold, from what tasks tell: a pure model without clock or database.
 *
 * | status | means |
 * |---|---|
 * | open | its group has not come to it yet |
 * | running | started, not ended |
 * | success, failure | ended |
 * | aborted | ended by an interrupt, or never begun because its group ended before |
 *
 * Below a task that has ended, no task is open or running.
 */
import { randomUUID } from 'node:crypto';
import { isAbort } from '../core/errors.ts';
import type { ReportedTask, TaskExpectation, TaskProgress } from '../core/reporter.ts';
import type { Statistics } from '../core/statistics.ts';
import type { TaskReturn } from '../core/task-return.ts';

export type TaskStatus = 'open' | 'running' | 'success' | 'failure' | 'aborted';

/** One task as a row of the statement that keeps it. Lists of none or one are Cypher's way to say "if". */
export interface TaskRow {
  readonly uuid: string;
  readonly properties: Readonly<Record<string, unknown>>;
  /** Only of the root of a run. */
  readonly run: readonly true[];
  /** None of a root. */
  readonly parent: readonly string[];
  readonly statistics: readonly Statistics[];
}

/** Keeps what was told of one task. */
export class TaskRecord {
  readonly uuid: string;
  readonly task: ReportedTask;
  readonly parent: TaskRecord | undefined;
  readonly children: TaskRecord[] = [];
  /** Place in the run, the root's being 0. */
  readonly order: number;
  status: TaskStatus = 'open';
  #startedAt: Date | null = null;
  #endedAt: Date | null = null;
  #expected: Partial<TaskExpectation> = {};
  #batches: number | null = null;
  #rows: number | null = null;
  #rejectedRows: number | null = null;
  #statistics: Statistics | undefined;
  #error: string | null = null;

  constructor(uuid: string, task: ReportedTask, parent: TaskRecord | undefined, order: number) {
    this.uuid = uuid;
    this.task = task;
    this.parent = parent;
    this.order = order;
    parent?.children.push(this);
  }

  start(now: Date): void {
    this.status = 'running';
    this.#startedAt = this.task.startedAt ?? now;
    this.#endedAt = null;
    this.#error = null;
    this.#expected = {};
    this.#batches = null;
    this.#rows = null;
    this.#rejectedRows = null;
    this.#statistics = undefined;
  }

  expect(expected: TaskExpectation): void {
    this.#expected = expected;
    this.#rows ??= 0;
  }

  add({ batches, rows, rejectedRows }: TaskProgress): void {
    if (batches !== undefined) this.#batches = (this.#batches ?? 0) + batches;
    if (rows !== undefined) this.#rows = (this.#rows ?? 0) + rows;
    if (rejectedRows !== undefined) this.#rejectedRows = (this.#rejectedRows ?? 0) + rejectedRows;
  }

  end({ success, summary, error }: TaskReturn, now: Date): void {
    this.status = success ? 'success' : isAbort(error) ? 'aborted' : 'failure';
    this.#endedAt = this.task.endedAt ?? now;
    this.#statistics = summary;
    const code = (error as { code?: unknown } | undefined)?.code;
    if (!success) this.#error = `${error?.message ?? 'no reason given'}${code ? ` (${code})` : ''}`;
  }

  toRow(): TaskRow {
    const { task, uuid, parent, status, order } = this;
    // Until it ends, a task's summary is what it has reported so far; of one not begun it may be an earlier run's.
    const soFar = this.#startedAt && Object.keys(task.summary).length > 0 ? task.summary : undefined;
    const statistics = this.#statistics ?? soFar;
    return {
      uuid,
      properties: {
        task: describeTask(task),
        name: task.name,
        type: task.tasks ? 'TaskGroup' : 'Task',
        order,
        status,
        startTime: this.#startedAt,
        endTime: this.#endedAt,
        batches: this.#batches,
        expected_batches: this.#expected.batches ?? null,
        rows: this.#rows,
        expected_rows: this.#expected.rows ?? null,
        rejected_rows: this.#rejectedRows,
        error: this.#error,
      },
      run: parent ? [] : [true],
      parent: parent ? [parent.uuid] : [],
      statistics: statistics ? [statistics] : [],
    };
  }
}

/** All records of the runs at work, and which of them the database does not have as they are. */
export class RunRecords {
  readonly #byTask = new Map<string, TaskRecord>();
  readonly #runs = new Map<TaskRecord, { order: number }>();
  #changed = new Set<TaskRecord>();
  /** A task may be executed again; that is another run, which needs ids of its own. */
  readonly #seen = new WeakSet<ReportedTask>();

  get isRunning(): boolean {
    return this.#runs.size > 0;
  }
  get isChanged(): boolean {
    return this.#changed.size > 0;
  }

  start(task: ReportedTask, now: Date): void {
    const record = this.#recordOf(task);
    record.start(now);
    this.#changed.add(record);
  }

  expect(task: ReportedTask, expected: TaskExpectation): void {
    this.#change(task, (record) => record.expect(expected));
  }

  add(task: ReportedTask, progress: TaskProgress): void {
    this.#change(task, (record) => record.add(progress));
  }

  end(task: ReportedTask, result: TaskReturn, now: Date): void {
    this.#change(task, (record) => {
      record.end(result, now);
      for (const child of record.children) this.#abort(child);
      if (record.parent) return;
      this.#runs.delete(record);
      this.#complete(record);
    });
  }

  /** Marks what is open or running as aborted; tasks that end in spite of it still say how. */
  abort(): void {
    for (const run of this.#runs.keys()) this.#abort(run);
  }

  /** Gives what has changed since it was last asked, and the roots of all runs at work as their sign of life. */
  take(): readonly TaskRecord[] {
    const taken = new Set([...this.#changed, ...this.#runs.keys()]);
    this.#changed = new Set();
    return [...taken];
  }

  /** Takes back what could not be kept. */
  giveBack(records: readonly TaskRecord[]): void {
    for (const record of records) this.#changed.add(record);
  }

  #change(task: ReportedTask, change: (record: TaskRecord) => void): void {
    const record = this.#byTask.get(task.uuid);
    if (!record) return; // its run has ended
    change(record);
    this.#changed.add(record);
  }

  #abort(record: TaskRecord): void {
    if (record.status === 'open' || record.status === 'running') {
      record.status = 'aborted';
      this.#changed.add(record);
    }
    for (const child of record.children) this.#abort(child);
  }

  /** Lets go of a run, and has all of it written once more: a load may have wiped the database it is kept in. */
  #complete(record: TaskRecord): void {
    this.#byTask.delete(record.task.uuid);
    this.#changed.add(record);
    for (const child of record.children) this.#complete(child);
  }

  #recordOf(task: ReportedTask): TaskRecord {
    return this.#byTask.get(task.uuid) ?? this.#register(task, task.parent && this.#recordOf(task.parent));
  }

  /** Registers a task and, since it is known before it runs, all that is below it. */
  #register(task: ReportedTask, parent: TaskRecord | undefined): TaskRecord {
    const known = this.#byTask.get(task.uuid);
    if (known) return known; // a task that stands in its group twice
    let root = parent;
    while (root?.parent) root = root.parent;
    const run = root ? this.#runs.get(root) : undefined;
    const uuid = this.#seen.has(task) ? randomUUID() : task.uuid;
    const record = new TaskRecord(uuid, task, parent, run ? ++run.order : 0);
    this.#seen.add(task);
    this.#byTask.set(task.uuid, record);
    this.#changed.add(record);
    if (!parent) this.#runs.set(record, { order: 0 });
    for (const child of task.tasks ?? []) this.#register(child, record);
    return record;
  }
}

/** Class and name, as neo4j-etl-lib has them: `ParallelCSVLoad2Neo4jTask(trips)`. */
function describeTask(task: ReportedTask): string {
  const { name } = task;
  const className = task.constructor.name;
  return className === name || className === 'Object' || className === '' ? name : `${className}(${name})`;
}
