/** What cannot be stored is refused whole: with a code, and with nothing in the database. */
import { describe, expect, it } from 'vitest';
import { node } from '../../../src/mapping/patterns.ts';
import { CypherBatchSink } from '../../../src/sinks/cypher-batch-sink.ts';
import { MappingBatchSink } from '../../../src/sinks/mapping-batch-sink.ts';
import { CypherBatchSource } from '../../../src/sources/cypher-batch-source.ts';
import type { Row } from '../../../src/sources/duckdb.ts';
import { SQLLoad2Neo4jTask } from '../../../src/tasks/sql-load-2-neo4j-task.ts';
import { drain } from '../../support/batches.ts';
import { uniqueLabel, useServer } from '../../support/context.ts';
import { runSql } from '../../support/sql-servers.ts';
import { ArraySource } from '../../unit/core/array-source.ts';

const { context } = useServer();

interface Refused {
  readonly name: string;
  readonly value: unknown;
  /** Of a mapping, which says row and field. */
  readonly mapping: string;
  /** Of a statement, in which a list or a map may be no property: then the server is the one that refuses. */
  readonly query: string;
}

const REFUSED: readonly Refused[] = [
  { name: 'list with null', value: ['a', null], mapping: 'GW_VALUE_PROPERTY', query: 'GW_NEO4J_WRITE' },
  { name: 'list of lists', value: [[1]], mapping: 'GW_VALUE_PROPERTY', query: 'GW_NEO4J_WRITE' },
  { name: 'map', value: { a: 1 }, mapping: 'GW_VALUE_PROPERTY', query: 'GW_NEO4J_WRITE' },
  { name: 'list of maps', value: [{ a: 1 }], mapping: 'GW_VALUE_PROPERTY', query: 'GW_NEO4J_WRITE' },
  { name: 'list of two kinds', value: [1, 'a'], mapping: 'GW_VALUE_PROPERTY', query: 'GW_NEO4J_WRITE' },
  { name: 'lone surrogate', value: 'a\ud800', mapping: 'GW_VALUE_TEXT', query: 'GW_VALUE_TEXT' },
  { name: 'lone surrogate in a list', value: ['\udfff'], mapping: 'GW_VALUE_TEXT', query: 'GW_VALUE_TEXT' },
  { name: 'integer of 65 bits', value: 2n ** 63n, mapping: 'GW_VALUE_INTEGER', query: 'GW_VALUE_INTEGER' },
  { name: 'integer that is rounded', value: 2 ** 53, mapping: 'GW_VALUE_INTEGER', query: 'GW_VALUE_INTEGER' },
  {
    name: 'date that is none',
    value: new Date(Number.NaN),
    mapping: 'GW_VALUE_TYPE',
    query: 'GW_VALUE_TYPE',
  },
];

describe.each(REFUSED)('a $name', ({ value, mapping, query }) => {
  const rows = [{ v: 'good' }, { v: value }];
  const left = async (label: string) =>
    (await context().neo4j.query(`MATCH (n:\`${label}\`) RETURN count(n) AS n`)).rows[0]?.n;

  it('is refused by a mapping, which names row and field before the server is asked', async () => {
    const label = uniqueLabel('Refused');
    const sink = new MappingBatchSink(context(), {
      predecessor: new ArraySource([rows]),
      mapping: node(label, {}, { properties: ['v'], write: 'create' }),
    });
    await expect(drain(sink, 10)).rejects.toMatchObject({
      code: mapping,
      message: expect.stringContaining('In item 1 of the batch, field `v`: '),
      details: { item: 1, field: 'v' },
    });
    expect(await left(label)).toBe(0);
  });

  it('is refused for a statement', async () => {
    const label = uniqueLabel('Refused');
    const sink = new CypherBatchSink(context(), {
      predecessor: new ArraySource([rows]),
      query: `UNWIND $batch AS row CREATE (n:\`${label}\`) SET n.v = row.v`,
    });
    await expect(drain(sink, 10)).rejects.toMatchObject({ code: query });
    expect(await left(label)).toBe(0);
  });
});

