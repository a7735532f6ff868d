import neo4j from 'neo4j-driver';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ValidationError } from '../../../src/core/errors.ts';
import { checkColumns, compileMapping } from '../../../src/mapping/compile.ts';
import { mappingExtractor } from '../../../src/mapping/mapping-extractor.ts';
import { type NodePattern, node, relationship } from '../../../src/mapping/patterns.ts';
import { prepareBatch } from '../../../src/sinks/prepare-batch.ts';
import { CSVLoad2Neo4jTask } from '../../../src/tasks/csv-load-2-neo4j-task.ts';
import { testContext } from '../core/test-context.ts';

const flight = relationship('FLIGHT', {
  from: node('Airport', { iata: 'origin' }),
  to: node('Airport', { iata: 'destination' }),
  properties: ['delay'],
  write: 'create',
});
const rating = relationship('RATED', {
  from: node('User', { id: 'user' }, { write: 'merge' }),
  to: node(['Movie', 'Item'], { id: 'movie' }, { write: 'merge', properties: { title: 'title' } }),
  properties: { stars: (row: { stars: string }) => Number(row.stars) },
});

/** The list as the driver would get it, with its integers as numbers. */
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify([...(value as Iterable<unknown>)], (_, v) => (typeof v?.low === 'number' ? v.low : v)),
  );

