/** Where each relationship has an end of its own row, commits of disjoint cells meet on no link, so none waits for another. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { compileMapping } from '../../../src/mapping/compile.ts';
import { mappingExtractor } from '../../../src/mapping/mapping-extractor.ts';
import { type Mapping, node, relationship } from '../../../src/mapping/patterns.ts';
import { CommitGate } from '../../../src/neo4j/commit-gate.ts';
import { Neo4jConnection } from '../../../src/neo4j/connection.ts';
import { ParallelCSVLoad2Neo4jTask } from '../../../src/tasks/csv-load-2-neo4j-task.ts';
import { SAMPLE_ROWS } from '../../../src/tasks/parallel-writing.ts';
import { uniqueLabel, useServer } from '../../support/context.ts';
import { useFolder } from '../../support/files.ts';
import { mulberry32 } from '../../support/ratings.ts';
import { makePlaces } from '../../support/trips.ts';

const { context } = useServer();
const PLACES = 60;
const ROWS = 12_000;
const WORKERS = 8;

/** Trips between places of which a few have most. @param share Of the rows that begin at place 0. */
function tripsFile(share = 0): string {
  const random = mulberry32(4);
  const place = () => Math.floor(PLACES * random() ** 2);
  const rows = Array.from({ length: ROWS }, (_, n) => `${n},${random() < share ? 0 : place()},${place()}`);
  return useFolder().write('trips.csv', `n,start,end\n${rows.join('\n')}\n`);
}

/** A node a trip, with a relationship to each of its places. */
function tripNodes(trip: string, place: string): Mapping {
  const own = node(trip, {}, { properties: ['n'], write: 'create' });
  return [
    relationship('FROM', { from: own, to: node(place, { id: 'start' }), write: 'create' }),
    relationship('TO', { from: own, to: node(place, { id: 'end' }), write: 'create' }),
  ];
}

afterEach(() => vi.restoreAllMocks());