describe('a SQL source', () => {
  it.each([
    ['an infinite date', process.env.POSTGRES_URL, `SELECT 'infinity'::date AS v`, 'GW_SOURCE_FORMAT'],
    ['a number beyond floats', process.env.POSTGRES_URL, 'SELECT 1e400::numeric AS v', 'GW_SOURCE_FORMAT'],
    ['a name twice', process.env.POSTGRES_URL, 'SELECT 1 AS v, 2 AS v', 'GW_SOURCE_FORMAT'],
    ['half a pair in JSON', process.env.POSTGRES_URL, `SELECT '"\\ud800"'::json AS v`, 'GW_VALUE_TEXT'],
    [
      'a rounded integer in JSON',
      process.env.POSTGRES_URL,
      `SELECT '9007199254740993'::jsonb AS v`,
      'GW_VALUE_INTEGER',
    ],
    ['a name twice', process.env.MARIADB_URL, 'SELECT 1 AS v, 2 AS v', 'GW_SQL_STATEMENT'],
    ['65 bits', process.env.MARIADB_URL, 'SELECT 18446744073709551615 AS v', 'GW_VALUE_INTEGER'],
    ['a name twice', 'sqlite::memory:', 'SELECT 1 AS v, 2 AS v', 'GW_SOURCE_FORMAT'],
  ])('ends the load for %s', async (_what, url, sql, code) => {
    const label = uniqueLabel('Refused');
    const { error } = await new SQLLoad2Neo4jTask(context(), {
      url: url!,
      sql,
      badRows: 'error',
      mapping: node(label, {}, { properties: ['v'], write: 'create' }),
    }).execute();
    expect(error).toMatchObject({ code });
  });

  it('gives no number for what MySQL calls a date and no calendar has, and null for its zero date', async () => {
    const [label, table] = [uniqueLabel('Partial'), uniqueLabel('partial')];
    const url = process.env.MARIADB_URL!;
    await runSql(
      url,
      "SET sql_mode = ''",
      `CREATE TABLE ${table} (v DATE)`,
      `INSERT INTO ${table} VALUES ('2020-00-15'), ('0000-00-00'), ('2020-02-29')`,
    );
    const { error } = await new SQLLoad2Neo4jTask(context(), {
      url,
      sql: `SELECT * FROM ${table}`,
      mapping: node(label, {}, { properties: ['v'], write: 'create' }),
    }).execute();
    expect(error).toBeUndefined();
    const { rows } = await context().neo4j.query(
      `MATCH (n:\`${label}\`) RETURN toString(n.v) AS v, valueType(n.v) AS type ORDER BY v`,
    );
    expect(rows).toEqual([
      { v: '2020-00-15', type: 'STRING NOT NULL' },
      { v: '2020-02-29', type: 'DATE NOT NULL' },
      { v: null, type: 'NULL' },
    ]);
  });
});

it('sends a whole float of a graph as an integer unless its column is named, as JavaScript has one kind of number', async () => {
  const label = uniqueLabel('OneKind');
  const source = () => new CypherBatchSource<Row>(context(), { query: 'RETURN 1.0 AS v' });
  const query = `UNWIND $batch AS row CREATE (n:\`${label}\`) SET n.v = row.v`;
  await drain(new CypherBatchSink(context(), { predecessor: source(), query }), 1);
  await drain(new CypherBatchSink(context(), { predecessor: source(), query, floatColumns: ['v'] }), 1);
  const { rows } = await context().neo4j.query(
    `MATCH (n:\`${label}\`) RETURN valueType(n.v) AS type ORDER BY type`,
  );
  expect(rows.map(({ type }) => type)).toEqual(['FLOAT NOT NULL', 'INTEGER NOT NULL']);
});
