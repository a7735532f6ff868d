import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ETLContext } from '../../../src/context/etl-context.ts';
import { AbortedError } from '../../../src/core/errors.ts';
import { ParallelTaskGroup } from '../../../src/core/parallel-task-group.ts';
import { TaskGroup } from '../../../src/core/task-group.ts';
import { CSVLoad2Neo4jTask, ParallelCSVLoad2Neo4jTask } from '../../../src/tasks/csv-load-2-neo4j-task.ts';
import { ExecuteCypherTask } from '../../../src/tasks/execute-cypher-task.ts';
import {
  ParallelParquetLoad2Neo4jTask,
  ParquetLoad2Neo4jTask,
} from '../../../src/tasks/parquet-load-2-neo4j-task.ts';
import { RecordingReporter, uniqueLabel, useServer } from '../../support/context.ts';
import { readJsonLines, useFolder } from '../../support/files.ts';
import { writeParquet } from '../../support/parquet.ts';

const server = useServer();

/** Makes a label with a unique key and gives a statement that relates nodes of it. */
async function graph(): Promise<{ readonly label: string; readonly create: string }> {
  const label = uniqueLabel('Stop');
  const { neo4j } = server.context();
  await neo4j.query(`CREATE CONSTRAINT FOR (n:${label}) REQUIRE n.id IS UNIQUE`);
  await neo4j.query(`UNWIND range(0, 49) AS id CREATE (:${label} {id: id})`);
  const create = `UNWIND $batch AS row MATCH (a:${label} {id: toInteger(row.start)}) MATCH (b:${label} {id: toInteger(row.end)})
    CREATE (a)-[:NEXT {weight: row.weight, n: toInteger(row.n)}]->(b)`;
  return { label, create };
}

async function edges(label: string): Promise<readonly unknown[]> {
  const { rows } = await server
    .context()
    .neo4j.query(
      `MATCH (a:${label})-[r:NEXT]->(b) RETURN a.id AS a, b.id AS b, r.n AS n, r.weight AS weight ORDER BY n`,
    );
  return rows;
}

const edge = (n: number) => ({ a: (n * 7) % 50, b: (n * 13 + 1) % 50, n, weight: n / 4 });
const ROWS = 4_000;
const expected = Array.from({ length: ROWS }, (_, n) => edge(n));
const csv = `start,end,n,weight\n${expected.map(({ a, b, n, weight }) => `${a},${b},${n},${weight}`).join('\n')}\n`;

