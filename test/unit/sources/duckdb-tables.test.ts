import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RowTable } from '../../../src/core/row-table.ts';
import { type DuckDb, openDuckDb, streamTables } from '../../../src/sources/duckdb.ts';
import { decoderFor } from '../../../src/sources/duckdb-values.ts';
import { useFolder } from '../../support/files.ts';

let duckDb: DuckDb;
beforeAll(async () => {
  duckDb = await openDuckDb(256);
});
afterAll(() => duckDb.close());

const OF_A_TEST = { file: 'a test', format: 'SQL', decimals: 'number' } as const;

async function tables(sql: string, size: number): Promise<readonly RowTable[]> {
  const found: RowTable[] = [];
  for await (const table of streamTables(await duckDb.connect(), sql, { ...OF_A_TEST, size }))
    found.push(table);
  return found;
}

/** The rows as they are read item by item. */
async function rowsOneByOne(sql: string): Promise<readonly Record<string, unknown>[]> {
  const result = await (await duckDb.connect()).stream(sql);
  const names = result.deduplicatedColumnNames();
  const decoders = result.columnTypes().map((type) => decoderFor(type, 'number'));
  const rows: Record<string, unknown>[] = [];
  for (
    let chunk = await result.fetchChunk();
    chunk && chunk.rowCount > 0;
    chunk = await result.fetchChunk()
  ) {
    for (let i = 0; i < chunk.rowCount; i++) {
      const valueAt = (c: number) => {
        const item = chunk!.getColumnVector(c).getItem(i);
        return decoders[c] ? decoders[c](item) : item;
      };
      rows.push(Object.fromEntries(names.map((name, c) => [name, valueAt(c)])));
    }
  }
  return rows;
}

const CASES: Readonly<Record<string, readonly string[]>> = {
  BIGINT: [
    '0',
    '-1',
    '4294967296',
    '-4294967297',
    '9007199254740991',
    '9007199254740992',
    '-9007199254740993',
  ],
  HUGEINT: ['1', '-170141183460469231731687303715884105727'],
  INTEGER: ['1', '-2147483647'],
  UTINYINT: ['1', '255'],
  FLOAT: ['1.5', '0.1'],
  BOOLEAN: ['true', 'false'],
  DOUBLE: ['1.5', '-0.0', "'nan'", "'inf'", '3'],
  DATE: ["'1969-12-31'", "'2026-11-25'", "'0001-01-01'", "'290000-12-31'"],
  TIMESTAMP: [
    "'1969-12-31 23:59:59.999999'",
    "'2026-11-25 10:11:12.000001'",
    "'2300-01-01'",
    "'9999-12-31 23:59:59'",
    "'0001-01-01'",
  ],
  TIMESTAMPTZ: [
    "'1969-12-31 23:59:59.999999+02'",
    "'2026-11-25 10:11:12Z'",
    "'9999-12-31 23:59:59.999999+00'",
  ],
  VARCHAR: [
    "''",
    "'a'",
    "'twelve bytes'",
    "'thirteen byte'",
    "'é✈名'",
    "chr(65279) || 'b'",
    "chr(65279) || 'twelve bytes'",
    "chr(65279) || 'and thirteen more'",
    "'née à Ürümqi'",
    "repeat('x', 300)",
  ],
};

/** Types of which a case does not fit into a packed column, or that have no packed form. */
const UNFIT = ['BIGINT', 'TIMESTAMPTZ', 'HUGEINT', 'BOOLEAN'];

