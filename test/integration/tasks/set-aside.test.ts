/** A row is in the database or in the rejected file, never in both, whatever is tried again or goes on later. */
import { describe, expect, it, vi } from 'vitest';
import { node, relationship } from '../../../src/mapping/patterns.ts';
import { Neo4jError } from '../../../src/neo4j/driver.ts';
import {
  CSVLoad2Neo4jTask,
  type CSVLoad2Neo4jTaskOptions,
} from '../../../src/tasks/csv-load-2-neo4j-task.ts';
import { uniqueLabel, useServer } from '../../support/context.ts';
import { readJsonLines, useFolder } from '../../support/files.ts';

const server = useServer();

async function valuesOf(query: string): Promise<readonly unknown[]> {
  return (await server.context().neo4j.query(query)).rows.map(({ value }) => value);
}

/** The days of a file, of which some are none. */
function days(rows: number, isBad: (n: number) => boolean) {
  const label = uniqueLabel('Day');
  const folder = useFolder();
  const rejectedFile = folder.path('rejected.jsonl');
  const lines = Array.from({ length: rows }, (_, n) => `${n},${isBad(n) ? 'someday' : '2026-11-26'}`);
  const options = {
    name: label,
    file: folder.write('days.csv', `id,date\n${lines.join('\n')}\n`),
    query: `UNWIND $batch AS row CREATE (:${label} {id: toInteger(row.id), date: date(row.date)})`,
    rejectedFile,
  };
  return {
    load: (more: Partial<CSVLoad2Neo4jTaskOptions>) =>
      new CSVLoad2Neo4jTask(server.context(), { ...options, ...more }),
    count: async () => (await valuesOf(`MATCH (n:${label}) RETURN count(n) AS value`))[0],
    rejected: () => readJsonLines(rejectedFile).map(({ rowNumber }) => rowNumber),
  };
}

/** Has the first transaction of a load that did its work end in a deadlock, before its commit. */
function deadlockOnce(betweenTries: () => Promise<unknown>): void {
  const { neo4j } = server.context();
  const transact = neo4j.transact.bind(neo4j);
  let tries = 0;
  vi.spyOn(neo4j, 'transact').mockImplementation((work, options = {}) =>
    transact(async (run) => {
      if (!('isGated' in options)) return work(run);
      if (++tries === 2) await betweenTries();
      const value = await work(run);
      if (tries > 1) return value;
      throw new Neo4jError('met', 'Neo.TransientError.Transaction.DeadlockDetected', '50N05', 'met');
    }, options),
  );
}