describe('load tasks', () => {
  it('load the same graph from CSV and Parquet, with one writer and in parallel', async () => {
    const folder = useFolder();
    const csvFile = folder.write('edges.csv.gz', gzipSync(csv));
    const parquetFile = await writeParquet(
      folder.path('edges.parquet'),
      `SELECT (range * 7) % 50 AS start, (range * 13 + 1) % 50 AS "end", range AS n, range / 4 AS weight FROM range(${ROWS})`,
    );
    const grid = { monopartite: true, maxWorkers: 4, tableSize: 8, batchSize: 100 };
    const types = { weight: 'DOUBLE' };
    for (const make of [
      (query: string) => new CSVLoad2Neo4jTask(server.context(), { file: csvFile, query, types }),
      (query: string) =>
        new ParallelCSVLoad2Neo4jTask(server.context(), { file: csvFile, query, types, ...grid }),
      (query: string) => new ParquetLoad2Neo4jTask(server.context(), { file: parquetFile, query }),
      (query: string) =>
        new ParallelParquetLoad2Neo4jTask(server.context(), { file: parquetFile, query, ...grid }),
    ]) {
      const { label, create } = await graph();
      const result = await make(create).execute();
      expect(result.error).toBeUndefined();
      expect(result.summary).toMatchObject({ relationships_created: ROWS, cypher_rows_written: ROWS });
      expect(await edges(label)).toEqual(expected);
    }
    const { rows } = await server
      .context()
      .neo4j.query(
        'MATCH ()-[r:NEXT]->() WHERE r.weight IS NOT NULL RETURN DISTINCT valueType(r.weight) AS type',
      );
    expect(rows).toEqual([{ type: 'FLOAT NOT NULL' }]); // whole weights of a DOUBLE column stay floats
  });

  it('know how many rows there are, and report each cell and each wave', async () => {
    const { create } = await graph();
    const file = useFolder().write('edges.csv', csv);
    const reporter = server.reporter();
    const options = { file, query: create, monopartite: true, tableSize: 4, batchSize: 50, name: 'edges' };
    await new ParallelCSVLoad2Neo4jTask(server.context(), options).execute();
    expect(reporter.started).toEqual(['edges']);
    expect(reporter.expected).toEqual([ROWS]);
    const sum = (pick: (progress: (typeof reporter.progress)[number]) => number | undefined) =>
      reporter.progress.reduce((total, progress) => total + (pick(progress) ?? 0), 0);
    expect(sum(({ rows }) => rows)).toBe(ROWS);
    expect(sum(({ statistics }) => statistics?.relationships_created)).toBe(ROWS);
    expect(sum(({ statistics }) => statistics?.csv_lines_read)).toBe(ROWS);
    expect(sum(({ batches }) => batches)).toBeGreaterThan(10);
    expect(reporter.ended).toMatchObject([{ name: 'edges', success: true }]);
  });

  it('set invalid rows and malformed lines aside in one file, and load the rest', async () => {
    const { label, create } = await graph();
    const folder = useFolder();
    const file = folder.write('edges.csv', 'start,end,n,weight\n1,2,0,0\n1,x,1,1\nbroken\n3,4,3,2\n');
    const rejectedFile = folder.path('rejected.jsonl');
    const number = z.coerce.number();
    const schema = z.object({ start: number, end: number, n: number, weight: number });
    const task = new ParallelCSVLoad2Neo4jTask(server.context(), {
      file,
      query: create,
      schema,
      rejectedFile,
    });
    const { success, summary } = await task.execute();
    expect(success).toBe(true);
    expect(summary).toMatchObject({
      csv_lines_read: 3,
      csv_lines_rejected: 1,
      valid_rows: 2,
      invalid_rows: 1,
      relationships_created: 2,
    });
    expect(server.reporter().warnings).toEqual([
      `ParallelCSVLoad2Neo4jTask: 2 rejected rows are in ${rejectedFile}`,
    ]);
    expect((await edges(label)).length).toBe(2);
    expect(
      readJsonLines(rejectedFile).map(({ stage, rowNumber, lineNumber, run }) => [
        stage,
        rowNumber,
        lineNumber,
        run,
      ]),
    ).toEqual([
      ['read', null, 4, task.uuid],
      ['validate', 1, undefined, task.uuid],
    ]);
  });

  it('fail with the cell, the reason and a true account when a cell cannot be written', async () => {
    const { label } = await graph();
    const file = useFolder().write('edges.csv', csv);
    const query = `UNWIND $batch AS row MATCH (a:${label} {id: toInteger(row.start)}) MATCH (b:${label} {id: toInteger(row.end)})
      CREATE (a)-[:NEXT {n: toInteger(row.n)}]->(b) WITH row WHERE row.n = '2000' CREATE (:${label} {id: 1})`;
    const options = {
      file,
      query,
      badRows: 'error' as const,
      tableSize: 4,
      maxWorkers: 2,
      batchSize: 50,
      monopartite: true,
    };
    const { success, error, summary } = await new ParallelCSVLoad2Neo4jTask(
      server.context(),
      options,
    ).execute();
    expect(success).toBe(false);
    expect(error).toMatchObject({ code: 'GW_PARALLEL_CELL', cause: { code: 'GW_NEO4J_CONSTRAINT' } });
    expect(error!.message).toMatch(/^Cell \(\d, \d\) with \d+ rows failed: A row breaks a constraint/);
    const found = await edges(label);
    expect(found.length).toBeGreaterThan(0);
    expect(summary.relationships_created).toBe(found.length);
  });

  it('stop when they are aborted, with what was committed in the account', async () => {
    const { label, create } = await graph();
    const file = useFolder().write('edges.csv', csv);
    const stop = new AbortController();
    const reporter = new RecordingReporter();
    const report = reporter.taskProgress.bind(reporter);
    reporter.taskProgress = (task, progress) => {
      report(task, progress);
      if (progress.rows) stop.abort(new AbortedError('GW_ABORTED', 'enough'));
    };
    await using context = new ETLContext({ reporter, signal: stop.signal });
    const options = { file, query: create, tableSize: 4, maxWorkers: 2, batchSize: 50, monopartite: true };
    const { success, error, summary } = await new ParallelCSVLoad2Neo4jTask(context, options).execute();
    expect(success).toBe(false);
    expect(error).toMatchObject({ code: 'GW_ABORTED', message: 'enough' });
    const found = await edges(label);
    expect(found.length).toBeGreaterThan(0);
    expect(found.length).toBeLessThan(ROWS);
    expect(summary.relationships_created).toBe(found.length);
  });

  it('leave nothing open: no session, no timer, no file', async () => {
    const { create } = await graph();
    const file = useFolder().write('edges.csv', csv);
    const broken = create.replace('CREATE', 'CRATE');
    const options = { file, tableSize: 4, batchSize: 50, monopartite: true };
    await server.context().neo4j.verify();
    const open = () => process.getActiveResourcesInfo().filter((name) => name !== 'TCPSocketWrap');
    const before = open();
    for (const query of [create, broken]) {
      await new ParallelCSVLoad2Neo4jTask(server.context(), { ...options, query }).execute();
    }
    await new Promise((settled) => setImmediate(settled));
    // Each kind at most as often as before; the driver keeps its connections, and closes them with the context.
    for (const kind of new Set(open())) {
      const countIn = (list: readonly string[]) => list.filter((name) => name === kind).length;
      expect(countIn(open()), kind).toBeLessThanOrEqual(countIn(before));
    }
  });

  it('refuse a wrong option before anything is opened', () => {
    const context = server.context();
    const good = { file: 'a.csv', query: 'UNWIND $batch AS row RETURN row' };
    const make = (more: object) => () => new ParallelCSVLoad2Neo4jTask(context, { ...good, ...more });
    expect(make({ tablesize: 4 })).toThrow(
      'ParallelCSVLoad2Neo4jTask has no option `tablesize`; did you mean `tableSize`?',
    );
    expect(make({ batchSize: 0 })).toThrow(
      'Option `batchSize` must be an integer of at least 1, got 0 (number).',
    );
    expect(make({ query: 'CREATE (n)' })).toThrow('does not use $batch');
    expect(make({ file: ' ' })).toThrow('Option `file` must be a non-blank string');
    expect(make({ timeoutMs: -1 })).toThrow('Option `timeoutMs`');
    expect(make({ maxWorkers: 1.5 })).toThrow('Option `maxWorkers`');
    expect(make({ tableSize: 5_000 })).toThrow('Option `tableSize` must be an integer from 1 to 4096');
    expect(make({ delimiter: '' })).toThrow('Option `delimiter`');
  });

  it('warn when the grid is too small for the workers', async () => {
    const { create } = await graph();
    const file = useFolder().write('edges.csv', 'start,end,n,weight\n1,2,0,0\n');
    const options = { file, query: create, monopartite: true, tableSize: 4, maxWorkers: 8 };
    await new ParallelCSVLoad2Neo4jTask(server.context(), options).execute();
    expect(server.reporter().warnings).toEqual([
      expect.stringContaining('With tableSize 4 no wave has work for more than 3 of the 8 workers'),
    ]);
  });
});

