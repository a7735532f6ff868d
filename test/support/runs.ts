import { onTestFinished } from 'vitest';
import { ETLContext } from '../../src/context/etl-context.ts';
import type { Environment, TaskContext } from '../../src/core/context.ts';
import type { TaskProgress } from '../../src/core/reporter.ts';
import { Task } from '../../src/core/task.ts';
import { TaskReturn } from '../../src/core/task-return.ts';
import type { QueryResult } from '../../src/neo4j/connection.ts';
import { RecordingReporter } from './context.ts';

/** The database that runs are kept in by the tests; Community has one. */
export const REPORTER_DATABASE = 'neo4j';

/** Does what it is given, and hands out how to report. */
export class StepTask extends Task {
  readonly #step: (report: (progress: TaskProgress) => void, signal: AbortSignal) => Promise<void>;
  constructor(
    context: TaskContext,
    name: string,
    step: (report: (progress: TaskProgress) => void, signal: AbortSignal) => Promise<void> = async () => {},
  ) {
    super(context, name);
    this.#step = step;
  }
  override async runInternal(): Promise<TaskReturn> {
    await this.#step((progress) => this.reportProgress(progress), this.signal);
    return new TaskReturn({ summary: this.summary });
  }
}

/** Gives a context that keeps its runs, with the reporter beside; closed when the test ends. */
export function keepingContext({
  env = {},
  signal,
}: {
  readonly env?: Environment;
  readonly signal?: AbortSignal;
} = {}): {
  readonly context: ETLContext;
  readonly reporter: RecordingReporter;
} {
  const reporter = new RecordingReporter();
  const context = new ETLContext({
    env: { ...process.env, REPORTER_DATABASE, ...env },
    reporter,
    ...(signal && { signal }),
  });
  onTestFinished(() => context.close());
  return { context, reporter };
}

/** Asks the database of the tests. */
export async function ask(
  cypher: string,
  parameters: Readonly<Record<string, unknown>> = {},
): Promise<QueryResult['rows']> {
  await using context = new ETLContext({ reporter: new RecordingReporter() });
  return (await context.neo4j.query(cypher, parameters)).rows;
}

/** Gives the tasks of a run in order. */
export function tasksOf(run: Task): Promise<QueryResult['rows']> {
  return ask(
    `MATCH (:ETLRun {uuid: $uuid})-[:HAS_SUB_TASK*0..]->(t:ETLTask)
     RETURN t.name AS name, t.status AS status, t.batches AS batches, t.rows AS rows, t.error AS error ORDER BY t.order`,
    { uuid: run.uuid },
  );
}