describe('a row that was set aside', () => {
  it('is not written by a later try, though its node came meanwhile', async () => {
    const [a, b] = [uniqueLabel('A'), uniqueLabel('B')];
    const { neo4j } = server.context();
    await neo4j.query(`CREATE (:${a} {id: '1'}), (:${b} {id: '1'})`);
    const folder = useFolder();
    const rejectedFile = folder.path('rejected.jsonl');
    deadlockOnce(() => neo4j.query(`CREATE (:${b} {id: '2'})`));
    const { summary } = await new CSVLoad2Neo4jTask(server.context(), {
      file: folder.write('pairs.csv', 'x,y\n1,1\n1,2\n1,3\n'),
      mapping: relationship('R', { from: node(a, { id: 'x' }), to: node(b, { id: 'y' }), write: 'create' }),
      rejectedFile,
    }).execute();
    expect(summary).toMatchObject({
      cypher_rows_written: 1,
      missing_node_rows: 2,
      retries_deadlock_unnamed: 1,
    });
    expect(readJsonLines(rejectedFile).map(({ rowNumber }) => rowNumber)).toEqual([1, 2]);
    expect(await valuesOf(`MATCH (:${a})-[:R]->(n:${b}) RETURN n.id AS value`)).toEqual(['1']);
  });

  it('is none whose node came while it was looked for', async () => {
    const [a, b] = [uniqueLabel('A'), uniqueLabel('B')];
    const { neo4j } = server.context();
    await neo4j.query(`CREATE (:${a} {id: '1'}), (:${b} {id: '1'})`);
    const transact = neo4j.transact.bind(neo4j);
    let looks = 0;
    vi.spyOn(neo4j, 'transact').mockImplementation((work, options) =>
      transact(
        (run) =>
          work(async (cypher, parameters) => {
            if (cypher.includes('n IS NULL') && looks++ === 0) await neo4j.query(`CREATE (:${b} {id: '2'})`);
            return run(cypher, parameters);
          }),
        options,
      ),
    );
    const { summary } = await new CSVLoad2Neo4jTask(server.context(), {
      file: useFolder().write('pairs.csv', 'x,y\n1,1\n1,2\n'),
      constraints: 'none', // with one, who makes the node would wait for the end of the transaction
      mapping: relationship('R', { from: node(a, { id: 'x' }), to: node(b, { id: 'y' }), write: 'create' }),
    }).execute();
    expect(summary).toMatchObject({ cypher_rows_written: 2, retries_transient: 1 });
    expect(looks).toBe(2); // at both ends, once
    expect(await valuesOf(`MATCH (:${a})-[:R]->(n:${b}) RETURN n.id AS value ORDER BY value`)).toEqual([
      '1',
      '2',
    ]);
  });

  it.each([1, 3, 100])(
    'is one whose node another row of the batch makes, where it is not there yet (batches of %d)',
    async (batchSize) => {
      const label = uniqueLabel('Employee');
      await server.context().neo4j.query(`CREATE (:${label} {id: '1'})`);
      const folder = useFolder();
      const { error, summary } = await new CSVLoad2Neo4jTask(server.context(), {
        file: folder.write('staff.csv', 'id,manager\n2,4\n3,1\n4,1\n'),
        mapping: relationship('REPORTS_TO', {
          from: node(label, { id: 'id' }, { write: 'create' }),
          to: node(label, { id: 'manager' }),
          write: 'create',
        }),
        rejectedFile: folder.path('rejected.jsonl'),
        batchSize,
      }).execute();
      expect(error).toBeUndefined();
      expect(summary).toMatchObject({ nodes_created: 2, cypher_rows_written: 2, missing_node_rows: 1 });
      expect(summary.retries).toBeUndefined();
      expect(readJsonLines(folder.path('rejected.jsonl')).map(({ rowNumber }) => rowNumber)).toEqual([0]);
    },
  );

  it.each([
    ['match', 'merge'],
    ['merge', 'match'],
  ] as const)('is found where one end is matched and another one merged (%s, %s)', async (from, to) => {
    const label = uniqueLabel('Place');
    await server.context().neo4j.query(`CREATE (:${label} {id: '1'})`);
    const { error, summary } = await new CSVLoad2Neo4jTask(server.context(), {
      file: useFolder().write('roads.csv', 'a,b\n1,2\n2,1\n1,1\n3,4\n'),
      mapping: relationship('ROAD', {
        from: node(label, { id: 'a' }, { write: from }),
        to: node(label, { id: 'b' }, { write: to }),
        write: 'create',
      }),
      resume: false,
    }).execute();
    expect(error).toBeUndefined();
    const written = summary.relationships_created!;
    expect(written).toBeGreaterThanOrEqual(2);
    expect(summary).toMatchObject({ cypher_rows_written: written, missing_node_rows: 4 - written });
    expect(summary.retries).toBeUndefined();
  });

  it('leaves nothing of its other end behind', async () => {
    const [a, b] = [uniqueLabel('A'), uniqueLabel('B')];
    await server.context().neo4j.query(`CREATE (:${b} {id: '1'})`);
    const folder = useFolder();
    const { summary } = await new CSVLoad2Neo4jTask(server.context(), {
      file: folder.write('pairs.csv', 'x,y,name\n1,1,one\n2,2,two\n1,3,not one\n3,1,three\n'),
      mapping: relationship('R', {
        from: node(a, { id: 'x' }, { write: 'merge', properties: ['name'] }),
        to: node(b, { id: 'y' }),
      }),
      rejectedFile: folder.path('rejected.jsonl'),
    }).execute();
    expect(summary).toMatchObject({ nodes_created: 2, cypher_rows_written: 2, missing_node_rows: 2 });
    expect(await valuesOf(`MATCH (n:${a}) RETURN n.id + ' ' + n.name AS value ORDER BY value`)).toEqual([
      '1 one',
      '3 three',
    ]);
  });

  it('stays aside when the load goes on, which then has more rows to write', async () => {
    const isBad = (n: number) => n >= 2_000 && n < 3_500;
    const { load, count, rejected } = days(4_000, isBad);
    const stop = new AbortController();
    const { neo4j } = server.context();
    const transact = neo4j.transact.bind(neo4j);
    const spy = vi.spyOn(neo4j, 'transact').mockImplementation(async (work, options) => {
      const done = await transact(work, options);
      if (done.statistics.nodes_created === 2_000) stop.abort();
      return done;
    });
    const stopped = await load({ batchSize: 2_000 }).execute({ signal: stop.signal });
    expect(stopped).toMatchObject({ success: false, summary: { nodes_created: 2_000 } });
    spy.mockRestore();
    const { success, error } = await load({ batchSize: 2_000 }).execute();
    expect(error).toBeUndefined();
    expect(success).toBe(true);
    expect(await count()).toBe(2_500);
    expect(rejected()).toEqual(Array.from({ length: 1_500 }, (_, n) => 2_000 + n));
  });

  it('counts against the limit in every attempt', async () => {
    const { load, count, rejected } = days(9, (n) => n < 3);
    for (let attempt = 0; attempt < 3; attempt++) {
      const { error, summary } = await load({ maxRejected: 0 }).execute();
      expect(error).toMatchObject({ code: 'GW_REJECTED_LIMIT' });
      expect(summary.nodes_created ?? 0).toBe(await count());
    }
    expect(rejected()).toEqual([0]);
    expect(await load({ maxRejected: 3 }).execute()).toMatchObject({ success: true });
    expect(await count()).toBe(6);
  });

  it('does not count for the next execution of a task', async () => {
    const { load } = days(5, (n) => n === 2);
    const task = load({ maxRejected: 1, resume: false });
    expect(await task.execute()).toMatchObject({ success: true });
    expect(await task.execute()).toMatchObject({ success: true, summary: { rows_rejected: 1 } });
  });
});

