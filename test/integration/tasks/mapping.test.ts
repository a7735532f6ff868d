import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Mapping, node, relationship } from '../../../src/mapping/patterns.ts';
import { CSVLoad2Neo4jTask, ParallelCSVLoad2Neo4jTask } from '../../../src/tasks/csv-load-2-neo4j-task.ts';
import { uniqueLabel, useServer } from '../../support/context.ts';
import { readJsonLines, useFolder } from '../../support/files.ts';
import { skewedRatings } from '../../support/ratings.ts';

const { context } = useServer();

function ratingsFile(rows: number): { file: string; last: Map<string, number> } {
  const last = new Map<string, number>();
  const lines = skewedRatings(rows, 3).map(({ user, movie, rating }) => {
    last.set(`${user} ${movie}`, rating);
    return `${user},${movie},${rating}`;
  });
  return { file: useFolder().write('ratings.csv', `user,movie,rating\n${lines.join('\n')}\n`), last };
}

describe('a mapping', () => {
  it('merges nodes and relationships in parallel, with the last row of a pair, as one writer does', async () => {
    const { file, last } = ratingsFile(20_000);
    const [u, m] = [uniqueLabel('User'), uniqueLabel('Movie')];
    const mapping = relationship('RATED', {
      from: node(u, { id: 'user' }, { write: 'merge' }),
      to: node([m, `${m}Extra`], { id: 'movie' }, { write: 'merge' }),
      properties: ['rating'],
    });
    const options = { file, mapping, types: 'inferred' as const, batchSize: 500, maxWorkers: 4 };
    for (let run = 0; run < 2; run++) {
      const { success, error, summary } = await new ParallelCSVLoad2Neo4jTask(context(), options).execute();
      expect(error).toBeUndefined();
      expect(success).toBe(true);
      expect(summary.cypher_rows_written).toBe(20_000);
      expect(summary.retries).toBeUndefined();
      expect(summary.relationships_created ?? 0).toBe(run === 0 ? last.size : 0);
    }
    const { rows } = await context().neo4j.query(
      `MATCH (u:\`${u}\`)-[r:RATED]->(m:\`${m}\`:\`${m}Extra\`) RETURN u.id AS u, m.id AS m, r.rating AS rating`,
    );
    expect(new Map(rows.map(({ u, m, rating }) => [`${u} ${m}`, rating]))).toEqual(last);
  });

  it.each([3, 1])('finds one node by -0 and 0, in batches of %i', async (batchSize) => {
    const file = useFolder().write('signs.csv', 'from,to\n-0.0,0.0\n0.0,-0.0\n-0.0,-0.0\n');
    const [sign, made, pair] = ['Sign', 'Made', 'Pair'].map(uniqueLabel) as [string, string, string];
    const minusZero = (row: { from: number }) => row.from * 0;
    const ends = (write: 'merge' | 'match') => ({
      from: node(pair, { id: 'from', copy: 'to' }, { write }),
      to: node(pair, { id: 'to', copy: minusZero }, { write }),
    });
    const mappings = [
      node(sign, { id: 'from' }),
      node(sign, { id: minusZero }, { write: 'match' }),
      relationship('SELF', {
        from: node(sign, { id: 'from' }),
        to: node(sign, { id: 'to' }),
        write: 'create',
      }),
      relationship('MADE', {
        from: node(sign, { id: 'to' }),
        to: node(made, { id: 'from' }, { write: 'create', properties: { value: () => -0 } }),
      }),
      relationship('PAIR', ends('merge')),
      relationship('PAIR', { ...ends('match'), write: 'create' }),
    ];
    for (const mapping of mappings) {
      const options = { file, mapping, batchSize };
      const types = { from: 'DOUBLE', to: 'DOUBLE' };
      const { error, summary } = await new CSVLoad2Neo4jTask(context(), { ...options, types }).execute();
      expect(error).toBeUndefined();
      expect(summary.cypher_rows_written).toBe(3);
    }
    const { rows } = await context().neo4j.query(
      `MATCH (n:${sign}|${made}|${pair})
       RETURN labels(n)[0] AS label, toString(n.id) AS id, toString(n.value) AS value, COUNT { (n)--() } AS ends ORDER BY label DESC`,
    );
    expect(rows.filter(({ label }) => label !== made)).toEqual([
      { label: sign, id: '0.0', value: null, ends: 6 },
      { label: pair, id: '0.0', value: null, ends: 4 },
    ]);
    expect(rows.filter(({ label }) => label === made)).toEqual(
      [1, 2, 3].map(() => ({ label: made, id: '0.0', value: '-0.0', ends: 1 })),
    );
  });

  it('sets rows without their nodes aside, with file, row number and key, and loads the others', async () => {
    const label = uniqueLabel('Airport');
    const folder = useFolder();
    const airports = folder.write('airports.csv', 'iata,name\nAAA,First\nBBB,Second\n');
    const flights = folder.write(
      'flights.csv',
      'origin,destination,miles\nAAA,BBB,1\nAAA,XXX,2\nBBB,AAA,3\nYYY,ZZZ,4\nBBB,BBB,5\n',
    );
    const nodes = await new CSVLoad2Neo4jTask(context(), {
      file: airports,
      mapping: node(label, { iata: 'iata' }, { properties: ['name'] }),
    }).execute();
    expect(nodes.summary).toMatchObject({ nodes_created: 2, cypher_rows_written: 2 });
    const rejectedFile = folder.path('rejected.jsonl');
    const mapping = relationship(uniqueLabel('FLIGHT'), {
      from: node(label, { iata: 'origin' }),
      to: node(label, { iata: 'destination' }),
      properties: { miles: (row: { miles: string }) => Number(row.miles) },
      write: 'create',
    });
    for (const Load of [CSVLoad2Neo4jTask, ParallelCSVLoad2Neo4jTask]) {
      const { success, summary } = await new Load(context(), {
        file: flights,
        mapping,
        rejectedFile,
      }).execute();
      expect(success).toBe(true);
      expect(summary).toMatchObject({
        relationships_created: 3,
        cypher_rows_written: 3,
        missing_node_rows: 2,
      });
    }
    const lines = readJsonLines(rejectedFile);
    expect(lines).toHaveLength(4);
    expect(lines).toContainEqual(
      expect.objectContaining({
        file: flights,
        rowNumber: 1,
        stage: 'write',
        code: 'GW_WRITE_MISSING_NODE',
        message: `There is no :${label} with iata "XXX" (string)`,
        row: { _row: 1, origin: 'AAA', destination: 'XXX', miles: '2' },
      }),
    );
    const failed = await new CSVLoad2Neo4jTask(context(), {
      file: flights,
      mapping,
      missingNodes: 'error',
    }).execute();
    expect(failed.error).toMatchObject({ code: 'GW_WRITE_MISSING_NODE' });
    const ignored = await new CSVLoad2Neo4jTask(context(), {
      file: flights,
      mapping,
      missingNodes: 'ignore',
    }).execute();
    expect(ignored.summary).toMatchObject({ missing_node_rows: 2 });
  });

  it('creates a node and its relationships a row', async () => {
    const [trip, zone] = [uniqueLabel('Trip'), uniqueLabel('Zone')];
    const file = useFolder().write(
      'trips.csv',
      `id,from,to,fare\n${Array.from({ length: 500 }, (_, i) => `${i},${i % 7},${i % 5},${i}.5`).join('\n')}\n`,
    );
    const t = node(trip, {}, { write: 'create', properties: { id: 'id', fare: 'fare' } });
    const { success, error, summary } = await new ParallelCSVLoad2Neo4jTask(context(), {
      file,
      types: 'inferred',
      batchSize: 50,
      mapping: [
        relationship('FROM', {
          from: t,
          to: node(zone, { id: 'from' }, { write: 'merge' }),
          write: 'create',
        }),
        relationship('TO', { from: t, to: node(zone, { id: 'to' }, { write: 'merge' }), write: 'create' }),
      ],
    }).execute();
    expect(error).toBeUndefined();
    expect(success).toBe(true);
    expect(summary).toMatchObject({ nodes_created: 507, relationships_created: 1000 });
    const { rows } = await context().neo4j.query(
      `MATCH (t:\`${trip}\`)-[:FROM]->(z) WITH t, z MATCH (t)-[:TO]->(y) WHERE z.id = t.id % 7 AND y.id = t.id % 5
       RETURN count(*) AS right`,
    );
    expect(rows[0]?.right).toBe(500);
  });

  it('refuses a column that the rows have not, before anything is written', async () => {
    const label = uniqueLabel('Thing');
    const file = useFolder().write('things.csv', 'name,size\na,1\n');
    const { error } = await new CSVLoad2Neo4jTask(context(), {
      file,
      mapping: node(label, { name: 'nmae' }),
    }).execute();
    expect(error).toMatchObject({
      code: 'GW_MAPPING_COLUMN',
      message: 'The mapping wants column `nmae`, which the rows do not have; did you mean `name`?',
    });
  });

  it('takes a field that later rows have not for null, in whatever cells they come', async () => {
    const label = uniqueLabel('Person');
    const lines = Array.from({ length: 400 }, (_, id) => `${id},${id % 50 === 0 ? `nick${id}` : ''}`);
    const { error, summary } = await new ParallelCSVLoad2Neo4jTask(context(), {
      file: useFolder().write('people.csv', `id,nick\n${lines.join('\n')}\n`),
      types: { id: 'INTEGER' },
      schema: z
        .object({ id: z.number(), nick: z.string().nullable() })
        .transform(({ id, nick }): { id: number; nick?: string } => (nick ? { id, nick } : { id })),
      mapping: node(label, { id: 'id' }, { properties: ['nick'] }),
      batchSize: 20,
    }).execute();
    expect(error).toBeUndefined();
    expect(summary).toMatchObject({ nodes_created: 400, properties_set: 400 + 8 });
  });

  it('says which constraint is missing, or why it cannot be made', async () => {
    const label = uniqueLabel('Twice');
    await context().neo4j.query(`CREATE (:\`${label}\` {id: 1}), (:\`${label}\` {id: 1})`);
    const file = useFolder().write('twice.csv', 'id\n1\n');
    const mapping = node(label, { id: 'id' });
    const checked = await new CSVLoad2Neo4jTask(context(), { file, mapping, constraints: 'check' }).execute();
    expect(checked.error).toMatchObject({ code: 'GW_CONFIG_CONSTRAINT' });
    const made = await new CSVLoad2Neo4jTask(context(), { file, mapping }).execute();
    expect(made.error).toMatchObject({ code: 'GW_CONFIG_CONSTRAINT' });
    expect(made.error?.message).toMatch(
      /could not be made: a key occurs twice in the database: both Node\(\d+\) and Node\(\d+\) have the label `Twice_\w+` and property `id` = 1\. /,
    );
    const [statement] = /MATCH .*$/.exec(made.error!.message)!;
    expect((await context().neo4j.query(statement)).rows).toEqual([{ key: [1], nodes: 2 }]);
  });

  it('makes them once where several loads begin at once', async () => {
    const file = useFolder().write('pairs.csv', 'a,b\n1,2\n');
    for (let round = 0; round < 4; round++) {
      const [a, b] = [uniqueLabel('Once'), uniqueLabel('Once')];
      const end = (label: string, id: string) => node(label, { id }, { write: 'merge' });
      const loads = Array.from({ length: 6 }, (_, i) => {
        const [from, to] = i % 2 === 0 ? [end(a, 'a'), end(b, 'b')] : [end(b, 'b'), end(a, 'a')];
        const mapping = relationship('PAIR', { from, to });
        return new CSVLoad2Neo4jTask(context(), { name: `load ${i}`, file, mapping, resume: false });
      });
      const results = await Promise.all(loads.map((load) => load.execute()));
      expect(results.map(({ error }) => error?.message)).toEqual(loads.map(() => undefined));
    }
  });

  it('says what to do where an index stands in the way of a constraint', async () => {
    const label = uniqueLabel('Indexed');
    await context().neo4j.query(`CREATE INDEX FOR (n:${label}) ON (n.id)`);
    const file = useFolder().write('indexed.csv', 'id\n1\n');
    const mapping = node(label, { id: 'id' });
    const { error } = await new CSVLoad2Neo4jTask(context(), { file, mapping }).execute();
    expect(error).toMatchObject({ code: 'GW_CONFIG_CONSTRAINT' });
    expect(error?.message).toMatch(/could not be made: an index of its own is there\. Drop it/);
    const without = new CSVLoad2Neo4jTask(context(), { file, mapping, constraints: 'none' });
    expect(await without.execute()).toMatchObject({ success: true });
  });

  it.each([
    ['match', 'create'],
    ['merge', 'create'],
    ['match', 'merge'],
  ] as const)(
    'writes nothing where two nodes have a key and no constraint is wanted (%s, %s)',
    async (ends, write) => {
      const label = uniqueLabel('Twin');
      await context().neo4j.query(`UNWIND [1, 2, 2, 3] AS id CREATE (:${label} {id: id})`);
      const { error } = await new CSVLoad2Neo4jTask(context(), {
        file: useFolder().write('twins.csv', 'a,b\n2,1\n3,1\n1,3\n'),
        types: 'inferred',
        constraints: 'none',
        mapping: relationship('KNOWS', {
          from: node(label, { id: 'a' }, { write: ends }),
          to: node(label, { id: 'b' }, { write: ends }),
          write,
        }),
      }).execute();
      expect(error).toMatchObject({ code: 'GW_CONFIG_CONSTRAINT' });
      expect(error!.message).toContain(`WITH [n.\`id\`] AS key, count(*) AS nodes WHERE nodes > 1`);
      const { rows } = await context().neo4j.query(`MATCH (:${label})-[r]->() RETURN count(r) AS n`);
      expect(rows).toEqual([{ n: 0 }]);
    },
  );

  it.each(['match', 'merge'] as const)(
    'writes no node twice where two nodes have a key and no constraint is wanted (%s)',
    async (write) => {
      const label = uniqueLabel('Twin');
      await context().neo4j.query(`UNWIND [1, 2, 2, 3] AS id CREATE (:${label} {id: id})`);
      const { error, summary } = await new CSVLoad2Neo4jTask(context(), {
        file: useFolder().write('twins.csv', 'a,b\n2,1\n3,1\n1,3\n'),
        types: 'inferred',
        constraints: 'none',
        mapping: node(label, { id: 'a' }, { write, properties: ['b'] }),
      }).execute();
      expect(error).toMatchObject({ code: 'GW_CONFIG_CONSTRAINT' });
      expect(summary.properties_set).toBeUndefined();
    },
  );

  it('takes hostile names for names', async () => {
    const hostile = [
      'a`b',
      '`) DETACH DELETE n //',
      'x\\u0060y',
      'it\'s "so"',
      '\\u0060}) DETACH DELETE (n) //',
      'ütf ✈ 名',
      'a\\\\u0060',
    ];
    for (const name of hostile) {
      const label = `${uniqueLabel('L')}${name}`;
      const file = useFolder().write('x.csv', 'k,v\n1,2\n');
      const { error } = await new CSVLoad2Neo4jTask(context(), {
        file,
        mapping: relationship(name, {
          from: node(label, { [name]: 'k' }, { write: 'merge' }),
          to: node(label, { [name]: 'v' }, { write: 'merge' }),
          properties: { [name]: 'v' },
        }),
        constraints: 'none',
      }).execute();
      expect(error).toBeUndefined();
      const { rows } = await context().neo4j.query(
        'MATCH (a)-[r]->(b) WHERE $label IN labels(a) RETURN labels(a) AS labels, type(r) AS type, keys(r) AS keys, a[$name] AS a, b[$name] AS b',
        { label, name },
      );
      expect(rows).toEqual([{ labels: [label], type: name, keys: [name], a: '1', b: '2' }]);
    }
  });

  it('gets as many buckets for two workers as for four where something is merged, no more where not, and few for few rows', async () => {
    const folder = useFolder();
    const few = folder.write('few.csv', 'user,movie\n1,2\n');
    const file = folder.write('ratings.csv', `user,movie\n${'1,2\n'.repeat(150)}`);
    const ends = (write: 'merge' | 'match', isOneKind: boolean) => {
      const u = uniqueLabel('User');
      return {
        from: node(u, { id: 'user' }, { write }),
        to: node(isOneKind ? u : uniqueLabel('Movie'), { id: 'movie' }, { write }),
      };
    };
    const sizes: unknown[] = [];
    for (const [write, nodes, isOneKind] of [
      ['merge', 'match', false],
      ['create', 'merge', false],
      ['merge', 'match', true],
      ['create', 'match', false],
      ['create', 'match', true],
    ] as const) {
      const mapping = relationship('RATED', { ...ends(nodes, isOneKind), write });
      const options = { mapping, maxWorkers: 2, batchSize: 1 };
      const task = new ParallelCSVLoad2Neo4jTask(context(), { file, ...options });
      const short = new ParallelCSVLoad2Neo4jTask(context(), { file: few, ...options });
      sizes.push([(await task.explain())?.tableSize, (await short.explain())?.tableSize]);
    }
    expect(sizes).toEqual([8, 8, 12, 4, 6].map((most) => [most, 4]));
  });

  it('has larger batches by default where relationships are merged', () => {
    const [from, to] = [node('User', { id: 'user' }), node('Movie', { id: 'movie' })];
    const sizeOf = (mapping: Mapping, options = {}) =>
      new ParallelCSVLoad2Neo4jTask(context(), { file: 'ratings.csv', mapping, ...options }).batchSize;
    expect(sizeOf(relationship('RATED', { from, to }))).toBe(20_000);
    expect(sizeOf(relationship('RATED', { from, to }), { batchSize: 7 })).toBe(7);
    expect(sizeOf(relationship('RATED', { from, to, write: 'create' }))).toBe(10_000);
    expect(sizeOf(node('User', { id: 'user' }, { write: 'merge' }))).toBe(10_000);
  });

  it('loads the same graph with balanced buckets, from a file that is counted and from rows that are sampled', async () => {
    const { file, last } = ratingsFile(3_000);
    const shapes = [
      { startKey: 'user', endKey: 'movie', query: true, read: {} },
      { query: false, read: {} },
      // A malformed line and a schema do not disturb the count.
      {
        query: false,
        read: {
          schema: z.object({ user: z.coerce.number(), movie: z.coerce.number(), rating: z.coerce.number() }),
        },
      },
    ];
    for (const { query, read, ...keys } of shapes) {
      const [u, m] = [uniqueLabel('User'), uniqueLabel('Movie')];
      const what = query
        ? {
            query: `UNWIND $batch AS row MERGE (u:\`${u}\` {id: row.user}) MERGE (m:\`${m}\` {id: row.movie}) MERGE (u)-[r:RATED]->(m) SET r.rating = row.rating`,
          }
        : {
            mapping: relationship('RATED', {
              from: node(u, { id: 'user' }, { write: 'merge' }),
              to: node(m, { id: 'movie' }, { write: 'merge' }),
              properties: ['rating'],
            }),
          };
      const types = 'schema' in read ? ('text' as const) : ('inferred' as const);
      const task = new ParallelCSVLoad2Neo4jTask(context(), {
        ...{ file, types, buckets: 'balanced', batchSize: 500 },
        ...what,
        ...keys,
        ...read,
      });
      const plan = await task.explain();
      expect(plan).toMatchObject({ totalRows: 3_000, workers: 4, tableSize: 4, buckets: 'balanced' });
      expect(plan!.expectedSpeedup).toBeGreaterThan(3.5);
      const { success, error, summary } = await task.execute();
      expect(error).toBeUndefined();
      expect(success).toBe(true);
      expect(summary.relationships_created).toBe(last.size);
    }
    const refused = () =>
      new ParallelCSVLoad2Neo4jTask(context(), {
        file,
        buckets: 'balanced',
        idExtractor: () => [0, 0],
        query: 'UNWIND $batch AS row RETURN 1',
      });
    expect(refused).toThrow(expect.objectContaining({ code: 'GW_CONFIG_OPTION' }));
  });
});
