import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { ParallelTaskGroup } from '../../../src/core/parallel-task-group.ts';
import { SILENT_REPORTER } from '../../../src/core/reporter.ts';
import { TaskGroup } from '../../../src/core/task-group.ts';
import { Neo4jReporter } from '../../../src/reporting/neo4j-reporter.ts';
import { CreateReportingConstraintsTask } from '../../../src/tasks/create-reporting-constraints-task.ts';
import { CSVLoad2Neo4jTask } from '../../../src/tasks/csv-load-2-neo4j-task.ts';
import { ExecuteCypherTask } from '../../../src/tasks/execute-cypher-task.ts';
import { uniqueLabel } from '../../support/context.ts';
import { useFolder } from '../../support/files.ts';
import { ask, keepingContext, REPORTER_DATABASE, StepTask, tasksOf } from '../../support/runs.ts';

describe('a run with REPORTER_DATABASE', () => {
  it('is kept as neo4j-etl-lib keeps it, beside what is shown', async () => {
    const label = uniqueLabel('Kept');
    const { context, reporter } = keepingContext();
    const file = useFolder().write('rows.csv', `id\n${Array.from({ length: 25 }, (_, i) => i).join('\n')}\n`);
    const query = `UNWIND $batch AS row CREATE (:${label} {id: row.id})`;
    const rejectedFile = useFolder().path('rejected.jsonl');
    const load = new CSVLoad2Neo4jTask(context, { name: 'rows', file, query, batchSize: 10, rejectedFile });
    const count = new ExecuteCypherTask(context, { query: `MATCH (n:${label}) RETURN count(n)` });
    const group = new TaskGroup(context, [load, count], 'inner');
    const run = new TaskGroup(context, [group], 'outer');
    expect((await run.execute()).success).toBe(true);
    await context.close();
    expect(reporter.ended.map(({ name }) => name)).toEqual(['rows', 'ExecuteCypherTask', 'inner', 'outer']);
    expect(reporter.warnings).toEqual([]);
    const kept = await ask(
      `MATCH path = (r:ETLRun:ETLTask {uuid: $uuid})-[:HAS_SUB_TASK*0..]->(t:ETLTask)
       MATCH (t)-[:HAS_STATS]->(s:ETLStats)
       RETURN t {.uuid, .order, .task, .name, .type, .status, .batches, .expected_batches, .rows, .expected_rows} AS task,
         length(path) AS depth, t:ETLRun AS isRun, properties(s) AS statistics,
         t.startTime <= t.endTime AND t.endTime <= datetime() AS isTimed
       ORDER BY t.order`,
      { uuid: run.uuid },
    );
    const loaded = { nodes_created: 25, labels_added: 25, properties_set: 25, csv_lines_read: 25 };
    const nothing = { batches: null, expected_batches: null, rows: null, expected_rows: null };
    const ended = { status: 'success' };
    expect(kept).toEqual([
      {
        task: {
          ...ended,
          ...nothing,
          uuid: run.uuid,
          order: 0,
          task: 'TaskGroup(outer)',
          name: 'outer',
          type: 'TaskGroup',
        },
        depth: 0,
        isRun: true,
        isTimed: true,
        statistics: expect.objectContaining(loaded),
      },
      {
        task: {
          ...ended,
          ...nothing,
          uuid: group.uuid,
          order: 1,
          task: 'TaskGroup(inner)',
          name: 'inner',
          type: 'TaskGroup',
        },
        depth: 1,
        isRun: false,
        isTimed: true,
        statistics: expect.objectContaining(loaded),
      },
      {
        task: {
          ...ended,
          uuid: load.uuid,
          order: 2,
          task: 'CSVLoad2Neo4jTask(rows)',
          name: 'rows',
          type: 'Task',
          batches: 3,
          expected_batches: 3,
          rows: 25,
          expected_rows: 25,
        },
        depth: 2,
        isRun: false,
        isTimed: true,
        statistics: expect.objectContaining(loaded),
      },
      {
        task: {
          ...ended,
          ...nothing,
          uuid: count.uuid,
          order: 3,
          task: 'ExecuteCypherTask',
          name: 'ExecuteCypherTask',
          type: 'Task',
          batches: 1,
        },
        depth: 2,
        isRun: false,
        isTimed: true,
        statistics: {},
      },
    ]);
  });

  it('is there while it runs: what runs, what is open, and how far it is', async () => {
    const { context } = keepingContext();
    let seen: readonly unknown[] = [];
    const working = new StepTask(context, 'working', async (report) => {
      report({ rows: 10, batches: 1, statistics: { nodes_created: 10 } });
      report({ rows: 10, batches: 1, statistics: { nodes_created: 10 } });
      seen = await vi.waitFor(
        async () => {
          const tasks = await tasksOf(run);
          expect(tasks.length).toBe(3);
          expect(tasks[1]!.batches).toBe(2);
          return tasks;
        },
        { timeout: 20_000, interval: 100 },
      );
    });
    const run = new TaskGroup(context, [working, new StepTask(context, 'waiting')], 'live');
    await run.execute();
    expect(seen).toMatchObject([
      { name: 'live', status: 'running' },
      { name: 'working', status: 'running', batches: 2, rows: 20 },
      { name: 'waiting', status: 'open' },
    ]);
  });

  it('is written once an interval, all tasks in one statement, however much is told', async () => {
    const { context } = keepingContext({ env: { REPORTER_DATABASE: undefined } });
    const query = vi.spyOn(context.neo4j, 'query');
    const intervalMs = 300;
    const reporter = new Neo4jReporter({
      neo4j: context.neo4j,
      database: REPORTER_DATABASE,
      flushIntervalMs: intervalMs,
      maxTimeShare: 1,
    });
    const { env, signal, neo4j } = context;
    const told = { env, signal, neo4j, reporter };
    const startedMs = Date.now();
    const steps = ['a', 'b', 'c'].map(
      (name) =>
        new StepTask(told, name, async (report) => {
          for (let i = 0; i < 500; i++) {
            report({ rows: 1, batches: 1 });
            await sleep(2);
          }
        }),
    );
    const run = new ParallelTaskGroup(told, steps, 'much');
    await run.execute();
    await reporter.close();
    const writes = query.mock.calls.filter(([cypher]) => cypher.startsWith('UNWIND $tasks'));
    // One at once, one each interval, one at the end.
    expect(writes.length).toBeLessThanOrEqual(2 + Math.ceil((Date.now() - startedMs) / intervalMs));
    expect(writes.length).toBeGreaterThanOrEqual(3);
    expect((await tasksOf(run)).slice(1)).toEqual(
      ['a', 'b', 'c'].map((name) => ({ name, status: 'success', batches: 500, rows: 500, error: null })),
    );
  });

  it('says what failed, what was aborted for it, and that nothing of it is open', async () => {
    const { context } = keepingContext();
    const failing = new StepTask(context, 'failing', async (report) => {
      report({ rows: 5, batches: 1, statistics: { nodes_created: 5 } });
      await sleep(50);
      throw new Error('it broke');
    });
    const waiting = new StepTask(context, 'waiting', async (_report, signal) => {
      await sleep(60_000, undefined, { signal });
    });
    const both = new ParallelTaskGroup(context, [failing, waiting], 'both');
    const run = new TaskGroup(context, [both, new StepTask(context, 'never')], 'failed');
    await run.execute();
    await context.close();
    expect(await tasksOf(run)).toMatchObject([
      { name: 'failed', status: 'failure' },
      { name: 'both', status: 'failure' },
      { name: 'failing', status: 'failure', rows: 5, error: 'it broke' },
      { name: 'waiting', status: 'aborted' },
      { name: 'never', status: 'aborted', error: null },
    ]);
  });

  it('is marked aborted as soon as it is interrupted, also when its process then ends at once', async () => {
    const stop = new AbortController();
    const { context } = keepingContext({ signal: stop.signal });
    let seen: readonly unknown[] = [];
    const deaf = new StepTask(context, 'deaf', async (report) => {
      report({ rows: 1, statistics: { nodes_created: 1 } });
      stop.abort();
      seen = await vi.waitFor(
        async () => {
          const tasks = await tasksOf(run);
          expect(tasks.map(({ status }) => status)).toEqual(['aborted', 'aborted', 'aborted']);
          return tasks;
        },
        { timeout: 20_000, interval: 100 },
      );
    });
    const run = new TaskGroup(context, [deaf, new StepTask(context, 'next')], 'stopped');
    await run.execute();
    expect(seen).toHaveLength(3);
    await context.close();
    // The task did not heed the signal and ended well; the next one never began.
    expect((await tasksOf(run)).map(({ status }) => status)).toEqual(['aborted', 'success', 'aborted']);
  });

  it('is marked aborted when its context is closed before it has ended', async () => {
    const { context } = keepingContext();
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const run = new StepTask(context, 'left', async (report) => {
      report({ rows: 3, statistics: { nodes_created: 3 } });
      await ended;
    });
    const executed = run.execute();
    await context.close();
    expect(await tasksOf(run)).toMatchObject([{ name: 'left', status: 'aborted', rows: 3 }]);
    end();
    await executed;
  });

  it('is whole at its end, also when the load has wiped the database it is kept in', async () => {
    const { context } = keepingContext();
    const wipe = new StepTask(context, 'wipe', async () => {
      await vi.waitFor(async () => expect(await tasksOf(run)).toHaveLength(4), { timeout: 20_000 });
      const uuids = [run, inner, wipe, after].map(({ uuid }) => uuid);
      await ask('MATCH (t:ETLTask) WHERE t.uuid IN $uuids DETACH DELETE t', { uuids });
    });
    const after = new StepTask(context, 'after');
    const inner = new TaskGroup(context, [wipe, after], 'inner');
    const run = new TaskGroup(context, [inner], 'outer');
    await run.execute();
    await context.close();
    expect((await tasksOf(run)).map(({ name, status }) => `${name} ${status}`)).toEqual([
      'outer success',
      'inner success',
      'wipe success',
      'after success',
    ]);
  });

  it('is kept apart when the same task is executed again', async () => {
    const { context } = keepingContext();
    const name = uniqueLabel('again');
    const run = new TaskGroup(context, [new StepTask(context, 'step')], name);
    await run.execute();
    await run.execute();
    await context.close();
    const runs = await ask(
      'MATCH (r:ETLRun {name: $name})-[:HAS_SUB_TASK]->(t) RETURN r.status AS run, t.status AS task, t.uuid AS uuid',
      { name },
    );
    expect(runs).toMatchObject([
      { run: 'success', task: 'success' },
      { run: 'success', task: 'success' },
    ]);
    expect(new Set(runs.map(({ uuid }) => uuid)).size).toBe(2);
  });

  it('marks runs aborted whose process was lost, and leaves those that live', async () => {
    const name = uniqueLabel('lost');
    await ask(
      `UNWIND [['lost', duration('PT2M')], ['alive', duration('PT20S')], ['theirs', null]] AS run
       CREATE (r:ETLRun:ETLTask {uuid: $name + run[0], name: $name, status: 'running', startTime: datetime() - duration('PT5M'),
         lastSeenTime: datetime() - run[1]})
       CREATE (r)-[:HAS_SUB_TASK]->(:ETLTask {uuid: $name + run[0] + 'a', status: 'running', startTime: datetime() - duration('PT5M')})
       CREATE (r)-[:HAS_SUB_TASK]->(:ETLTask {uuid: $name + run[0] + 'b', status: 'open'})`,
      { name },
    );
    const { context } = keepingContext();
    await new StepTask(context, 'next').execute();
    await context.close();
    const runs = await ask(
      `MATCH (r:ETLRun {name: $name})-[:HAS_SUB_TASK]->(t) WITH r, t ORDER BY t.uuid
       RETURN substring(r.uuid, size($name)) AS run, r.status AS status, collect(t.status) AS tasks,
         r.endTime = r.lastSeenTime AS isTimed, r.error AS error ORDER BY run`,
      { name },
    );
    expect(runs).toEqual([
      { run: 'alive', status: 'running', tasks: ['running', 'open'], isTimed: null, error: null },
      {
        run: 'lost',
        status: 'aborted',
        tasks: ['aborted', 'aborted'],
        isTimed: true,
        error: 'Its process ended without a word.',
      },
      { run: 'theirs', status: 'running', tasks: ['running', 'open'], isTimed: null, error: null },
    ]);
    await ask('MATCH (r:ETLRun {name: $name})-[:HAS_SUB_TASK*0..]->(t) DETACH DELETE t', { name });
  });
});