describe('streamTables', () => {
  it.each(Object.entries(CASES))('gives what reading item by item gives, %s', async (type, values) => {
    // With nulls, and without: DuckDB then has no bits for them.
    for (const own of [values, ['NULL', ...values, 'NULL', ...Array<string>(80).fill(values[0]!), 'NULL']]) {
      const sql = `SELECT * FROM (VALUES ${own.map((value) => `(${value}::${type}, 7)`).join(', ')})`;
      const expected = await rowsOneByOne(sql);
      expect(expected).toHaveLength(own.length);
      for (const size of [1, 3, 1_000]) {
        const found = await tables(sql, size);
        expect(found.flatMap((table) => table.rows())).toStrictEqual(expected);
        expect(found.slice(0, -1).every(({ length }) => length === size)).toBe(true);
        expect(found[0]!.layout.kinds[1]).toBe('number');
      }
      const [whole] = await tables(sql, 1_000);
      expect(whole!.layout.kinds[0] === 'list').toBe(UNFIT.includes(type));
    }
  });

  it('keeps texts packed, and numbers until one is too large', async () => {
    const sql = `SELECT i, i % 89 || ' short' AS short, CASE WHEN i >= 5000 THEN repeat('é', i % 11) ELSE 'x' || i % 7 END AS text,
        CASE WHEN i = 9000 THEN 9007199254740993 ELSE i * 3 END AS number, CASE i % 5 WHEN 0 THEN NULL ELSE i / 4 END AS quarter
      FROM range(20000) t(i)`;
    for (const size of [700, 2_048, 3_000]) {
      const found = await tables(sql, size);
      const kinds = found.map(({ layout }) => layout.kinds.join(' '));
      expect([...new Set(kinds)]).toEqual(['number text text number number', 'number text text list number']);
      expect(found.every(({ length }, i) => length === size || i === found.length - 1)).toBe(true);
      expect(found.flatMap((table) => table.rows())).toStrictEqual(await rowsOneByOne(sql));
    }
  });

  it('gives the texts themselves, also where more come than it keeps, and those that share a beginning or an end', async () => {
    const sql = `SELECT CASE i % 5 WHEN 0 THEN 'same start' || i % 97 WHEN 1 THEN (i * 7919 % 20011)::VARCHAR
         WHEN 2 THEN i % 89 || 'end' WHEN 3 THEN repeat('é', i % 7) ELSE chr((97 + i % 26)::INTEGER) END AS text
       FROM range(60000) t(i)`;
    const rows = (await tables(sql, 10_000)).flatMap((table) => table.rows());
    expect(rows).toEqual(await rowsOneByOne(sql));
    expect(new Set(rows.map(({ text }) => text)).size).toBeGreaterThan(12_000);
  });

  it('gives long texts, whether they follow each other in memory or not', async () => {
    const sql = `SELECT i::VARCHAR || repeat('-long', i % 5) AS own, CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN repeat('é', i % 300) ELSE 'a' END AS some,
        (['thirteen byte', 'the second text', repeat('third ', 50)])[1 + i * 7919 % 3] AS known,
        CASE i % 1000 WHEN 7 THEN repeat('large', 100000) ELSE i || ' is not large' END AS large
      FROM range(7000) t(i)`;
    const file = useFolder().path('texts');
    const connection = await duckDb.connect();
    await connection.run(`COPY (${sql}) TO '${file}.parquet'`);
    await connection.run(`COPY (${sql}) TO '${file}.csv'`);
    for (const from of [sql, `FROM '${file}.parquet'`, `FROM read_csv('${file}.csv', all_varchar = true)`]) {
      const found = await tables(from, 3_000);
      expect(found[0]!.layout.kinds).toEqual(['text', 'text', 'text', 'text']);
      expect(found.flatMap((table) => table.rows())).toEqual(await rowsOneByOne(from));
    }
  });

  it('lists the texts of a wide table beyond its first thirty-two', async () => {
    const sql = `SELECT ${Array.from({ length: 40 }, (_, c) => `'t${c}' AS c${c}`).join(', ')}, 5 AS n`;
    const [table] = await tables(sql, 10);
    expect(table!.layout.kinds.indexOf('list')).toBe(32);
    expect(table!.layout.kinds.at(-1)).toBe('number');
    expect(table!.rows()).toEqual(await rowsOneByOne(sql));
  });

  it('leaves a column of numbers to the caller, one that is there already too', async () => {
    for (const sql of ['SELECT 5 AS a, 6 AS b', "SELECT 5 AS a, 'x' AS n, 6 AS b"]) {
      for await (const table of streamTables(await duckDb.connect(), sql, {
        ...{ ...OF_A_TEST, size: 10, left: 'n' },
      })) {
        table.numbers('n')(0, 8);
        expect(table.rows()).toEqual([{ a: 5, b: 6, n: 8 }]);
      }
    }
  });

  it.each(['DATE', 'TIMESTAMP', 'TIMESTAMPTZ'])('refuses what is infinite, %s', async (type) => {
    for (const value of ["'infinity'", "'-infinity'"]) {
      await expect(tables(`SELECT ${value}::${type}`, 10)).rejects.toThrow('infinite');
    }
  });
});
