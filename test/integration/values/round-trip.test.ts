/**
 * Source → load → Neo4j → compared there: every property type from every source that has it, on both ways to write. What
 * is in the database is compared by the server with an expression of Cypher, its type by `valueType()`.
 */
import neo4j from 'neo4j-driver';
import { afterAll, describe, expect, it } from 'vitest';
import type { Task } from '../../../src/core/task.ts';
import { node } from '../../../src/mapping/patterns.ts';
import { CypherBatchSink } from '../../../src/sinks/cypher-batch-sink.ts';
import { MappingBatchSink } from '../../../src/sinks/mapping-batch-sink.ts';
import { CypherBatchSource } from '../../../src/sources/cypher-batch-source.ts';
import type { Row } from '../../../src/sources/duckdb.ts';
import { CSVLoad2Neo4jTask } from '../../../src/tasks/csv-load-2-neo4j-task.ts';
import { ParquetLoad2Neo4jTask } from '../../../src/tasks/parquet-load-2-neo4j-task.ts';
import { SQLLoad2Neo4jTask } from '../../../src/tasks/sql-load-2-neo4j-task.ts';
import { drain } from '../../support/batches.ts';
import { uniqueLabel, useServer } from '../../support/context.ts';
import { makeFolder } from '../../support/files.ts';
import { writeParquet } from '../../support/parquet.ts';
import { runSql } from '../../support/sql-servers.ts';
import { VALUE_CASES, type ValueCase } from './value-cases.ts';

const { context } = useServer();
const folder = makeFolder();
afterAll(folder.remove);

const BYTES = Uint8Array.of(0, 255, 128);
/** What Cypher has no words for. */
const PARAMETERS = {
  bytes: BYTES,
  toTheSecond: new neo4j.types.DateTime(1900, 1, 1, 0, 0, 0, 1, -(5 * 3600 + 17 * 60 + 32)),
};

type Kind = 'csv' | 'parquet' | 'postgres' | 'mariadb' | 'sqlite';
type Write = { readonly query: string } | { readonly mapping: ReturnType<typeof node> };

function columnOf(i: number): string {
  return `c${i}`;
}

function sqlSelect(cases: readonly ValueCase[], kind: 'parquet' | 'postgres' | 'mariadb'): string {
  return `SELECT ${cases.map((one, i) => `${one[kind]} AS ${columnOf(i)}`).join(', ')}`;
}

/** Makes the source with one row of all values, and the load from it. */
const LOADS: Readonly<Record<Kind, (cases: readonly ValueCase[], write: Write) => Promise<Task>>> = {
  async csv(cases, write) {
    const fields = cases.map(({ csv }) => {
      const [, text] = csv!;
      return text.includes(',') && !text.startsWith('"') ? `"${text}"` : text;
    });
    const file = folder.write(
      'values.csv',
      `${cases.map((_, i) => columnOf(i)).join(',')}\n${fields.join(',')}\n`,
    );
    const types = Object.fromEntries(cases.map(({ csv }, i) => [columnOf(i), csv![0]]));
    return new CSVLoad2Neo4jTask(context(), { file, types, strict: true, rowNumbers: false, ...write });
  },
  async parquet(cases, write) {
    // What has no offset is what the load takes it for, whatever the machine's zone.
    const file = await writeParquet(folder.path('values.parquet'), sqlSelect(cases, 'parquet'));
    return new ParquetLoad2Neo4jTask(context(), { file, ...write });
  },
  async postgres(cases, write) {
    const url = process.env.POSTGRES_URL!;
    return new SQLLoad2Neo4jTask(context(), { url, sql: sqlSelect(cases, 'postgres'), ...write });
  },
  async mariadb(cases, write) {
    const url = process.env.MARIADB_URL!;
    const table = uniqueLabel('typed');
    await runSql(
      url,
      `CREATE TABLE ${table} (f32 FLOAT, f32b FLOAT, at TIMESTAMP(6), b0 BIT(1), b1 BIT(1))`,
      `INSERT INTO ${table} VALUES (16777216, 0.1, '2020-07-02 01:04:05.000006', b'0', b'1')`,
    );
    const sql = `${sqlSelect(cases, 'mariadb')} FROM ${table}`;
    return new SQLLoad2Neo4jTask(context(), { url, sql, ...write });
  },
  async sqlite(cases, write) {
    const url = `sqlite:${folder.write('values.db', '')}`;
    const columns = cases.map(({ sqlite }, i) => [columnOf(i), ...sqlite!] as const);
    const declared = columns.filter(([, type]) => type !== '');
    await runSql(
      url,
      `CREATE TABLE v (${declared.map(([name, type]) => `${name} ${type}`).join(', ')})`,
      `INSERT INTO v VALUES (${declared.map(([, , sql]) => sql).join(', ')})`,
    );
    const selected = columns.map(([name, type, sql]) => (type === '' ? `${sql} AS ${name}` : name));
    return new SQLLoad2Neo4jTask(context(), { url, sql: `SELECT ${selected.join(', ')} FROM v`, ...write });
  },
};