describe('commits of relationships', () => {
  const run = async (options: object) => {
    const passed = vi.spyOn(CommitGate.prototype, 'pass');
    const task = new ParallelCSVLoad2Neo4jTask(context(), {
      ...{ file: tripsFile(), types: 'inferred', maxWorkers: WORKERS, tableSize: 16, batchSize: 200 },
      ...options,
    } as ConstructorParameters<typeof ParallelCSVLoad2Neo4jTask>[1]);
    const { success, error, summary } = await task.execute();
    expect(error).toBeUndefined();
    expect(success).toBe(true);
    return { summary, passed: passed.mock.calls.length };
  };

  it('pass no gate where each has an end that its row creates, and none has to be tried again', async () => {
    const [trip, place] = [uniqueLabel('Trip'), uniqueLabel('Place')];
    await makePlaces(context().neo4j, place, PLACES);
    const { summary, passed } = await run({ mapping: tripNodes(trip, place), hubs: 'claim' });
    expect(passed).toBe(0);
    expect(summary.retries).toBeUndefined();
    expect(summary).toMatchObject({ nodes_created: ROWS, relationships_created: 2 * ROWS });
    const { rows } = await context().neo4j.query(
      `MATCH (:${place})<-[:FROM]-(t:${trip})-[:TO]->(:${place}) RETURN count(DISTINCT t.n) AS trips`,
    );
    expect(rows).toEqual([{ trips: ROWS }]);
  });

  it.each([
    ['CREATE', { write: 'create', properties: ['n'] }, {}],
    ['CREATE, with hubs that are shared', { write: 'create', properties: ['n'] }, { share: 0.3 }],
    ['MERGE', { write: 'merge', key: { n: 'n' } }, { buckets: 'balanced' }],
    [
      'MERGE of rows that are sampled',
      { write: 'merge', key: { n: 'n' } },
      { buckets: 'balanced', isComputed: true },
    ],
  ] as const)(
    'pass it until nearly all nodes are dense, and none deadlocks: %s',
    async (_name, kind, options) => {
      const { share = 0, isComputed = false, ...more } = options as Record<string, never>;
      const place = uniqueLabel('Place');
      await makePlaces(context().neo4j, place, 20);
      const random = mulberry32(5);
      const some = () => Math.floor(20 * random());
      const rows = Array.from({ length: ROWS }, (_, n) => `${n},${random() < share ? 0 : some()},${some()}`);
      const file = useFolder().write('dense.csv', `n,start,end\n${rows.join('\n')}\n`);
      const end = isComputed ? ({ end }: { end?: unknown }) => end : 'end';
      const mapping = relationship('TRIP', {
        from: node(place, { id: 'start' }),
        to: node(place, { id: end as string }),
        properties: ['n'],
        ...kind,
      } as Parameters<typeof relationship>[1]);
      const committed = vi.spyOn(Neo4jConnection.prototype, 'transact');
      const { summary, passed } = await run({ file, mapping, ...more });
      expect(summary).toMatchObject({ cypher_rows_written: ROWS, relationships_created: ROWS });
      expect(summary.retries).toBeUndefined();
      expect(passed).toBeGreaterThan(0);
      expect(passed).toBeLessThan(committed.mock.calls.length / 2);
    },
  );

  it('pass it again from the first deadlock on, when the rows that come are unlike those that were looked at', async () => {
    const place = uniqueLabel('Place');
    await makePlaces(context().neo4j, place, 1_010);
    const random = mulberry32(6);
    const counted = SAMPLE_ROWS;
    const row = (n: number) => {
      const some = () => (n < counted ? Math.floor(10 * random()) : 10 + Math.floor(1_000 * random()));
      return `${n},${some()},${some()}`;
    };
    const rows = Array.from({ length: counted + 25_000 }, (_, n) => row(n));
    const file = useFolder().write('changing.csv', `n,start,end\n${rows.join('\n')}\n`);
    const end = ({ end }: { end?: unknown }) => end;
    const mapping = relationship('TRIP', {
      ...{ from: node(place, { id: 'start' }), to: node(place, { id: end as never }), write: 'create' },
      properties: ['n'],
    });
    const { summary, passed } = await run({ file, mapping, batchSize: 500 });
    expect(summary).toMatchObject({ cypher_rows_written: rows.length, relationships_created: rows.length });
    expect(summary.retries).toBeGreaterThan(0);
    expect(passed).toBeGreaterThan(25_000 / 500 / 2); // at the beginning it is passed by a handful
    const { rows: found } = await context().neo4j.query(
      `MATCH (:${place})-[r:TRIP]->(:${place}) RETURN count(r) AS all, count(DISTINCT r.n) AS numbers`,
    );
    expect(found).toEqual([{ all: rows.length, numbers: rows.length }]);
  });

  it.each([
    ['where they join nodes that rows share', {}],
    ['where an extractor of your own splits', { isOwnExtractor: true }],
    ['where hubs are shared', { share: 0.6 }],
  ])(
    'pass it %s',
    async (_name, { isOwnExtractor = false, share = 0 }: { isOwnExtractor?: boolean; share?: number }) => {
      const [trip, place] = [uniqueLabel('Trip'), uniqueLabel('Place')];
      await makePlaces(context().neo4j, place, PLACES);
      const joins = relationship('TRIP', {
        ...{ from: node(place, { id: 'start' }), to: node(place, { id: 'end' }), write: 'create' },
      });
      const mapping = isOwnExtractor || share > 0 ? tripNodes(trip, place) : joins;
      const { passed, summary } = await run({
        mapping,
        ...(isOwnExtractor && { idExtractor: mappingExtractor(compileMapping(mapping), 16) }),
        ...(share > 0 && { file: tripsFile(share) }),
      });
      expect(passed).toBeGreaterThan(0);
      expect(summary.cypher_rows_written).toBe(ROWS);
    },
  );
});
