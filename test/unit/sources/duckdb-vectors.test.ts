import type { DuckDBDataChunk } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DuckDb, openDuckDb } from '../../../src/sources/duckdb.ts';
import { decoderFor } from '../../../src/sources/duckdb-values.ts';
import { readColumn } from '../../../src/sources/duckdb-vectors.ts';

let duckDb: DuckDb;
beforeAll(async () => {
  duckDb = await openDuckDb(256);
});
afterAll(() => duckDb.close());

async function firstChunk(values: readonly string[], type: string): Promise<DuckDBDataChunk> {
  const connection = await duckDb.connect();
  const rows = values.map((value) => `(${value}::${type})`).join(', ');
  return (await (await connection.stream(`SELECT * FROM (VALUES ${rows})`)).fetchChunk())!;
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
  INTEGER: ['1', '-2147483647'],
  DOUBLE: ['1.5', '-0.0', "'nan'", "'inf'", '3'],
  DATE: ["'1969-12-31'", "'2026-11-25'", "'0001-01-01'", "'290000-12-31'"],
  TIMESTAMP: ["'1969-12-31 23:59:59.999999'", "'2026-11-25 10:11:12.000001'", "'2300-01-01'", "'0001-01-01'"],
  TIMESTAMPTZ: ["'1969-12-31 23:59:59.999999+02'", "'2026-11-25 10:11:12Z'", "'2300-01-01'"],
  VARCHAR: [
    "''",
    "'a'",
    "'twelve bytes'",
    "'thirteen byte'",
    "'é✈名'",
    "chr(65279) || 'b'",
    "'née à Ürümqi'",
    "repeat('x', 300)",
  ],
};

describe('readColumn', () => {
  it.each(Object.entries(CASES))('gives what reading item by item gives, %s', async (type, values) => {
    // With nulls, and without: DuckDB then has no bits for them.
    for (const own of [values, ['NULL', ...values, 'NULL', ...Array<string>(80).fill(values[0]!), 'NULL']]) {
      const chunk = await firstChunk(own, type);
      const vector = chunk.getColumnVector(0);
      const decode = decoderFor(vector.type, 'number');
      const items = own.map((_, i) => vector.getItem(i)).map((item) => (decode ? decode(item) : item));
      expect(readColumn(vector, own.length, decode)).toStrictEqual(items);
    }
  });

  it('gives the texts themselves, also where more come than it keeps, and those that share a beginning or an end', async () => {
    const connection = await duckDb.connect();
    const result = await connection.stream(
      `SELECT CASE i % 5 WHEN 0 THEN 'same start' || i % 97 WHEN 1 THEN (i * 7919 % 20011)::VARCHAR
         WHEN 2 THEN i % 89 || 'end' WHEN 3 THEN repeat('é', i % 7) ELSE chr((97 + i % 26)::INTEGER) END AS text
       FROM range(60000) t(i)`,
    );
    const decode = decoderFor(result.columnType(0), 'number');
    const seen = new Map<string, unknown>();
    for (
      let chunk = await result.fetchChunk();
      chunk && chunk.rowCount > 0;
      chunk = await result.fetchChunk()
    ) {
      const vector = chunk.getColumnVector(0);
      const texts = readColumn(vector, chunk.rowCount, decode);
      expect(texts).toEqual(texts.map((_, i) => vector.getItem(i)));
      for (const text of texts) seen.set(String(text), text);
    }
    expect(seen.size).toBeGreaterThan(12_000);
  });

  it.each(['DATE', 'TIMESTAMP', 'TIMESTAMPTZ'])('refuses what is infinite, %s', async (type) => {
    for (const value of ["'infinity'", "'-infinity'"]) {
      const vector = (await firstChunk([value], type)).getColumnVector(0);
      expect(() => readColumn(vector, 1, decoderFor(vector.type, 'number'))).toThrow('infinite');
    }
  });
});
