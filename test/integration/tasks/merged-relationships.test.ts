/** A merged relationship's rows are grouped by one of its nodes; the graph must be as one `MERGE` a row leaves it. */
import type { Transaction } from 'neo4j-driver';
import { describe, expect, it } from 'vitest';
import { compileMapping } from '../../../src/mapping/compile.ts';
import { node, type RelationshipPattern, relationship } from '../../../src/mapping/patterns.ts';
import { SharedWriting } from '../../../src/sinks/batch-writer.ts';
import { MappingBatchSink } from '../../../src/sinks/mapping-batch-sink.ts';
import { prepareBatch } from '../../../src/sinks/prepare-batch.ts';
import { drain } from '../../support/batches.ts';
import { uniqueLabel, useServer } from '../../support/context.ts';
import { mulberry32 } from '../../support/ratings.ts';
import { ArraySource } from '../../unit/core/array-source.ts';

const { context } = useServer();

interface Row {
  readonly from: number;
  readonly to: number;
  readonly at: number | null;
  readonly value: number;
}

/** Keys of the rows; of those that are there before, each side's 0 has too many relationships to look through. */
const KEYS = 9;
const HUB_DEGREE = 300;
/** Only in the rows, so a mapping that matches sets their rows aside. */
const MISSING = KEYS - 1;

const random = mulberry32(8);
const below = (n: number) => Math.floor(random() * n);

/** Small batches and large ones, in which pairs come again, also those of an earlier batch. */
function batches(): readonly (readonly Row[])[] {
  return Array.from({ length: 24 }, (_, i) =>
    Array.from({ length: i % 3 === 0 ? 1 + below(3) : 1 + below(60) }, (_, j) => ({
      from: below(KEYS),
      to: below(KEYS),
      at: below(12) === 0 ? null : below(3),
      value: 100 * i + j,
    })),
  );
}

async function prepareNodes(start: string, end: string, keys: number): Promise<void> {
  const { neo4j } = context();
  for (const label of new Set([start, end])) {
    await neo4j.query(`CREATE CONSTRAINT FOR (n:${label}) REQUIRE n.id IS UNIQUE`);
    await neo4j.query(`UNWIND range(0, ${keys - 1}) AS id CREATE (:${label} {id: id})`);
  }
  const others = `UNWIND range(1, ${HUB_DEGREE}) AS i`;
  await neo4j.query(`MATCH (h:${start} {id: 0}) ${others} CREATE (h)-[:KNOWS]->(:${end} {id: 1000 + i})`);
  await neo4j.query(`MATCH (h:${end} {id: 0}) ${others} CREATE (:${start} {id: 2000 + i})-[:KNOWS]->(h)`);
}

/** As a load is whose rows are there already, whatever its batches say. */
function mostlyThere(): SharedWriting {
  return Object.defineProperty(new SharedWriting(), 'createdShare', { get: () => 0, set: () => undefined });
}

describe.each([
  { name: 'between two kinds of nodes that are merged', write: 'merge', isOneKind: false, hasKey: false },
  { name: 'between nodes of one kind, also to themselves', write: 'merge', isOneKind: true, hasKey: false },
  {
    name: 'between nodes that are matched, some of them missing',
    write: 'match',
    isOneKind: false,
    hasKey: false,
  },
  {
    name: 'of one kind, matched, with a key that may be null',
    write: 'match',
    isOneKind: true,
    hasKey: true,
  },
  { name: 'of two kinds, with a key that may be null', write: 'merge', isOneKind: false, hasKey: true },
] as const)('relationships $name', ({ write, isOneKind, hasKey }) => {
  it.each([
    ['as its batches find the graph', new SharedWriting()],
    ['as after rows that were there already', mostlyThere()],
  ])('are there once each, with the last value, %s', async (_name, shared) => {
    const start = uniqueLabel('Start');
    const end = isOneKind ? start : uniqueLabel('End');
    await prepareNodes(start, end, MISSING);
    const mapping = relationship('KNOWS', {
      from: node(start, { id: 'from' }, { write }),
      to: node(end, { id: 'to' }, { write }),
      properties: ['value'],
      ...(hasKey && { key: ['at'] }),
    });
    const rows = batches();
    const sink = new MappingBatchSink(context(), {
      ...{ predecessor: new ArraySource(rows), mapping, missingNodes: 'ignore', badRows: 'ignore', shared },
    });
    await drain(sink, 1_000);

    const expected = new Map<string, number>();
    for (const { from, to, at, value } of rows.flat()) {
      const isMissing = write === 'match' && (from === MISSING || to === MISSING);
      if (isMissing || (hasKey && at === null)) continue;
      expected.set(hasKey ? `${from} ${to} ${at}` : `${from} ${to}`, value);
    }
    const { rows: found } = await context().neo4j.query(
      `MATCH (a:${start})-[r:KNOWS]->(b:${end}) WHERE r.value IS NOT NULL
       RETURN a.id AS from, b.id AS to, r.at AS at, r.value AS value`,
    );
    expect(found).toHaveLength(expected.size); // a pair that is there twice would be one in a map
    const key = ({ from, to, at }: (typeof found)[number]) =>
      hasKey ? `${from} ${to} ${at}` : `${from} ${to}`;
    expect(new Map(found.map((row) => [key(row), row.value]))).toEqual(expected);
    expect(expected.size).toBeGreaterThan(40);
  });
});