describe('compileMapping', () => {
  it('finds both ends of one kind in one list, and refers to them by position', () => {
    const { statement, claims, columns, createsOnly } = compileMapping(flight);
    expect(statement).toBe(
      [
        'UNWIND $keys0 AS key',
        'OPTIONAL MATCH (n:`Airport` {`iata`: key})',
        'WITH collect([n]) AS n0',
        'WHERE size(n0) = size($keys0)',
        'UNWIND $rows AS r',
        'WITH r, n0[r[0]][0] AS e0, n0[r[1]][0] AS e1',
        'WHERE e0 IS NOT NULL AND e1 IS NOT NULL',
        'CREATE (e0)-[x0:`FLIGHT` {`delay`: r[2]}]->(e1)',
        'RETURN count(*) AS rows',
      ].join('\n'),
    );
    expect(claims.map(({ space }) => space)).toEqual([0, 0]);
    expect(columns).toEqual(['origin', 'destination', 'delay']);
    expect(createsOnly).toBe(true);
  });

  it('takes a key of several properties for one key at both ends, in whatever order it is given', () => {
    const compiled = compileMapping(
      relationship('ROAD', {
        from: node('City', { country: 'c1', name: 'n1' }),
        to: node('City', { name: 'n2', country: 'c2' }),
        write: 'create',
      }),
    );
    expect(compiled.spaces).toEqual([{ label: 'City', properties: ['country', 'name'] }]);
    expect(compiled.lists).toHaveLength(1);
    const extract = mappingExtractor(compiled, 64);
    expect(extract.monopartite).toBe(true);
    const [ulm, nice] = [
      ['de', 'Ulm'],
      ['fr', 'Nice'],
    ];
    const buckets = (from: string[], to: string[]) => [
      ...extract({ c1: from[0], n1: from[1], c2: to[0], n2: to[1] }),
    ];
    expect(buckets(nice!, ulm!)).toEqual(buckets(ulm!, nice!).reverse());
    const { parameters } = prepareBatch(
      compiled,
      { chunk: [{ c1: 'de', n1: 'Ulm', c2: 'de', n2: 'Ulm' }] },
      new Set(),
    );
    expect(plain(parameters.keys0)).toEqual([ulm]);
    // A comma in a name makes no two names of it.
    const comma = relationship('X', { from: node('A', { 'a,b': 'x' }), to: node('A', { a: 'y', b: 'z' }) });
    expect(compileMapping(comma).spaces).toHaveLength(2);
  });

  it('merges ends with more labels and properties of their own, and looks once at each node for its relationships', () => {
    const { statement, statementByEnd } = compileMapping(rating);
    const nodes = [
      'UNWIND $keys0 AS key',
      'MERGE (n:`User` {`id`: key})',
      'SET n:`User`', // locks it
      'WITH collect([n]) AS n0',
      'WHERE size(n0) = size($keys0)',
      'UNWIND $keys1 AS key',
      'MERGE (n:`Movie` {`id`: key[0]})',
      'SET n:`Movie`:`Item`',
      'SET n.`title` = key[1]',
      'WITH n0, collect([n]) AS n1',
      'WHERE size(n1) = size($keys1)',
    ];
    const writes = [
      'FOREACH (_ IN CASE WHEN NOT isKnown THEN [1] ELSE [] END | CREATE (e0)-[x0:`RATED` {`stars`: r[1]}]->(e1))',
      'FOREACH (_ IN CASE WHEN isKnown THEN [1] ELSE [] END | MERGE (e0)-[x0:`RATED`]->(e1) SET x0.`stars` = r[1])',
      'RETURN count(*) AS rows',
    ];
    expect(statement).toBe(
      [
        ...nodes,
        'UNWIND $groups AS g',
        'WITH $rows[g[1]..g[2]] AS rows, n0[g[0]][0] AS e0, n1',
        'WITH rows, e0, [r IN rows | n1[r[0]][0]] AS ends, COUNT { (e0)-[:`RATED`]->() } > $look * size(rows) AS isWide',
        'WITH rows, e0, ends, isWide, CASE WHEN isWide THEN [] ELSE [(e0)-[:`RATED`]->(e) WHERE e IN ends | e] END AS known',
        'UNWIND range(0, size(rows) - 1) AS i',
        'WITH rows[i] AS r, e0, ends[i] AS e1, isWide, known',
        'WITH r, e0, e1, isWide OR e1 IN known AS isKnown',
        ...writes,
      ].join('\n'),
    );
    expect(statementByEnd).toBe(
      [
        ...nodes,
        'UNWIND $groups AS g',
        'WITH $rows[g[1]..g[2]] AS rows, n1[g[0]][0] AS e1, n0',
        'WITH rows, e1, [r IN rows | n0[r[0]][0]] AS ends, COUNT { ()-[:`RATED`]->(e1) } > $look * size(rows) AS isWide',
        'WITH rows, e1, ends, isWide, CASE WHEN isWide THEN [] ELSE [(e)-[:`RATED`]->(e1) WHERE e IN ends | e] END AS known',
        'UNWIND range(0, size(rows) - 1) AS i',
        'WITH rows[i] AS r, e1, ends[i] AS e0, isWide, known',
        'WITH r, e0, e1, isWide OR e0 IN known AS isKnown',
        ...writes,
      ].join('\n'),
    );
  });

  it('knows where commits can meet: on links between nodes that rows share', () => {
    const own = node('Trip', {}, { properties: ['n'], write: 'create' });
    const [a, b] = [node('Place', { id: 'a' }), node('Place', { id: 'b' }, { write: 'merge' })];
    const link = (from: NodePattern, to: NodePattern) => relationship('X', { from, to, write: 'create' });
    const meet = (...mapping: ReturnType<typeof link>[]) => compileMapping(mapping).linksShared;
    expect([meet(link(own, a)), meet(link(own, a), link(b, own))]).toEqual([false, false]);
    expect([meet(link(a, b)), meet(link(own, a), link(a, b))]).toEqual([true, true]);
    expect(meet(relationship('X', { from: a, to: b }))).toBe(true);
  });

  it('leaves rows as they are where no one relationship is merged', () => {
    const person = node('Person', { id: 'a' }, { write: 'merge' });
    const other = node('Person', { id: 'b' }, { write: 'merge' });
    const knows = relationship('KNOWS', { from: person, to: other });
    const self = compileMapping(relationship('KNOWS', { from: person, to: person }));
    for (const compiled of [
      self,
      compileMapping(flight),
      compileMapping([knows, relationship('LIKES', { from: person, to: other })]),
    ]) {
      expect(compiled.statementByEnd).toBeUndefined();
      expect(compiled.statement).toContain('UNWIND $rows AS r');
    }
    expect(self.lastRowCounts).toBe(true);
  });

  it('compiles nodes by what is to be done with them', () => {
    const compiled = (write: 'match' | 'merge' | 'create') =>
      compileMapping(node(['A', 'B'], { id: 'id' }, { properties: ['x'], write })).statement;
    expect(compiled('create')).toBe(
      'UNWIND $rows AS r\nCREATE (n:`A`:`B` {`id`: r[0], `x`: r[1]})\nRETURN count(*) AS rows',
    );
    expect(compiled('merge')).toContain('MERGE (n:`A` {`id`: r[0]})\nSET n:`B`\nSET n.`x` = r[1]');
    expect(compiled('match')).toBe(
      [
        'UNWIND $keys0 AS key',
        'OPTIONAL MATCH (n:`A` {`id`: key})',
        'WITH collect([n]) AS n0',
        'WHERE size(n0) = size($keys0)',
        'UNWIND $rows AS r',
        'WITH r, n0[r[0]][0] AS e0',
        'WHERE e0 IS NOT NULL',
        'SET e0:`B`',
        'SET e0.`x` = r[1]',
        'RETURN count(*) AS rows',
      ].join('\n'),
    );
  });

  it('refuses patterns that do not fit together, in one sentence', () => {
    expect(() => compileMapping([] as never)).toThrow('at least one relationship');
    expect(() => compileMapping({} as never)).toThrow('must be a node(…), a relationship(…)');
    expect(() => node('A', {})).toThrow("at least one key, unless write is 'create'");
    expect(() => node('', { id: 'id' })).toThrow('no name');
    expect(() => node('A', { id: 7 } as never)).toThrow("`keys.id` must be a column's name or a function");
    expect(() => node('A', { id: 'id' }, { propertys: [] } as never)).toThrow('did you mean `properties`?');
    expect(() =>
      relationship('T', {
        from: node('A', { id: 'a' }),
        to: node('A', { id: 'b' }),
        key: ['k'],
        write: 'create',
      }),
    ).toThrow("needs write: 'merge'");
    expect(() => relationship('T', { from: node('A', { id: 'a' }) } as never)).toThrow(
      '`to` must be a node(…)',
    );
    expect(() => node(undefined as never, { id: 'id' })).toThrow('`labels` holds undefined');
    expect(() => checkColumns({ columns: ['dely'] }, ['delay', 'x'])).toThrow('did you mean `delay`?');
  });
});