describe('a database that does not take reports', () => {
  it('is pointed out once, and the load goes on', async () => {
    const { context, reporter } = keepingContext({ env: { REPORTER_DATABASE: 'nowhere' } });
    const tasks = Array.from(
      { length: 3 },
      (_, i) => new ExecuteCypherTask(context, { name: `step ${i}`, query: 'RETURN 1' }),
    );
    expect((await new TaskGroup(context, tasks).execute()).success).toBe(true);
    await context.close();
    expect(reporter.warnings).toHaveLength(1);
    expect(reporter.warnings[0]).toMatch(
      /^REPORTER_DATABASE: The run is not kept in database "nowhere": Database "nowhere" is not available .* \(GW_NEO4J_DATABASE\)$/,
    );
  });

  it('does not hold up the load when it hangs, and its end only for so long', async () => {
    const { context } = keepingContext();
    const warnings: string[] = [];
    const run = new StepTask(context, 'hanging');
    const held = (await context.neo4j.driver()).session({ database: REPORTER_DATABASE });
    const transaction = held.beginTransaction();
    await transaction.run('CREATE (:ETLTask {uuid: $uuid})', { uuid: run.uuid }); // the reporter waits for this lock
    const reporter = new Neo4jReporter({
      neo4j: context.neo4j,
      database: REPORTER_DATABASE,
      warn: (message) => warnings.push(message),
      closeTimeoutMs: 1_000,
    });
    reporter.taskStarted(run);
    await sleep(200);
    const closing = performance.now();
    await reporter.close();
    expect(performance.now() - closing).toBeLessThan(3_000);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('is not kept');
    await transaction.rollback();
    await held.close();
  });

  it('is written to again after a passing trouble', async () => {
    const { context } = keepingContext();
    const warnings: string[] = [];
    const run = new StepTask(context, 'blocked');
    const held = (await context.neo4j.driver()).session({ database: REPORTER_DATABASE });
    const transaction = held.beginTransaction();
    await transaction.run('CREATE (:ETLTask {uuid: $uuid})', { uuid: run.uuid });
    const reporter = new Neo4jReporter({
      neo4j: context.neo4j,
      database: REPORTER_DATABASE,
      warn: (message) => warnings.push(message),
      flushIntervalMs: 50,
      maxTimeShare: 1,
      closeTimeoutMs: 1_000, // also what the server gives a write
    });
    reporter.taskStarted(run);
    await vi.waitFor(() => expect(warnings).toHaveLength(1), { timeout: 20_000 });
    expect(warnings[0]).toContain('is not kept in database "neo4j" at the moment: ');
    await transaction.rollback();
    await held.close();
    await vi.waitFor(async () => expect(await tasksOf(run)).toMatchObject([{ status: 'running' }]), {
      timeout: 20_000,
    });
    await reporter.close();
    expect(await tasksOf(run)).toMatchObject([{ status: 'aborted' }]);
    expect(warnings).toHaveLength(1);
  });
});