describe('ExecuteCypherTask', () => {
  it('runs one statement or many, in order, and adds up their counters', async () => {
    const label = uniqueLabel('Made');
    const task = new ExecuteCypherTask(server.context(), {
      query: [
        `UNWIND range(1, $n) AS id CREATE (:${label} {id: id})`,
        `MATCH (n:${label}) SET n.twice = 2 * n.id`,
      ],
      parameters: { n: 3 },
    });
    expect((await task.execute()).summary).toEqual({ nodes_created: 3, labels_added: 3, properties_set: 6 });
    expect(() => new ExecuteCypherTask(server.context(), { query: [] })).toThrow(
      'Option `query` must be a statement',
    );
  });

  it('fails in a group with the task’s name and the server’s reason', async () => {
    const bad = new ExecuteCypherTask(server.context(), { name: 'bad one', query: 'RETRN 1' });
    const never = new ExecuteCypherTask(server.context(), { name: 'never', query: 'RETURN 1' });
    const group = new TaskGroup(
      server.context(),
      [new ParallelTaskGroup(server.context(), [bad], 'inner'), never],
      'outer',
    );
    const { success, error } = await group.execute();
    expect(success).toBe(false);
    expect(error!.message).toMatch(
      /^Task "inner" failed: Task "bad one" failed: The statement is refused: .*RETRN/s,
    );
    expect(never.startedAt).toBeUndefined();
  });
});