describe('a property that is a key, too', () => {
  it('may have the same column, and no other: the node would be found by neither', () => {
    expect(() => node('A', { id: 'id' }, { properties: ['id', 'name'] })).not.toThrow();
    const other = { properties: { id: 'name' } };
    expect(() => node('A', { id: 'id' }, other)).toThrow('gives `id` another value than the key');
    const ends = { from: node('A', { id: 'a' }), to: node('A', { id: 'b' }) };
    expect(() => relationship('T', { ...ends, key: ['at'], properties: { at: () => 1 } })).toThrow(
      'gives `at` another value than the key',
    );
  });

  it('is none that the id of the run is written to', () => {
    const a = node('A', { id: 'a' }, { properties: ['run'] });
    for (const mapping of [a, relationship('T', { from: node('B', { id: 'b' }), to: a })]) {
      expect(() => compileMapping(mapping, { runTag: 'run' })).toThrow('`runTag` is `run`');
      expect(() => compileMapping(mapping, { runTag: 'load' })).not.toThrow();
    }
  });
});

describe('a prepared batch', () => {
  it('sends each key once, and of rows that are one relationship the last', () => {
    const rows = [
      { user: 1, movie: 'a', title: 'old', stars: '1' },
      { user: 2, movie: 'a', title: 'older', stars: '2' },
      { user: 1, movie: 'a', title: 'new', stars: '3' },
    ];
    const { parameters, sent } = prepareBatch(compileMapping(rating), { chunk: rows }, new Set());
    expect(sent).toBe(2);
    expect(plain(parameters.keys0)).toEqual([1, 2]);
    expect(plain(parameters.keys1)).toEqual([['a', 'new']]);
    expect(plain(parameters.groups)).toEqual([
      [0, 0, 1],
      [1, 1, 2],
    ]);
    expect(plain(parameters.rows)).toEqual([
      [0, 3],
      [0, 2],
    ]);
  });

  it('groups the rows of a merged relationship by the end with more nodes', () => {
    const merged = compileMapping(
      relationship('IN', {
        from: node('Person', { id: 'person' }, { write: 'merge' }),
        to: node('City', { id: 'city' }, { write: 'merge' }),
        properties: ['since'],
      }),
    );
    const rows = [
      { person: 'a', city: 'X', since: 1 },
      { person: 'b', city: 'X', since: 2 },
      { person: 'a', city: 'Y', since: 3 },
      { person: 'c', city: 'X', since: 4 },
    ];
    const byPerson = prepareBatch(merged, { chunk: rows }, new Set());
    expect(byPerson.statement).toBe(merged.statement);
    expect(plain(byPerson.parameters.groups)).toEqual([
      [0, 0, 2],
      [1, 2, 3],
      [2, 3, 4],
    ]);
    expect(plain(byPerson.parameters.rows)).toEqual([
      [0, 1],
      [1, 3],
      [0, 2],
      [0, 4],
    ]);
    const turned = rows.map(({ person, city, since }) => ({ person: city, city: person, since }));
    const byCity = prepareBatch(merged, { chunk: turned }, new Set());
    expect(byCity.statement).toBe(merged.statementByEnd);
    expect(plain(byCity.parameters.groups)).toEqual(plain(byPerson.parameters.groups));
    expect(plain(byCity.parameters.rows)).toEqual(plain(byPerson.parameters.rows));

    const lookAfter = (createdShare?: number) =>
      prepareBatch(merged, { chunk: rows }, new Set(), createdShare).parameters.look;
    expect([lookAfter(), lookAfter(0.2), lookAfter(0.19)]).toEqual([64, 64, 0]);
  });

  it('takes a number for the same key in whatever type it comes', () => {
    const chunk = [1, 1n, neo4j.int(1), 2n ** 60n, neo4j.int('1152921504606846976')].map((origin) => ({
      origin,
      destination: 5n,
      delay: 1,
    }));
    const { places } = prepareBatch(compileMapping(flight), { chunk }, new Set());
    expect([...places[0]!]).toEqual([0, 0, 0, 1, 1]);
  });

  it('keeps every row of what is created', () => {
    const rows = [
      { origin: 'A', destination: 'B', delay: 1 },
      { origin: 'B', destination: 'A', delay: null },
      { origin: 'A', destination: 'B', delay: 1 },
    ];
    const { parameters, sent } = prepareBatch(compileMapping(flight), { chunk: rows }, new Set(['delay']));
    expect(sent).toBe(3);
    expect(plain(parameters.keys0)).toEqual(['A', 'B']);
    expect(plain(parameters.rows)).toEqual([
      [0, 1, 1],
      [1, 0, null],
      [0, 1, 1],
    ]);
  });

  it('names row and column of a value that cannot be sent', () => {
    const chunk = [{ origin: 'A', destination: 'B', delay: 2 ** 60 }];
    const prepare = () => {
      const { parameters } = prepareBatch(
        compileMapping(flight),
        { chunk, origin: { file: 'x.csv', firstRow: 41 } },
        new Set(),
      );
      return [...(parameters.rows as Iterable<unknown>)];
    };
    expect(prepare).toThrow(/In row 41 of x.csv, field `delay`: the integer/);
  });

  it.each([
    relationship('AT', { from: node('Day', { at: 'at' }, { write: 'merge' }), to: node('A', { id: 'id' }) }),
    relationship('AT', { from: node('A', { id: 'id' }), to: node('A', { id: 'id' }), key: ['at'] }),
  ])('names the row of a date that is none, where it is a key', (mapping) => {
    const chunk = [
      { id: 1, at: new Date('2026-11-26T12:00:00.001Z') },
      { id: 1, at: new Date('neither') },
    ];
    const prepare = () => prepareBatch(compileMapping(mapping), { chunk }, new Set());
    expect(prepare).toThrow(ValidationError);
    expect(prepare).toThrow(/In item 1 of the batch, field `at`: Neo4j has no type for a Date/);
  });
});