describe('CreateReportingConstraintsTask', () => {
  it('makes the constraint where it is missing, and again changes nothing', async () => {
    const { context } = keepingContext();
    await ask('DROP CONSTRAINT etl_task_unique IF EXISTS');
    const { env, signal, neo4j } = context;
    const silent = { env, signal, neo4j, reporter: SILENT_REPORTER };
    const create = () => new CreateReportingConstraintsTask(silent).execute();
    expect(await create()).toMatchObject({ success: true, summary: { constraints_added: 1 } });
    expect(await create()).toMatchObject({ success: true, summary: {} });
    expect(
      await ask(
        "SHOW CONSTRAINTS YIELD name, labelsOrTypes, properties, type WHERE 'ETLTask' IN labelsOrTypes RETURN name, properties, type",
      ),
    ).toEqual([{ name: 'etl_task_unique', properties: ['uuid'], type: 'UNIQUENESS' }]);
  });

  it('wants to know the database', () => {
    const { context } = keepingContext({ env: { REPORTER_DATABASE: undefined } });
    expect(() => new CreateReportingConstraintsTask(context)).toThrow('REPORTER_DATABASE to be set');
    expect(new CreateReportingConstraintsTask(context, { database: 'runs' }).database).toBe('runs');
    expect(() => new CreateReportingConstraintsTask(context, { databse: 'runs' } as never)).toThrow(
      'did you mean `database`?',
    );
  });
});
