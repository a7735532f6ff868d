import { describe, expect, it } from 'vitest';
import { subscribeToEvents } from '../../../src/core/events.ts';
import { type Mapping, node, relationship } from '../../../src/mapping/patterns.ts';
import { Neo4jConnection } from '../../../src/neo4j/connection.ts';
import { hasRecordStore } from '../../../src/neo4j/record-store.ts';
import {
  CSVLoad2Neo4jTask,
  ParallelCSVLoad2Neo4jTask,
  type ParallelCSVLoad2Neo4jTaskOptions,
} from '../../../src/tasks/csv-load-2-neo4j-task.ts';
import { uniqueLabel, useServer } from '../../support/context.ts';
import { useFolder } from '../../support/files.ts';
import { mulberry32 } from '../../support/ratings.ts';

const { context } = useServer();
const ROWS = 8_000;
const NODES = 400;
const SHARED = 8; // tableSize: the shared bucket
const GRID = { maxWorkers: 4, tableSize: 8, batchSize: 100, types: 'inferred' } as const;

/**
 * Rows of a star: node 0 has 60 % of the ends and node 1 another 15 %, in no order, so that writers who locked them would
 * deadlock. With `both` node 0 has 30 % of the starts and 20 % of the ends, and some rows lie between the two.
 */
function starFile(both: boolean): { readonly file: string; readonly edges: readonly string[] } {
  const random = mulberry32(7);
  const other = () => 2 + Math.floor(random() * (NODES - 2));
  const lines = Array.from({ length: ROWS }, (_, n) => {
    const draw = random();
    if (both && draw < 0.3) return `0,${draw < 0.05 ? 1 : other()},${n}`;
    const end = draw < (both ? 0.5 : 0.6) ? 0 : draw < (both ? 0.65 : 0.75) ? 1 : other();
    return `${other()},${end},${n}`;
  });
  return { file: useFolder().write('star.csv', `from,to,n\n${lines.join('\n')}\n`), edges: lines };
}

/** Makes nodes, the hub with relationships of its own where it is to be dense. */
async function nodes(label: string, degree: number): Promise<void> {
  const { neo4j } = context();
  await neo4j.query(`CREATE CONSTRAINT FOR (n:${label}) REQUIRE n.id IS UNIQUE`);
  await neo4j.query(`UNWIND range(0, ${NODES - 1}) AS id CREATE (:${label} {id: id})`);
  await neo4j.query(
    `MATCH (h:${label}) WHERE h.id < 2 UNWIND range(1, $degree) AS i CREATE (h)-[:OLD]->(:${label}Old)`,
    { degree },
  );
}

async function edges(start: string, end: string): Promise<readonly string[]> {
  const { rows } = await context().neo4j.query(
    `MATCH (a:${start})-[r:KNOWS]->(b:${end}) RETURN a.id AS a, b.id AS b, r.n AS n ORDER BY n`,
  );
  return rows.map(({ a, b, n }) => `${a},${b},${n}`);
}

/** Runs a load and gives how many cells of the shared bucket were at work at once, at most. */
async function watch(
  options: ParallelCSVLoad2Neo4jTaskOptions,
): Promise<{ readonly most: number; readonly retries: number }> {
  let running = 0;
  let most = 0;
  const isShared = ({ row, col }: { readonly row: number; readonly col: number }) =>
    row === SHARED || col === SHARED;
  const stop = subscribeToEvents({
    cell: (event) => {
      if (!isShared(event)) return;
      running += event.event === 'cell:start' ? 1 : -1;
      most = Math.max(most, running);
    },
  });
  try {
    const { error, summary } = await new ParallelCSVLoad2Neo4jTask(context(), options).execute();
    expect(error).toBeUndefined();
    expect(summary.relationships_created).toBe(ROWS);
    return { most, retries: summary.retries ?? 0 };
  } finally {
    stop();
  }
}

function star(start: string, end: string): Mapping {
  const [from, to] = [node(start, { id: 'from' }), node(end, { id: 'to' })];
  return relationship('KNOWS', { from, to, properties: ['n'], write: 'create' });
}