describe('mappingExtractor', () => {
  it('claims both ends of one kind in a folded grid, of two kinds in a full one, and nothing for what is created', () => {
    const mono = mappingExtractor(compileMapping(flight), 16);
    expect(mono.monopartite).toBe(true);
    expect(mono({ origin: 'A', destination: 'A' })[0]).toBe(mono({ origin: 'A', destination: 'A' })[1]);
    const bi = mappingExtractor(compileMapping(rating), 16);
    expect(bi.monopartite).toBe(false);
    const alone = mappingExtractor(compileMapping(node('A', { id: 'id' })), 16);
    expect(alone({ id: 5 })[0]).toBe(alone({ id: 5 })[1]);
    const free = mappingExtractor(compileMapping(node('A', {}, { write: 'create', properties: ['x'] })), 4);
    expect(new Set([1, 2, 3, 4].map(() => String(free({})))).size).toBe(4);
    expect(() => mono({ origin: null, destination: 'B' })).toThrow('Key `origin` is null in the row');
  });

  it('refuses three keys a row', () => {
    const trip = node('Trip', { id: 'id' });
    const mapping = compileMapping([
      relationship('A', { from: trip, to: node('Zone', { id: 'a' }) }),
      relationship('B', { from: trip, to: node('Zone', { id: 'b' }) }),
    ]);
    expect(() => mappingExtractor(mapping, 8)).toThrow(
      'finds 3 nodes a row by key, and a grid has two sides',
    );
  });
});

it('takes only columns that the schema gives, as far as the compiler knows', () => {
  const context = testContext() as never;
  const schema = z.object({ origin: z.string(), destination: z.string(), delay: z.number() });
  expect(new CSVLoad2Neo4jTask(context, { file: 'x.csv', schema, mapping: flight }).name).toBe(
    'CSVLoad2Neo4jTask',
  );
  const wrong = node('Airport', { iata: 'orign' });
  // @ts-expect-error there is no column `orign`
  expect(new CSVLoad2Neo4jTask(context, { file: 'x.csv', schema, mapping: wrong })).toBeDefined();
});
