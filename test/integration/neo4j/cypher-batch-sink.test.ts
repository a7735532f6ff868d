import { describe, expect, it } from 'vitest';
import type { BatchSource } from '../../../src/core/batch-processor.ts';
import {
  Duration,
  LocalDate,
  LocalDateTime,
  LocalTime,
  ZonedDateTime,
  ZonedTime,
} from '../../../src/core/temporal.ts';
import { CypherBatchSink, type CypherWriteOptions } from '../../../src/sinks/cypher-batch-sink.ts';
import { drain } from '../../support/batches.ts';
import { uniqueLabel, useServer } from '../../support/context.ts';

const server = useServer();

function rowsOf(rows: readonly unknown[]): BatchSource {
  return {
    async *getBatch(size) {
      for (let from = 0; from < rows.length; from += size) {
        const chunk = rows.slice(from, from + size);
        yield { chunk, statistics: { lines: chunk.length }, batchSize: chunk.length };
      }
    },
  };
}

function write(query: string, rows: readonly unknown[], size = 1_000, options: CypherWriteOptions = {}) {
  return drain(new CypherBatchSink(server.context(), { query, predecessor: rowsOf(rows), ...options }), size);
}

describe('CypherBatchSink', () => {
  it('writes each batch in one transaction and gives the server’s counters', async () => {
    const label = uniqueLabel('Item');
    const { statistics, items, batches } = await write(
      `UNWIND $batch AS row CREATE (:${label} {id: row.id, tx: randomUUID()})`,
      Array.from({ length: 25 }, (_, id) => ({ id })),
      10,
    );
    expect(statistics).toEqual({
      lines: 25,
      nodes_created: 25,
      labels_added: 25,
      properties_set: 50,
      cypher_rows_written: 25,
    });
    expect(items).toHaveLength(25);
    expect(batches.map(({ batchSize }) => batchSize)).toEqual([10, 10, 5]);
    const { rows } = await server
      .context()
      .neo4j.query(`MATCH (n:${label}) RETURN count(n) AS nodes, sum(n.id) AS sum`);
    expect(rows).toEqual([{ nodes: 25, sum: 300 }]);
  });

  it('keeps a batch whole: a refused row takes the batch with it, and the batches before stay', async () => {
    const label = uniqueLabel('Item');
    await server.context().neo4j.query(`CREATE CONSTRAINT FOR (n:${label}) REQUIRE n.id IS UNIQUE`);
    const ids = [0, 1, 2, 3, 4, 2].map((id) => ({ id }));
    await expect(write(`UNWIND $batch AS row CREATE (:${label} {id: row.id})`, ids, 3)).rejects.toMatchObject(
      {
        name: 'WriteError',
        code: 'GW_NEO4J_CONSTRAINT',
        message: expect.stringContaining(label),
        cause: { code: 'Neo.ClientError.Schema.ConstraintValidationFailed' },
      },
    );
    const { rows } = await server.context().neo4j.query(`MATCH (n:${label}) RETURN n.id AS id ORDER BY id`);
    expect(rows.map(({ id }) => id)).toEqual([0, 1, 2]);
  });

  it('sends every kind of value as the Neo4j type that it is', async () => {
    const label = uniqueLabel('Value');
    const values: Readonly<Record<string, readonly [value: unknown, type: string, shown: string]>> = {
      small: [7, 'INTEGER NOT NULL', '7'],
      safe: [Number.MAX_SAFE_INTEGER, 'INTEGER NOT NULL', '9007199254740991'],
      big: [2n ** 63n - 1n, 'INTEGER NOT NULL', '9223372036854775807'],
      least: [-(2n ** 63n), 'INTEGER NOT NULL', '-9223372036854775808'],
      float: [0.1, 'FLOAT NOT NULL', '0.1'],
      whole: [3, 'FLOAT NOT NULL', '3.0'],
      text: ['😀 "é', 'STRING NOT NULL', '😀 "é'],
      yes: [true, 'BOOLEAN NOT NULL', 'true'],
      instant: [new Date('2024-02-29T12:34:56.789Z'), 'ZONED DATETIME NOT NULL', '2024-02-29T12:34:56.789Z'],
      local: [
        new LocalDateTime(951_782_400, 123_456_789),
        'LOCAL DATETIME NOT NULL',
        '2000-02-29T00:00:00.123456789',
      ],
      zoned: [
        new ZonedDateTime(0, 5_000, 7_200),
        'ZONED DATETIME NOT NULL',
        '1970-01-01T02:00:00.000005+02:00',
      ],
      before: [new LocalDate(-703_000), 'DATE NOT NULL', '0045-04-02'],
      after: [new LocalDate(4_000_000), 'DATE NOT NULL', '+12921-08-18'],
      clock: [new LocalTime(86_399, 999_999_999), 'LOCAL TIME NOT NULL', '23:59:59.999999999'],
      offset: [new ZonedTime(3_600, 0, -18_000), 'ZONED TIME NOT NULL', '01:00:00-05:00'],
      span: [new Duration(14, 3, 61, 5), 'DURATION NOT NULL', 'P1Y2M3DT1M1.000000005S'],
      list: [[1, 2, 3], 'LIST<INTEGER NOT NULL> NOT NULL', '123'],
    };
    const row = Object.fromEntries(Object.entries(values).map(([key, [value]]) => [key, value]));
    await write(`UNWIND $batch AS row CREATE (n:${label}) SET n = row`, [row], 10, {
      floatColumns: ['whole'],
    });
    const { rows } = await server.context().neo4j.query(
      `MATCH (n:${label}) UNWIND keys(n) AS key
       RETURN key, valueType(n[key]) AS type,
         CASE key WHEN 'list' THEN toString(reduce(sum = 0, x IN n.list | 10 * sum + x)) ELSE toString(n[key]) END AS shown`,
    );
    const found = Object.fromEntries(rows.map(({ key, type, shown }) => [key, [type, shown]]));
    expect(found).toEqual(
      Object.fromEntries(Object.entries(values).map(([key, [, type, shown]]) => [key, [type, shown]])),
    );
  });

  it('sends bytes as bytes', async () => {
    const label = uniqueLabel('Bytes');
    await write(`UNWIND $batch AS row CREATE (:${label} {b: row.b})`, [{ b: new Uint8Array([1, 127, 255]) }]);
    const { rows } = await server.context().neo4j.query(`MATCH (n:${label}) RETURN n.b AS b`);
    expect(new Uint8Array(rows[0]!.b as Int8Array)).toEqual(new Uint8Array([1, 127, 255]));
  });

  it('refuses a statement that does not use $batch, before anything is sent', () => {
    expect(() => new CypherBatchSink(server.context(), { query: 'CREATE (:Oops)' })).toThrow(
      'does not use $batch',
    );
  });

  it('says what is wrong with a statement, and where', async () => {
    await expect(write('UNWIND $batch AS row CRATE (n)', [{ id: 1 }])).rejects.toMatchObject({
      code: 'GW_NEO4J_SYNTAX',
      message: expect.stringMatching(/The statement is refused: .*CRATE/s),
    });
  });

  it('ends a transaction that runs longer than its limit', async () => {
    const endless = 'UNWIND $batch AS row UNWIND range(1, 100000000) AS x WITH x WHERE x < 0 RETURN count(x)';
    await expect(write(endless, [{ id: 1 }], 1, { timeoutMs: 1_000 })).rejects.toMatchObject({
      code: 'GW_NEO4J_TIMEOUT',
    });
  });

  it('tries again after a deadlock, counts it by its kind of lock, and writes every row once', async () => {
    const label = uniqueLabel('Hub');
    const context = server.context();
    await context.neo4j.query(`UNWIND range(0, 1) AS id CREATE (:${label} {id: id, hits: 0})`);
    // Two transactions lock the two nodes in opposite order, with a pause between, until they have met.
    const query = `UNWIND $batch AS row MATCH (n:${label} {id: row.id}) SET n.hits = n.hits + 1 WITH n UNWIND range(1, 60000) AS x RETURN count(x)`;
    const batch = (ids: readonly number[]) =>
      write(
        query,
        ids.map((id) => ({ id })),
      );
    let retries = 0;
    let rounds = 0;
    for (; retries === 0 && rounds < 20; rounds++) {
      const both = await Promise.all([batch([0, 1]), batch([1, 0])]);
      retries += both.reduce((sum, { statistics }) => sum + (statistics.retries_deadlock_node ?? 0), 0);
    }
    expect(retries).toBeGreaterThan(0);
    const { rows } = await context.neo4j.query(`MATCH (n:${label}) RETURN n.hits AS hits`);
    expect(rows).toEqual([{ hits: 2 * rounds }, { hits: 2 * rounds }]);
  });
});