describe('a load that ends in an error', () => {
  it('accounts for the parts of its last batch that were committed', async () => {
    const { load, count } = days(64, (n) => n === 60);
    const { summary, error } = await load({ maxRejected: 0 }).execute();
    expect(error).toMatchObject({ code: 'GW_REJECTED_LIMIT' });
    expect(await count()).toBe(60);
    expect(summary).toMatchObject({ nodes_created: 60, rows_rejected: 1 });
  });
});

describe('nodes that have to be there', () => {
  it('are given their properties, and rows without one are set aside', async () => {
    const label = uniqueLabel('Person');
    await server.context().neo4j.query(`CREATE (:${label} {id: '1'}), (:${label} {id: '2'})`);
    const folder = useFolder();
    const rejectedFile = folder.path('rejected.jsonl');
    const { success, summary } = await new CSVLoad2Neo4jTask(server.context(), {
      file: folder.write('people.csv', 'id,name\n1,One\n3,Three\n2,Two\n4,Four\n1,Last\n'),
      mapping: node([label, 'Known'], { id: 'id' }, { properties: ['name'], write: 'match' }),
      rejectedFile,
    }).execute();
    expect(success).toBe(true);
    expect(summary).toMatchObject({ cypher_rows_written: 3, missing_node_rows: 2, properties_set: 3 });
    expect(readJsonLines(rejectedFile)).toMatchObject([
      { rowNumber: 1, code: 'GW_WRITE_MISSING_NODE', message: `There is no :${label} with id "3" (string)` },
      { rowNumber: 3 },
    ]);
    expect(
      await valuesOf(`MATCH (n:${label}:Known) RETURN n.id + ' ' + n.name AS value ORDER BY value`),
    ).toEqual(['1 Last', '2 Two']);
  });
});