function writesTo(label: string, cases: readonly ValueCase[]): Readonly<Record<'query' | 'mapping', Write>> {
  const columns = cases.map((_, i) => columnOf(i));
  return {
    query: { query: `UNWIND $batch AS row CREATE (n:\`${label}\`) SET n = row` },
    mapping: { mapping: node(label, {}, { properties: columns, write: 'create' }) },
  };
}

/** Says for each value what the server finds: its name where it is exactly the expected one, else what is there. */
async function found(label: string, cases: readonly ValueCase[]): Promise<readonly unknown[]> {
  const compared = cases.map(({ expected, type }, i) => {
    const actual = `n.${columnOf(i)}`;
    return `[valueType(${actual}), ${isSame(type)(actual, `(${expected})`)}, left(toStringOrNull(${actual}), 60)]`;
  });
  const { rows } = await context().neo4j.query(
    `MATCH (n:\`${label}\`) RETURN [${compared.join(',\n')}] AS found`,
    PARAMETERS,
  );
  expect(rows).toHaveLength(1);
  const all = rows[0]!.found as readonly (readonly [string | null, boolean | null, string | null])[];
  return all.map(([found, isEqual, actual], i) => {
    const { name, expected, type } = cases[i]!;
    const plainType = found?.replaceAll(' NOT NULL', '');
    return isEqual && plainType === type ? name : { name, expected, plainType, actual };
  });
}

/** How two Cypher expressions of a type are the same. */
function isSame(type: string): (actual: string, expected: string) => string {
  switch (type) {
    case 'FLOAT': // NaN equals nothing, and the zeros each other; 1 / x tells these apart
      return (a, b) =>
        `CASE WHEN isNaN(${b}) THEN isNaN(${a}) ELSE ${a} = ${b} AND 1.0 / ${a} = 1.0 / ${b} END`;
    case 'LIST<FLOAT>':
      return (a, b) =>
        `size(${a}) = size(${b}) AND all(i IN range(0, size(${a}) - 1) WHERE ${a}[i] = ${b}[i] AND 1.0 / ${a}[i] = 1.0 / ${b}[i])`;
    default:
      return (a, b) => `${a} = ${b}`;
  }
}

describe.each(['csv', 'parquet', 'postgres', 'mariadb', 'sqlite'] as const)('values from %s', (kind) => {
  const cases = VALUE_CASES.filter((one) => one[kind] !== undefined);
  it.each(['query', 'mapping'] as const)('arrive exactly, with their types, by a %s', async (way) => {
    const label = uniqueLabel('Value');
    const task = await LOADS[kind](cases, writesTo(label, cases)[way]);
    const { error } = await task.execute();
    expect(error).toBeUndefined();
    expect(await found(label, cases)).toEqual(cases.map(({ name }) => name));
  });
});

describe('values from another graph', () => {
  const cases = VALUE_CASES.filter(({ cypher }) => cypher !== false);
  it.each(['query', 'mapping'] as const)('arrive exactly, with their types, by a %s', async (way) => {
    const [from, to] = [uniqueLabel('From'), uniqueLabel('Value')];
    const values = cases.map(({ expected }, i) => `${columnOf(i)}: ${expected}`);
    await context().neo4j.query(`CREATE (:\`${from}\` {${values.join(', ')}})`, PARAMETERS);
    const columns = cases.map((_, i) => `n.${columnOf(i)} AS ${columnOf(i)}`);
    const source = new CypherBatchSource<Row>(context(), {
      query: `MATCH (n:\`${from}\`) RETURN ${columns.join(', ')}`,
    });
    // JavaScript has one kind of number, so which columns hold floats has to be said.
    const floatColumns = cases.flatMap(({ type }, i) => (type.includes('FLOAT') ? [columnOf(i)] : []));
    const options = { predecessor: source, floatColumns };
    const write = writesTo(to, cases)[way];
    const sink =
      'query' in write
        ? new CypherBatchSink(context(), { ...options, ...write })
        : new MappingBatchSink(context(), { ...options, ...write });
    await drain(sink, 10);
    expect(await found(to, cases)).toEqual(cases.map(({ name }) => name));
  });

  it('are bytes to the driver where they were bytes', async () => {
    const label = uniqueLabel('Bytes');
    const [one] = VALUE_CASES.filter(({ name }) => name === 'bytes');
    const task = await LOADS.csv([one!], writesTo(label, [one!]).mapping);
    expect((await task.execute()).error).toBeUndefined();
    const { rows } = await context().neo4j.query(`MATCH (n:\`${label}\`) RETURN n.c0 AS bytes`);
    expect(rows).toEqual([{ bytes: Int8Array.of(0, -1, -128) }]);
  });
});