it('tells rows that are new from rows that are there, also where a batch has one twice', async () => {
  const label = uniqueLabel('Person');
  const mapping = relationship('KNOWS', {
    from: node(label, { id: 'from' }, { write: 'merge' }),
    to: node(label, { id: 'to' }, { write: 'merge' }),
  });
  const pairs = Array.from({ length: 20 }, (_, i) => ({ from: i, to: i + 1 }));
  const shared = new SharedWriting();
  const load = (rows: readonly object[]) =>
    drain(new MappingBatchSink(context(), { predecessor: new ArraySource([rows]), mapping, shared }), 1_000);
  await load([...pairs, ...pairs, ...pairs, ...pairs, ...pairs, ...pairs]);
  expect(shared.createdShare).toBe(1);
  await load(pairs);
  expect(shared.createdShare).toBe(0);
  await load([...pairs.slice(10), ...pairs.slice(10).map(({ from, to }) => ({ from: to, to: from }))]);
  expect(shared.createdShare).toBe(0.5);
});

describe('a relationship that two programs merge at the same time', () => {
  const pair = { from: 1, to: 2, at: null, value: 1 };
  const mappingOf = (label: string): RelationshipPattern =>
    relationship('KNOWS', { from: node(label, { id: 'from' }), to: node(label, { id: 'to' }) });
  const grouped = (by: 'start' | 'end') => (label: string) => {
    // The side with more nodes is the one that is grouped by.
    const other = by === 'start' ? { ...pair, from: 3 } : { ...pair, to: 3 };
    const compiled = compileMapping(mappingOf(label));
    const { statement, parameters } = prepareBatch(compiled, { chunk: [pair, other] }, new Set());
    expect(statement).toBe(by === 'start' ? compiled.statement : compiled.statementByEnd);
    return { statement, parameters };
  };
  const plain = (label: string) => ({
    statement: `MATCH (a:${label} {id: 1}), (b:${label} {id: 2}) MERGE (a)-[:KNOWS]->(b)`,
    parameters: {},
  });

  it.each([
    ['by start node, then a MERGE', grouped('start'), plain],
    ['by end node, then a MERGE', grouped('end'), plain],
    ['a MERGE, then by start node', plain, grouped('start')],
    ['by start node, then by end node', grouped('start'), grouped('end')],
    ['by end node, then by start node', grouped('end'), grouped('start')],
  ])('is there once: %s', async (_name, first, second) => {
    const label = uniqueLabel('Person');
    await context().neo4j.query(`UNWIND [1, 2, 3] AS id CREATE (:${label} {id: id})`);
    const driver = await context().neo4j.driver();
    const sessions = [driver.session(), driver.session()] as const;
    const run = (transaction: Transaction, { statement, parameters }: ReturnType<typeof plain>) =>
      transaction.run(statement, parameters);
    try {
      const held = await sessions[0].beginTransaction();
      await run(held, first(label));
      const waiting = await sessions[1].beginTransaction({ metadata: { name: label } });
      const done = run(waiting, second(label)).then(() => waiting.commit());
      await expect.poll(() => statusOf(label)).toMatch(/^Blocked/);
      await held.commit();
      await done;
    } finally {
      await Promise.all(sessions.map((session) => session.close()));
    }
    const { rows } = await context().neo4j.query(
      `MATCH (:${label} {id: 1})-[r:KNOWS]->(:${label} {id: 2}) RETURN count(r) AS n`,
    );
    expect(rows[0]?.n).toBe(1);
  });

  async function statusOf(name: string): Promise<unknown> {
    const { rows } = await context().neo4j.query(
      'SHOW TRANSACTIONS YIELD status, metaData WHERE metaData.name = $name RETURN status',
      { name },
    );
    return rows[0]?.status ?? 'none';
  }
});
