import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ETLContext } from '../../../src/context/etl-context.ts';
import { SILENT_REPORTER } from '../../../src/core/reporter.ts';
import { node, relationship } from '../../../src/mapping/patterns.ts';
import {
  type EmbeddedServer,
  startEmbeddedServer,
  stopEmbeddedServer,
} from '../../../src/neo4j/embedded/embedded-server.ts';
import { CSVLoad2Neo4jTask, ParallelCSVLoad2Neo4jTask } from '../../../src/tasks/csv-load-2-neo4j-task.ts';
import { type Fault, startFaultProxy } from '../../support/fault-proxy.ts';
import { makeFolder } from '../../support/files.ts';

// A server of its own, because it is starved of memory, stopped and killed.
const folder = makeFolder();
const dataDir = folder.path('neo4j');
let server: EmbeddedServer;
beforeAll(async () => {
  server = await startEmbeddedServer({ dataDir, heapMb: 256 });
}, 120_000);
afterAll(async () => {
  await stopEmbeddedServer({ dataDir });
  folder.remove();
}, 120_000);

const ROWS = 2_000;
const file = folder.write('rows.csv', `n\n${Array.from({ length: ROWS }, (_, n) => n).join('\n')}\n`);

function connect(uri = server.uri): ETLContext {
  const env = { NEO4J_URI: uri, NEO4J_USERNAME: server.username, NEO4J_PASSWORD: server.password };
  return new ETLContext({ env, reporter: SILENT_REPORTER });
}

async function counts({ neo4j }: ETLContext, label: string): Promise<unknown> {
  const { rows } = await neo4j.query(
    `MATCH (n:${label}) RETURN count(n) AS rows, count(DISTINCT n.n) AS distinct`,
  );
  return rows[0];
}

const create = (label: string) => `UNWIND $batch AS row CREATE (:${label} {n: toInteger(row.n)})`;

describe('a load in trouble', () => {
  it('halves a batch that is too large for the memory of the server', async () => {
    await using context = connect();
    // Each row holds a list of 20,000 numbers until the last row is read.
    const query = `UNWIND $batch AS row UNWIND range(1, 20000) AS x WITH row, collect(x) AS xs
      CREATE (:Large {n: toInteger(row.n), size: size(xs)})`;
    const small = folder.write('large.csv', `n\n${Array.from({ length: 1_200 }, (_, n) => n).join('\n')}\n`);
    const task = new CSVLoad2Neo4jTask(context, { file: small, query, batchSize: 1_200 });
    const { success, error, summary } = await task.execute();
    expect(error).toBeUndefined();
    expect(success).toBe(true);
    expect(summary.batches_halved).toBeGreaterThan(0);
    expect(await counts(context, 'Large')).toEqual({ rows: 1_200, distinct: 1_200 });
  });

  it('writes a full batch of merged relationships of thousands of nodes with little memory', async () => {
    await using context = connect();
    const [rows, nodes] = [10_000, 2_000];
    const pairs = Array.from(
      { length: rows },
      (_, i) => `${i % nodes},${(13 * i + 397 * Math.floor(i / nodes)) % nodes}`,
    );
    const ratings = folder.write('ratings.csv', `user,movie\n${pairs.join('\n')}\n`);
    const end = (label: string, column: string) => node(label, { id: column }, { write: 'merge' });
    const mapping = relationship('RATED', { from: end('Rater', 'user'), to: end('Rated', 'movie') });
    const task = new CSVLoad2Neo4jTask(context, { file: ratings, mapping, batchSize: rows });
    const { error, summary } = await task.execute();
    expect(error).toBeUndefined();
    expect(summary.relationships_created).toBe(rows);
    expect(summary.batches_halved).toBeUndefined(); // of the 256 MB of the heap it may take 180
  });

  it.each([
    { by: 'by a statement', label: 'Settled0', write: { query: create('Settled0') } },
    {
      by: 'by a mapping',
      label: 'Settled1',
      write: { mapping: node('Settled1', { n: 'n' }, { write: 'create' }) },
    },
  ] as const)(
    'settles commits whose answer was lost, and loads each row once $by',
    async ({ label, write }) => {
      let messages = 0;
      await using proxy = await startFaultProxy({
        port: server.boltPort,
        faultOf: (message): Fault => {
          messages++;
          if (message === 'commit') return messages % 3 === 0 ? 'swallow-commit' : 'none';
          return messages % 97 === 0 ? 'cut' : 'none';
        },
      });
      await using context = connect(`bolt://127.0.0.1:${proxy.port}`);
      const task = new ParallelCSVLoad2Neo4jTask(context, {
        file,
        ...write,
        idExtractor: ({ n }) => [Number(n) % 4, Number(n) % 4],
        tableSize: 4,
        batchSize: 50,
      });
      const { success, error, summary } = await task.execute();
      expect(error).toBeUndefined();
      expect(success).toBe(true);
      expect(proxy.counts['swallow-commit']).toBeGreaterThan(0);
      expect(summary.commits_recovered).toBeGreaterThan(0);
      expect(summary.nodes_created).toBe(ROWS);
      await using direct = connect();
      expect(await counts(direct, label)).toEqual({
        rows: ROWS,
        distinct: ROWS,
      });
    },
  );

  it('notices a server that hangs, within its limits, and goes on when that is over', async () => {
    await using context = connect();
    const load = (more: object) =>
      new CSVLoad2Neo4jTask(context, {
        file,
        query: create('Hung'),
        name: 'hung',
        batchSize: 20,
        timeoutMs: 1_000,
        ...more,
      }).execute();
    const running = load({ maxRetryTimeMs: 0 });
    while (Number(((await counts(context, 'Hung')) as { rows: number }).rows) === 0) await sleep(5);
    process.kill(server.pid, 'SIGSTOP');
    try {
      const { success, error } = await running;
      expect(success).toBe(false);
      expect(error).toMatchObject({
        code: 'GW_NEO4J_UNAVAILABLE',
        message: expect.stringContaining('gave no answer'),
      });
    } finally {
      process.kill(server.pid, 'SIGCONT');
    }
    expect(await load({})).toMatchObject({ success: true });
    expect(await counts(context, 'Hung')).toEqual({ rows: ROWS, distinct: ROWS });
  });

  it('sits out a restart of the server', async () => {
    await using context = connect();
    const task = new ParallelCSVLoad2Neo4jTask(context, {
      file,
      query: create('Restarted'),
      idExtractor: ({ n }) => [Number(n) % 4, Number(n) % 4],
      tableSize: 4,
      batchSize: 10,
    });
    const running = task.execute();
    while (Number(((await counts(context, 'Restarted')) as { rows: number }).rows) === 0) await sleep(5);
    const { boltPort, pid } = server;
    process.kill(pid, 'SIGKILL');
    await sleep(500);
    server = await startEmbeddedServer({ dataDir, heapMb: 256, boltPort });
    const { success, error, summary } = await running;
    expect(error).toBeUndefined();
    expect(success).toBe(true);
    expect(summary.retries_connection).toBeGreaterThan(0);
    await using direct = connect();
    expect(await counts(direct, 'Restarted')).toEqual({ rows: ROWS, distinct: ROWS });
  });
});