describe('hubs', () => {
  it('are known to be safe to share on the store of this server', async () => {
    expect(await hasRecordStore(context().neo4j)).toBe(true);
    const other = new Neo4jConnection({ uri: 'bolt://127.0.0.1:1', username: 'neo4j', password: 'x' });
    expect(await hasRecordStore(other)).toBe(false);
    await other.close();
  });

  it.each([
    ['sparse, two kinds of nodes', 0, false],
    ['dense, two kinds of nodes', 1_000, false],
    ['sparse, one kind of node', 0, true],
    ['dense, one kind of node', 1_000, true],
  ])('are written by several writers at once without a retry: %s', async (_, degree, isOneKind) => {
    const { file, edges: expected } = starFile(isOneKind);
    const end = uniqueLabel('End');
    const start = isOneKind ? end : uniqueLabel('Start');
    await nodes(end, degree);
    if (start !== end) await nodes(start, 0);
    const mapping = star(start, end);
    const shared = { ...GRID, file, mapping };
    const plan = await new ParallelCSVLoad2Neo4jTask(context(), shared).explain();
    expect(plan!.hubs).toMatchObject([{ side: isOneKind ? 'both' : 'end', key: 0, isShared: true }]);
    expect(plan!.sharedKeys.map(({ key }) => key)).toEqual([0, 1]);
    expect(plan!.expectedSpeedup).toBeGreaterThan(3);

    // A stranger's open transaction on the hub would stop every writer that needs the node for itself.
    const driver = await context().neo4j.driver();
    const session = driver.session();
    const held = await session.beginTransaction();
    await held.run(`MATCH (h:${end} {id: 0}) CREATE (h)-[:HELD]->(:${end}Old)`);
    const { most, retries } = await watch(shared);
    await held.commit();
    await session.close();
    expect(most).toBeGreaterThan(1);
    expect(retries).toBe(0);
    expect(await edges(start, end)).toEqual(expected);

    await context().neo4j.query(`MATCH (:${start})-[r:KNOWS]->(:${end}) DELETE r`);
    const one = await new CSVLoad2Neo4jTask(context(), {
      ...{ file, mapping, types: 'inferred', batchSize: 100 },
    }).execute();
    expect(one.error).toBeUndefined();
    expect(await edges(start, end)).toEqual(expected);
  });

  it('claim their bucket where that is asked for, or where a MERGE locks the node', async () => {
    const { file } = starFile(false);
    const [start, end] = [uniqueLabel('Start'), uniqueLabel('End')];
    await nodes(end, 0);
    await nodes(start, 0);
    const mapping = star(start, end);
    const claimed = { ...GRID, file, mapping, hubs: 'claim' } as const;
    const plan = await new ParallelCSVLoad2Neo4jTask(context(), claimed).explain();
    expect(plan).toMatchObject({ hubs: [{ key: 0, isShared: false }], sharedKeys: [] });
    expect(plan!.expectedSpeedup).toBeLessThan(1.6);
    expect(await watch(claimed)).toEqual({ most: 0, retries: 0 });
    const merged = relationship('KNOWS', { from: node(start, { id: 'from' }), to: node(end, { id: 'to' }) });
    const task = new ParallelCSVLoad2Neo4jTask(context(), { ...GRID, file, mapping: merged });
    expect((await task.explain())!.sharedKeys).toEqual([]);
  });

  it('share a bucket also where a row has no other key, in turn', async () => {
    const folder = useFolder();
    const file = folder.write('orders.csv', `country\n${'0\n'.repeat(ROWS)}`);
    const label = uniqueLabel('Country');
    await nodes(label, 0);
    const order = node(`${label}Order`, {}, { write: 'create' });
    const mapping = relationship('FROM', {
      from: order,
      to: node(label, { id: 'country' }),
      write: 'create',
    });
    const { most, retries } = await watch({ ...GRID, file, mapping });
    expect(most).toBeGreaterThan(1);
    expect(retries).toBe(0);
  });
});
