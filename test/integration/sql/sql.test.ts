import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Duration, LocalDate, LocalDateTime, LocalTime, ZonedDateTime } from '../../../src/core/temporal.ts';
import { node, relationship } from '../../../src/mapping/patterns.ts';
import { SQLBatchSink } from '../../../src/sinks/sql-batch-sink.ts';
import type { Row } from '../../../src/sources/duckdb.ts';
import { SQLBatchSource, type SQLBatchSourceOptions } from '../../../src/sources/sql-batch-source.ts';
import { parseSqlAddress } from '../../../src/sql/sql-address.ts';
import { type SqlConnection, sqlDriver } from '../../../src/sql/sql-database.ts';
import { ParallelSQLLoad2Neo4jTask, SQLLoad2Neo4jTask } from '../../../src/tasks/sql-load-2-neo4j-task.ts';
import { drain, PLAIN_CONTEXT } from '../../support/batches.ts';
import { uniqueLabel, useServer } from '../../support/context.ts';
import { makeFolder } from '../../support/files.ts';
import { ArraySource } from '../../unit/core/array-source.ts';

const folder = makeFolder();
afterAll(folder.remove);

const URLS = {
  postgres: process.env.POSTGRES_URL!,
  mariadb: process.env.MARIADB_URL!,
  sqlite: `sqlite:${folder.write('test.db', '')}`,
};
const NAMES = ['postgres', 'mariadb', 'sqlite'] as const;
type Name = (typeof NAMES)[number];

const connections = new Map<Name, SqlConnection>();
beforeAll(async () => {
  for (const name of NAMES) {
    const address = parseSqlAddress(URLS[name]);
    const [connection] = await (await sqlDriver(address)).open(address, 1);
    connections.set(name, connection!);
  }
});
afterAll(async () => {
  for (const connection of connections.values()) await connection.close();
});

async function run(name: Name, ...statements: readonly string[]): Promise<void> {
  for (const statement of statements) await connections.get(name)!.query(statement);
}

async function read(name: Name, options: Omit<SQLBatchSourceOptions, 'url'>, size = 1000): Promise<Row[]> {
  const source = new SQLBatchSource<Row>(PLAIN_CONTEXT, { url: URLS[name], ...options });
  const { items, statistics } = await drain(source, size);
  expect(statistics.sql_rows_read ?? 0).toBe(items.length);
  return items;
}

describe('SQLBatchSource', () => {
  it('gives the exact types of PostgreSQL', async () => {
    const query = `SELECT 9007199254740993::bigint AS big, 7::bigint AS small, 1.10::numeric AS money, 2.5::float8 AS f,
      timestamp '2020-02-03 04:05:06.789012' AS ts, timestamptz '2020-02-03 04:05:06+05:30' AS tz,
      date '0044-03-15 BC' AS ides, time '23:59:59.5' AS t, ARRAY[1, NULL, 3]::bigint[] AS list,
      ARRAY['a,"b', 'c'] AS texts, '{"a": [1]}'::jsonb AS j, '\\xdeadbeef'::bytea AS bytes, true AS yes,
      NULL::int AS nothing, 'NaN'::float8 AS nan, ARRAY[date '2020-01-01'] AS dates, interval '-1 day 2 hours' AS i`;
    const [row] = await read('postgres', { query });
    expect(row).toEqual({
      big: 9007199254740993n,
      small: 7,
      money: 1.1,
      f: 2.5,
      ts: new LocalDateTime(Date.UTC(2020, 1, 3, 4, 5, 6) / 1000, 789_012_000),
      tz: new ZonedDateTime(Date.UTC(2020, 1, 2, 22, 35, 6) / 1000, 0, expect.any(Number) as never),
      ides: new LocalDate(-735_160 + 0),
      t: new LocalTime(86_399, 500_000_000),
      list: [1, null, 3],
      texts: ['a,"b', 'c'],
      j: { a: [1] },
      bytes: Uint8Array.of(0xde, 0xad, 0xbe, 0xef),
      yes: true,
      nothing: null,
      nan: Number.NaN,
      dates: [new LocalDate(18_262)],
      i: expect.objectContaining({ days: -1, seconds: 7200 }),
    });
    expect(String(row!.ides)).toBe('-0043-03-15');
    expect(await read('postgres', { query: 'SELECT 1.10::numeric AS money', decimals: 'text' })).toEqual([
      { money: '1.10' },
    ]);
  });

  it('gives the exact types of MariaDB', async () => {
    await run(
      'mariadb',
      'DROP TABLE IF EXISTS types',
      `CREATE TABLE types (big BIGINT, small BIGINT, money DECIMAL(10,2), f DOUBLE, ts DATETIME(6), tz TIMESTAMP(3) NULL,
        d DATE, t TIME(1), long_time TIME, j JSON, bytes VARBINARY(10), nothing INT, word VARCHAR(10), zero DATE)`,
      `SET SESSION sql_mode = ''`,
      `INSERT INTO types VALUES (9007199254740993, 7, 1.10, 2.5, '2020-02-03 04:05:06.789012', '2020-02-03 04:05:06.789',
        '2020-01-01', '23:59:59.5', '-30:00:00', '{"a": [1]}', x'deadbeef', NULL, '✈', '0000-00-00')`,
    );
    const [row] = await read('mariadb', { query: 'SELECT * FROM types' });
    expect(row).toEqual({
      big: 9007199254740993n,
      small: 7,
      money: 1.1,
      f: 2.5,
      ts: new LocalDateTime(Date.UTC(2020, 1, 3, 4, 5, 6) / 1000, 789_012_000),
      tz: new ZonedDateTime(Date.UTC(2020, 1, 3, 4, 5, 6) / 1000, 789_000_000),
      d: new LocalDate(18_262),
      t: new LocalTime(86_399, 500_000_000),
      long_time: expect.objectContaining({ seconds: -108_000 }),
      j: { a: [1] },
      bytes: Uint8Array.of(0xde, 0xad, 0xbe, 0xef),
      nothing: null,
      word: '✈',
      zero: null,
    });
    const [exact] = await read('mariadb', { query: 'SELECT money FROM types', decimals: 'text' });
    expect(exact).toEqual({ money: '1.10' });
  });

  it('gives the declared types of SQLite', async () => {
    await run(
      'sqlite',
      'DROP TABLE IF EXISTS types',
      `CREATE TABLE types (big INTEGER, small INTEGER, f REAL, ts DATETIME, d DATE, yes BOOLEAN, j JSON, bytes BLOB,
        word TEXT, nil TEXT)`,
      `INSERT INTO types VALUES (9007199254740993, 7, 2.5, '2020-02-03 04:05:06', '2020-01-01', 1, '{"a": [1]}',
        x'deadbeef', '✈', NULL)`,
    );
    expect(await read('sqlite', { query: 'SELECT * FROM types' })).toEqual([
      {
        big: 9007199254740993n,
        small: 7,
        f: 2.5,
        ts: new LocalDateTime(Date.UTC(2020, 1, 3, 4, 5, 6) / 1000),
        d: new LocalDate(18_262),
        yes: true,
        j: { a: [1] },
        bytes: Uint8Array.of(0xde, 0xad, 0xbe, 0xef),
        word: '✈',
        nil: null,
      },
    ]);
  });

  it.each(NAMES)('binds parameters, never pastes them, and transforms rows: %s', async (name) => {
    const evil = "x'; DROP TABLE people; --";
    const type = name === 'sqlite' ? 'TEXT' : 'VARCHAR(100)';
    await run(name, 'DROP TABLE IF EXISTS people', `CREATE TABLE people (id INT, name ${type})`);
    await drain(
      new SQLBatchSink(PLAIN_CONTEXT, {
        url: URLS[name],
        table: 'people',
        predecessor: new ArraySource([
          [
            { id: 1, name: evil },
            { id: 2, name: null },
          ],
          [{ id: 3, name: 'x' }],
        ]),
      }),
      10,
    );
    const place = name === 'postgres' ? '$1' : '?';
    const query = `SELECT id, name FROM people WHERE name = ${place}`;
    const rowTransformer = (row: Row) => ({ key: row.id });
    expect(await read(name, { query, parameters: [evil], rowTransformer })).toEqual([{ key: 1 }]);
    expect(await read(name, { query: 'SELECT count(*) AS n FROM people' })).toEqual([{ n: 3 }]);
  });

  it.each(NAMES)('reads each row once in ranges, with nulls too: %s', async (name) => {
    const cell = fc.oneof(fc.constant(null), fc.integer({ min: -50, max: 50 }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(cell, { maxLength: 60 }),
        fc.oneof(
          fc.record({ count: fc.integer({ min: 1, max: 5 }) }),
          fc.record({
            bounds: fc.array(fc.integer({ min: -60, max: 60 }), { maxLength: 4 }), // in any order, with repeats
          }),
        ),
        async (values, how) => {
          await run(name, 'DROP TABLE IF EXISTS parts', 'CREATE TABLE parts (id INT, k INT)');
          if (values.length > 0)
            await run(name, `INSERT INTO parts VALUES ${values.map((k, id) => `(${id}, ${k})`).join(', ')}`);
          const rows = await read(
            name,
            { query: 'SELECT * FROM parts;', partition: { column: 'k', ...how } },
            7,
          );
          expect(rows.map(({ id }) => Number(id)).sort((a, b) => a - b)).toEqual(values.map((_, i) => i));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('refuses bounds that would lose rows', () => {
    for (const bounds of [[null], [1, undefined], [Number.NaN], Array.from({ length: 64 }, (_, i) => i)]) {
      const options = { url: URLS.sqlite, query: 'SELECT 1 AS k', partition: { column: 'k', bounds } };
      expect(() => new SQLBatchSource(PLAIN_CONTEXT, options)).toThrow(/`partition.bounds` must be/);
    }
  });

  it.each(['postgres', 'sqlite'] as const)('reads infinite numbers in ranges: %s', async (name) => {
    const [low, high] = name === 'postgres' ? ["'-Infinity'", "'Infinity'"] : ['-9e999', '9e999'];
    await run(name, 'DROP TABLE IF EXISTS ends', 'CREATE TABLE ends (f DOUBLE PRECISION)');
    await run(name, `INSERT INTO ends VALUES (${low}), (${high}), (5), (NULL)`);
    const rows = await read(name, { query: 'SELECT f FROM ends', partition: { column: 'f', count: 3 } });
    expect(new Set(rows.map(({ f }) => f))).toEqual(new Set([-Infinity, Infinity, 5, null]));
  });

  it.each(NAMES)('reads texts in ranges, and a query that ends in a comment: %s', async (name) => {
    const words = ['apple', 'Apple', 'éclair', 'Zoo', 'zoo', '', ' x'];
    await run(name, 'DROP TABLE IF EXISTS words', 'CREATE TABLE words (word VARCHAR(20))');
    await run(name, `INSERT INTO words VALUES ${words.map((word) => `('${word}')`).join(', ')}, (NULL)`);
    const query = 'SELECT word FROM words -- all of them';
    const rows = await read(name, { query, partition: { column: 'word', bounds: ['z', 'B', 'a'] } });
    expect(rows.map(({ word }) => word).sort()).toEqual([...words, null].sort());
    expect(await new SQLBatchSource(PLAIN_CONTEXT, { url: URLS[name], query }).floatColumns()).toEqual([]);
  });

  it.each(NAMES)('ends in the middle when it is left, and reads again: %s', async (name) => {
    const query =
      name === 'mariadb'
        ? 'SELECT seq AS n FROM seq_1_to_200000'
        : 'WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 200000) SELECT n FROM t';
    const source = new SQLBatchSource<Row>(PLAIN_CONTEXT, { url: URLS[name], query });
    for (let again = 0; again < 2; again++) {
      for await (const { chunk, origin } of source.getBatch(100)) {
        expect(chunk.length).toBe(100);
        expect(Number(chunk[0]!.n)).toBe(1);
        expect(origin).toMatchObject({ firstRow: 0 });
        break;
      }
    }
  });

  it.each(['postgres', 'mariadb'] as const)(
    'leaves no connection and no statement behind: %s',
    async (name) => {
      const marker = `marker_${name}`;
      const others = async () => {
        const [row] = await connections
          .get(name)!
          .query(
            name === 'postgres'
              ? `SELECT count(*) AS n FROM pg_stat_activity WHERE query LIKE '%${marker}%' AND pid <> pg_backend_pid()`
              : `SELECT count(*) AS n FROM information_schema.processlist WHERE info LIKE '%${marker}%' AND id <> connection_id()`,
          );
        return row!.n;
      };
      const numbers = name === 'postgres' ? 'generate_series(1, 3000000) AS t(n)' : 'seq_1_to_3000000';
      const query = `SELECT ${name === 'postgres' ? 'n' : 'seq AS n'}, '${marker}' AS s FROM ${numbers}`;
      const partition = { column: 'n', count: 3 };
      for (const options of [{ query }, { query, partition }]) {
        for await (const _ of new SQLBatchSource(PLAIN_CONTEXT, { url: URLS[name], ...options }).getBatch(
          100,
        )) {
          expect(await others()).toBeGreaterThan(0); // or the statement that counts is wrong
          break;
        }
        await expect.poll(others, { timeout: 10_000 }).toBe(0);
      }
      const stop = new AbortController();
      const slow = `SELECT ${name === 'postgres' ? 'pg_sleep(60)' : 'sleep(60)'} AS s, '${marker}' AS m`;
      const waiting = new SQLBatchSource(
        { ...PLAIN_CONTEXT, signal: stop.signal },
        { url: URLS[name], query: slow },
      );
      const ended = expect(drain(waiting, 10)).rejects.toMatchObject({ code: 'GW_ABORTED' });
      await expect.poll(others, { timeout: 10_000 }).toBe(1);
      stop.abort();
      await Promise.race([
        ended,
        sleep(5_000).then(() => Promise.reject(new Error('abort waits for the query'))),
      ]);
      await expect.poll(others, { timeout: 10_000 }).toBe(0);
    },
  );

  it.each(['postgres', 'mariadb'] as const)('says that the server cut the connection: %s', async (name) => {
    const numbers = name === 'postgres' ? 'generate_series(1, 1000000) AS t(n)' : 'seq_1_to_1000000';
    const query = `SELECT repeat('cut', 300) AS s FROM ${numbers}`;
    let isCut = false;
    const reading = async () => {
      for await (const _ of new SQLBatchSource(PLAIN_CONTEXT, { url: URLS[name], query }).getBatch(100)) {
        if (isCut) continue;
        isCut = true;
        const sessions = await connections
          .get(name)!
          .query(
            name === 'postgres'
              ? `SELECT pid AS id FROM pg_stat_activity WHERE query LIKE '%cut%' AND pid <> pg_backend_pid()`
              : `SELECT id FROM information_schema.processlist WHERE info LIKE '%cut%' AND id <> connection_id()`,
          );
        expect(sessions).toHaveLength(1);
        await run(
          name,
          `${name === 'postgres' ? 'SELECT pg_terminate_backend' : 'KILL '}(${sessions[0]!.id})`,
        );
      }
    };
    await expect(reading()).rejects.toMatchObject({ code: 'GW_SQL_UNAVAILABLE' });
  });

  it('says so too where it only shows when more is asked for: postgres', async () => {
    const query = `SELECT n, 'unseen' AS s FROM generate_series(1, 100000) AS t(n)`;
    let cutting: Promise<void> | undefined;
    const reading = async () => {
      for await (const _ of new SQLBatchSource(PLAIN_CONTEXT, { url: URLS.postgres, query }).getBatch(100)) {
        if (cutting) continue;
        const found = `SELECT pid FROM pg_stat_activity WHERE query LIKE '%unseen%' AND pid <> pg_backend_pid()`;
        const [session] = await connections.get('postgres')!.query(found);
        cutting = run(
          'postgres',
          `SELECT pg_terminate_backend(${session!.pid}) FROM (SELECT pg_sleep(0.3)) AS late`,
        );
        await sleep(100);
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600); // nothing is heard meanwhile
      }
    };
    await expect(reading()).rejects.toMatchObject({ code: 'GW_SQL_UNAVAILABLE' });
    await cutting;
  });

  it('waits longer than MariaDB would for a result of which nothing is taken', async () => {
    await run('mariadb', 'SET GLOBAL net_write_timeout = 1');
    try {
      const query = `SELECT repeat('x', 2000) AS s FROM seq_1_to_50000`;
      let rows = 0;
      for await (const { chunk } of new SQLBatchSource(PLAIN_CONTEXT, { url: URLS.mariadb, query }).getBatch(
        1000,
      )) {
        rows += chunk.length;
        if (rows === 1000) await sleep(3_000);
      }
      expect(rows).toBe(50_000);
    } finally {
      await run('mariadb', 'SET GLOBAL net_write_timeout = 60');
    }
  });

  it('stops the server while nobody takes rows: mariadb', async () => {
    const query = `SELECT repeat('y', 2000) AS s FROM seq_1_to_1000000`; // 2 GB
    for await (const _ of new SQLBatchSource(PLAIN_CONTEXT, { url: URLS.mariadb, query }).getBatch(1000)) {
      await sleep(500);
      const before = process.memoryUsage().rss;
      await sleep(1_500);
      const [server] = await connections
        .get('mariadb')!
        .query(
          `SELECT state FROM information_schema.processlist WHERE info LIKE '%repeat(%y%' AND id <> connection_id()`,
        );
      expect(server).toEqual({ state: 'Writing to net' });
      expect(process.memoryUsage().rss - before).toBeLessThan(50e6);
      break;
    }
  });

  it('refuses an infinite date, which Neo4j has not', async () => {
    const query = `SELECT n, CASE WHEN n = 150 THEN 'infinity'::date ELSE date '2020-01-01' END AS d
      FROM generate_series(1, 1000) AS t(n)`;
    const reading = drain(new SQLBatchSource(PLAIN_CONTEXT, { url: URLS.postgres, query }), 100);
    await expect(reading).rejects.toMatchObject({
      code: 'GW_SOURCE_FORMAT',
      message:
        'In row 149 of the result, column `d`: no Neo4j type has the date infinity; leave it out in the query.',
      details: { rowNumber: 149, column: 'd' },
    });
    const list = `SELECT 1 AS n, ARRAY['1999-12-31'::timestamp, '-infinity'] AS list`;
    await expect(read('postgres', { query: list })).rejects.toThrow(/row 0 .* column `list`: .* -infinity/);
    expect(await read('postgres', { query: `SELECT ARRAY['1999-12-31'::timestamp] AS list` })).toHaveLength(
      1,
    );
  });

  it('knows columns of floats by what SQLite makes of their types', async () => {
    await run(
      'sqlite',
      'DROP TABLE IF EXISTS floats',
      `CREATE TABLE floats (a REAL, b "UNSIGNED DOUBLE", c "LONG FLOAT", d NUMERIC(9, 2), e, f, g INTEGER, h "MY POINT REAL")`,
      'INSERT INTO floats VALUES (1, 1, 1, 1, 1.0, 1, 1, 1)',
    );
    const options = { url: URLS.sqlite, query: 'SELECT *, e AS e2, 2.0 AS x, 2 AS y FROM floats' };
    const found = await new SQLBatchSource(PLAIN_CONTEXT, options).floatColumns();
    expect([...found].sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'e2', 'x']);
    await run(
      'sqlite',
      'DROP TABLE floats',
      'CREATE TABLE floats (a ANY) STRICT',
      'INSERT INTO floats VALUES (3.0)',
    );
    expect(
      await new SQLBatchSource(PLAIN_CONTEXT, { ...options, query: 'SELECT * FROM floats' }).floatColumns(),
    ).toEqual(['a']);
  });

  it('refuses text that is not UTF-8, and reads U+FFFD where it is: sqlite', async () => {
    await run('sqlite', 'DROP TABLE IF EXISTS bytes', 'CREATE TABLE bytes (id INT, t TEXT)');
    await run('sqlite', "INSERT INTO bytes VALUES (1, 'a\ufffdb'), (2, x'ff'), (3, CAST(x'61ff62' AS TEXT))");
    const query = 'SELECT t FROM bytes WHERE id < ? ORDER BY id;';
    expect(await read('sqlite', { query, parameters: [3] })).toEqual([
      { t: 'a\ufffdb' },
      { t: Uint8Array.of(255) },
    ]);
    await expect(read('sqlite', { query, parameters: [4] })).rejects.toMatchObject({
      code: 'GW_SOURCE_FORMAT',
      message: expect.stringMatching(/Column `t` holds text that is not UTF-8, such as the bytes 61ff62;/),
    });
  });

  it.each(['postgres', 'mariadb'] as const)(
    'refuses whole decimals that no float equals: %s',
    async (name) => {
      await run(name, 'DROP TABLE IF EXISTS keys_', 'CREATE TABLE keys_ (id INT, k DECIMAL(22, 2))');
      await run(
        name,
        'INSERT INTO keys_ VALUES (1, 9007199254740994), (2, 9007199254740993.25), (3, 9007199254740993)',
      );
      const query = 'SELECT k FROM keys_ ORDER BY id';
      await expect(read(name, { query })).rejects.toMatchObject({
        code: 'GW_SOURCE_FORMAT',
        message: expect.stringContaining(
          'In row 2 of the result, column `k`: no float holds the number 9007199254740993.00',
        ),
      });
      const [first, second] = await read(name, { query: `${query} LIMIT 2` });
      expect([first, second]).toEqual([{ k: 9007199254740994 }, { k: 9007199254740994 }]);
      const partition = { column: 'k', count: 3 };
      const rows = await read(name, { query: 'SELECT k FROM keys_', decimals: 'text', partition });
      expect(rows.map(({ k }) => k).sort()).toEqual([
        '9007199254740993.00',
        '9007199254740993.25',
        '9007199254740994.00',
      ]);
    },
  );

  it.each(NAMES)('refuses a number in JSON that would become infinite: %s', async (name) => {
    await run(name, 'DROP TABLE IF EXISTS numbers', 'CREATE TABLE numbers (id INT, j JSON)');
    await run(
      name,
      `INSERT INTO numbers VALUES (1, '{"a": [1e308, "1e400"]}'), (2, '{"a": [{"b": -1e400}]}')`,
    );
    const query = 'SELECT j FROM numbers ORDER BY id';
    await expect(read(name, { query })).rejects.toMatchObject({
      code: 'GW_SOURCE_FORMAT',
      details: { rowNumber: 1, column: 'j' },
    });
    expect(await read(name, { query: `${query} LIMIT 1` })).toEqual([{ j: { a: [1e308, '1e400'] } }]);
  });

  it('reads text that is no JSON as the text that it is: sqlite', async () => {
    await run('sqlite', 'DROP TABLE IF EXISTS docs', 'CREATE TABLE docs (j JSON)');
    await run('sqlite', `INSERT INTO docs VALUES ('{broken'), ('null'), ('[1]')`);
    expect(await read('sqlite', { query: 'SELECT j FROM docs' })).toEqual([
      { j: '{broken' },
      { j: null },
      { j: [1] },
    ]);
  });

  it.each(NAMES)('refuses what is no single SELECT: %s', async (name) => {
    await run(name, 'DROP TABLE IF EXISTS target', 'CREATE TABLE target (id INT)');
    const wrong = [
      ['INSERT INTO target VALUES (1)', 'GW_SOURCE_FORMAT'],
      ['SELECT 1 AS a; SELECT 2 AS b', 'GW_SQL_STATEMENT'],
      [
        `SELECT ${name === 'postgres' ? '$1' : '?'} AS a, ${name === 'postgres' ? '$2' : '?'} AS b`,
        'GW_SQL_STATEMENT',
      ],
      ...(name === 'postgres'
        ? ([
            ['COPY target TO STDOUT', 'GW_SOURCE_FORMAT'],
            ['COPY target FROM STDIN', 'GW_SQL_STATEMENT'],
          ] as const)
        : []),
    ] as const;
    for (const [query, code] of wrong)
      await expect(
        read(name, { query, parameters: query.includes('AS b') ? [1] : [] }),
        query,
      ).rejects.toMatchObject({ code });
    await expect(read(name, { query: 'SELECT 1 AS a', parameters: [1, 2] })).rejects.toMatchObject({
      code: 'GW_SQL_STATEMENT',
    });
    const query = ' /* é */ SELECT id FROM target WHERE 1 = 0 ; -- none';
    if (name !== 'postgres') expect(await read(name, { query })).toEqual([]);
  });

  it('reads the one result of a procedure, and refuses several: mariadb', async () => {
    await run(
      'mariadb',
      'CREATE OR REPLACE PROCEDURE one() SELECT 1 AS a UNION ALL SELECT 2',
      'CREATE OR REPLACE PROCEDURE two() BEGIN SELECT 1 AS a; SELECT 2 AS b; END',
    );
    expect(await read('mariadb', { query: 'CALL one()' })).toEqual([{ a: 1 }, { a: 2 }]);
    await expect(read('mariadb', { query: 'CALL two()' })).rejects.toMatchObject({
      code: 'GW_SOURCE_FORMAT',
    });
  });

  it.each(NAMES)('puts texts in one order that a collation holds for equal: %s', async (name) => {
    const collate = { postgres: '', mariadb: 'COLLATE utf8mb4_general_ci', sqlite: 'COLLATE NOCASE' }[name];
    const words = ['a', 'A', 'b', 'B', 'c', 'C'];
    const orders = new Set<string>();
    for (const values of [words, words.toReversed()]) {
      await run(name, 'DROP TABLE IF EXISTS ties', `CREATE TABLE ties (k VARCHAR(9) ${collate}, n INT)`);
      await run(name, `INSERT INTO ties VALUES ${values.map((word) => `('${word}', 1)`).join(', ')}`);
      const rows = await read(name, { query: 'SELECT * FROM ties', orderBy: ['n', 'k'] });
      orders.add(rows.map(({ k }) => k).join(''));
    }
    expect(orders.size).toBe(1);
    if (name !== 'postgres') {
      const other = read(name, { query: 'SELECT * FROM ties', orderBy: ['K'] });
      await expect(other).rejects.toThrow(/as the result names them \(k, n\), got "K"/);
    }
    await run(name, "INSERT INTO ties VALUES ('a', 1)");
    await expect(read(name, { query: 'SELECT * FROM ties', orderBy: ['n', 'k'] })).rejects.toMatchObject({
      code: 'GW_SOURCE_ORDER',
    });
  });

  it.each([
    ['numeric', ['1.0', '1.00', '1']],
    ['interval', ['1 month', '30 days', '720 hours']],
    ['text COLLATE either', ['a', 'A', 'á']],
  ])('puts values in one order that PostgreSQL holds for equal: %s', async (type, values) => {
    await run(
      'postgres',
      'DROP TABLE IF EXISTS equals',
      `CREATE COLLATION IF NOT EXISTS either (provider = icu, locale = 'und-u-ks-level1', deterministic = false)`,
      `CREATE TABLE equals (k ${type})`,
    );
    const orders = new Set<string>();
    for (const given of [values, values.toReversed()]) {
      await run(
        'postgres',
        'TRUNCATE equals',
        `INSERT INTO equals VALUES ${given.map((k) => `('${k}')`).join(', ')}`,
      );
      const rows = await read('postgres', {
        query: 'SELECT * FROM equals',
        orderBy: ['k'],
        decimals: 'text',
      });
      orders.add(rows.map(({ k }) => String(k)).join(' '));
    }
    expect(orders.size).toBe(1);
  });

  it('keeps the time of a zero date of MariaDB, as text', async () => {
    await run(
      'mariadb',
      'DROP TABLE IF EXISTS zeros',
      'CREATE TABLE zeros (id INT, t DATETIME(1))',
      "SET sql_mode = ''",
    );
    await run(
      'mariadb',
      "INSERT INTO zeros VALUES (1, '0000-00-00'), (2, '0000-00-00 12:00:00'), (3, '0000-00-00 00:00:00.5')",
    );
    const rows = await read('mariadb', { query: 'SELECT t FROM zeros ORDER BY id' });
    expect(rows.map(({ t }) => t)).toEqual([null, '0000-00-00 12:00:00.0', '0000-00-00 00:00:00.5']);
  });

  it('makes no database of a misspelt path', async () => {
    const path = folder.path('misspelt.db');
    const source = new SQLBatchSource(PLAIN_CONTEXT, { url: `sqlite:${path}`, query: 'SELECT 1' });
    await expect(drain(source, 10)).rejects.toMatchObject({ code: 'GW_SQL_UNAVAILABLE' });
    expect(existsSync(path)).toBe(false);
  });

  it('says in one sentence what is wrong, without the password', async () => {
    const wrong = URLS.postgres.replace(/:[0-9a-f]+@/, ':planted-secret@');
    const failures = [
      [{ url: wrong, query: 'SELECT 1' }, 'GW_SQL_AUTH'],
      [{ url: URLS.mariadb.replace(/:[0-9a-f]+@/, ':planted-secret@'), query: 'SELECT 1' }, 'GW_SQL_AUTH'],
      [{ url: 'postgres://me:planted-secret@127.0.0.1:1/x', query: 'SELECT 1' }, 'GW_SQL_UNAVAILABLE'],
      [{ url: 'mysql://me:planted-secret@127.0.0.1:1/x', query: 'SELECT 1' }, 'GW_SQL_UNAVAILABLE'],
      [{ url: 'mysql://me:100%planted-secret@127.0.0.1:1/x', query: 'SELECT 1' }, 'GW_SQL_UNAVAILABLE'],
      [{ url: 'sqlite:/nowhere/at/all.db', query: 'SELECT 1' }, 'GW_SQL_UNAVAILABLE'],
      ...NAMES.map((name) => [{ url: URLS[name], query: 'SELEC 1' }, 'GW_SQL_STATEMENT'] as const),
    ] as const;
    for (const [options, code] of failures) {
      const error = await drain(new SQLBatchSource(PLAIN_CONTEXT, options), 10).catch((e: unknown) => e);
      expect(error, JSON.stringify(options)).toMatchObject({ code });
      expect(JSON.stringify(error)).not.toContain('planted-secret');
      expect((error as Error).message).not.toContain('planted-secret');
    }
    for (const mark of ['/', '?', '#']) {
      const url = `postgres://me:12${mark}planted-secret@127.0.0.1/x`; // me would be the host, 12 its port
      expect(() => new SQLBatchSource(PLAIN_CONTEXT, { url, query: 'SELECT 1' })).toThrow(/%2F/);
      expect(() => new SQLBatchSource(PLAIN_CONTEXT, { url, query: 'SELECT 1' })).toThrow(
        expect.not.stringContaining('planted-secret'),
      );
    }
    expect(() => new SQLBatchSource(PLAIN_CONTEXT, { query: 'SELECT 1' })).toThrow(
      /SQL address must look like/,
    );
    expect(
      () => new SQLBatchSource(PLAIN_CONTEXT, { url: 'oracle://u:planted-secret@h/x', query: 'SELECT 1' }),
    ).toThrow(expect.not.stringContaining('planted-secret'));
  });
});

describe('SQLBatchSink', () => {
  it.each(NAMES)('writes a batch in one transaction, or none of it: %s', async (name) => {
    await run(name, 'DROP TABLE IF EXISTS uniq', 'CREATE TABLE uniq (id INT PRIMARY KEY)');
    const batches = [
      [{ id: 1 }, { id: 2 }],
      [{ id: 3 }, { id: 1 }],
    ];
    const sink = new SQLBatchSink(PLAIN_CONTEXT, {
      url: URLS[name],
      table: 'uniq',
      predecessor: new ArraySource(batches),
    });
    await expect(drain(sink, 2)).rejects.toMatchObject({ code: 'GW_SQL_STATEMENT' });
    expect(await read(name, { query: 'SELECT id FROM uniq ORDER BY id' })).toEqual([{ id: 1 }, { id: 2 }]);
    const place = name === 'postgres' ? '$1' : '?';
    const update = new SQLBatchSink(PLAIN_CONTEXT, {
      url: URLS[name],
      query: `UPDATE uniq SET id = id + 10 WHERE id = ${place}`,
      columns: ['id'],
      predecessor: new ArraySource([[{ id: 2 }]]),
    });
    expect((await drain(update, 10)).statistics).toMatchObject({ sql_rows_written: 1 });
    expect(await read(name, { query: 'SELECT id FROM uniq ORDER BY id' })).toEqual([{ id: 1 }, { id: 12 }]);
  });

  it.each(NAMES)('writes batches whose fields come in another order: %s', async (name) => {
    await run(name, 'DROP TABLE IF EXISTS two', 'CREATE TABLE two (a INT, b INT)');
    const predecessor = new ArraySource<Row>([[{ a: 1, b: 2 }], [{ b: 4, a: 3 }]]);
    await drain(new SQLBatchSink(PLAIN_CONTEXT, { url: URLS[name], table: 'two', predecessor }), 10);
    expect(await read(name, { query: 'SELECT a, b FROM two ORDER BY a' })).toEqual([
      { a: 1, b: 2 },
      { a: 3, b: 4 },
    ]);
  });

  it('refuses a later row with a value that has no column', async () => {
    await run('sqlite', 'DROP TABLE IF EXISTS two', 'CREATE TABLE two (a INT, b INT)');
    const write = (columns?: readonly string[]) => {
      const predecessor = new ArraySource<Row>([[{ a: 1 }], [{ a: 2, b: 3 }]]);
      const options = { url: URLS.sqlite, table: 'two', predecessor, ...(columns && { columns }) };
      return drain(new SQLBatchSink(PLAIN_CONTEXT, options), 10);
    };
    await expect(write()).rejects.toMatchObject({ code: 'GW_SINK_TYPE', details: { column: 'b' } });
    await write(['a', 'b']);
    expect(await read('sqlite', { query: 'SELECT * FROM two' })).toEqual(
      [1, 1, 2].map((a) => ({ a, b: a === 2 ? 3 : null })),
    );
  });

  it.each(NAMES)('keeps the instant of a time with an offset: %s', async (name) => {
    const type = { postgres: 'TIMESTAMPTZ', mariadb: 'TIMESTAMP NULL', sqlite: 'TIMESTAMP' }[name];
    await run(name, 'DROP TABLE IF EXISTS zoned', `CREATE TABLE zoned (t ${type})`);
    const predecessor = new ArraySource<Row>([[{ t: new ZonedDateTime(1_580_702_706, 0, 19_800) }]]);
    await drain(new SQLBatchSink(PLAIN_CONTEXT, { url: URLS[name], table: 'zoned', predecessor }), 10);
    const [row] = await read(name, { query: 'SELECT t FROM zoned' });
    expect(row!.t).toBeInstanceOf(ZonedDateTime);
    expect((row!.t as ZonedDateTime).epochSecond).toBe(1_580_702_706);
  });

  it.each(NAMES)('writes the instant of a Date, whatever the zone of the machine: %s', async (name) => {
    const type = { postgres: 'TIMESTAMP', mariadb: 'DATETIME(3)', sqlite: 'TIMESTAMP' }[name];
    await run(name, 'DROP TABLE IF EXISTS dates', `CREATE TABLE dates (t ${type})`);
    const predecessor = new ArraySource<Row>([[{ t: new Date('2020-01-02T03:04:05.678Z') }]]);
    const { TZ } = process.env;
    process.env.TZ = 'America/New_York';
    try {
      await drain(new SQLBatchSink(PLAIN_CONTEXT, { url: URLS[name], table: 'dates', predecessor }), 10);
    } finally {
      if (TZ === undefined) delete process.env.TZ;
      else process.env.TZ = TZ;
    }
    const [row] = await read(name, { query: 'SELECT t FROM dates' });
    expect(String(row!.t)).toMatch(/^2020-01-02T03:04:05.678Z?$/);
  });

  it.each(NAMES)('writes into texts what a value is, and refuses what is none: %s', async (name) => {
    const texts = [
      [5, '5'],
      [2 ** 40, String(2 ** 40)],
      [new LocalDate(1), '1970-01-02'],
      [new Duration(0, 0, -1, 500_000_000), 'P0M0DT-0.5S'],
      [{ a: [2n ** 60n, Number.NaN] }, '{"a":["1152921504606846976","NaN"]}'],
      [new Map([['a', Float32Array.of(1, 2)]]), '{"a":[1,2]}'],
    ] as const;
    await run(name, 'DROP TABLE IF EXISTS texts', 'CREATE TABLE texts (t TEXT)');
    const write = (values: readonly unknown[]) => {
      const predecessor = new ArraySource<Row>([values.map((t) => ({ t }))]);
      return drain(new SQLBatchSink(PLAIN_CONTEXT, { url: URLS[name], table: 'texts', predecessor }), 10);
    };
    await write(texts.map(([value]) => value));
    const rows = await read(name, { query: 'SELECT t FROM texts' });
    expect(rows.map(({ t }) => t)).toEqual(texts.map(([, text]) => text));
    await expect(write(['good', 'a\ud800'])).rejects.toMatchObject({ code: 'GW_VALUE_TEXT' });
    await expect(write(['good', new Date(Number.NaN)])).rejects.toMatchObject({ code: 'GW_VALUE_TYPE' });
    expect(await read(name, { query: 'SELECT t FROM texts' })).toEqual(rows);
  });

  it('writes arrays, and dates before Christ, as PostgreSQL has them', async () => {
    await run(
      'postgres',
      'DROP TABLE IF EXISTS lists',
      'CREATE TABLE lists (t TEXT[], f FLOAT8[], i INTERVAL[], b BYTEA[], d DATE, ts TIMESTAMP)',
    );
    const row = {
      t: ['a"b', null, '', '1970-01-02'],
      f: [-0, Number.NaN, 2],
      i: [new Duration(1, 2, -1, 500_000_000)],
      b: [Uint8Array.of(0, 255)],
      d: new LocalDate(-735_160),
      ts: new LocalDateTime(253_402_300_800 * 2),
    };
    const given = { ...row, t: ['a"b', null, '', new LocalDate(1)], f: Float64Array.from(row.f) };
    const predecessor = new ArraySource<Row>([[given]]);
    await drain(new SQLBatchSink(PLAIN_CONTEXT, { url: URLS.postgres, table: 'lists', predecessor }), 10);
    expect(await read('postgres', { query: 'SELECT * FROM lists' })).toEqual([row]);
  });

  it('writes nothing that MariaDB would cut, also where the server is told to cut', async () => {
    await run('mariadb', 'DROP TABLE IF EXISTS narrow', 'CREATE TABLE narrow (t VARCHAR(3), n TINYINT)');
    await run('mariadb', "SET GLOBAL sql_mode = ''");
    try {
      for (const row of [{ t: 'abcd' }, { n: 1000 }]) {
        const predecessor = new ArraySource<Row>([[row]]);
        const sink = new SQLBatchSink(PLAIN_CONTEXT, { url: URLS.mariadb, table: 'narrow', predecessor });
        await expect(drain(sink, 10)).rejects.toMatchObject({ code: 'GW_SQL_STATEMENT' });
      }
    } finally {
      await run('mariadb', 'SET GLOBAL sql_mode = DEFAULT');
    }
    expect(await read('mariadb', { query: 'SELECT * FROM narrow' })).toEqual([]);
  });

  it('binds whole numbers as integers, and no NaN: sqlite', async () => {
    const query = 'SELECT typeof(?) AS a, typeof(?) AS b, typeof(?) AS c, typeof(?) AS d';
    const parameters = [5, 2 ** 40, 0.5, true];
    expect(await read('sqlite', { query, parameters })).toEqual([
      { a: 'integer', b: 'integer', c: 'real', d: 'integer' },
    ]);
    await expect(read('sqlite', { query: 'SELECT ?', parameters: [Number.NaN] })).rejects.toMatchObject({
      code: 'GW_VALUE_TYPE',
    });
  });

  it.each(NAMES)('writes what it reads, type by type: %s', async (name) => {
    const bytes = { postgres: 'BYTEA', mariadb: 'VARBINARY(9)', sqlite: 'BLOB' }[name];
    const stamp = { postgres: 'TIMESTAMP', mariadb: 'DATETIME(6)', sqlite: 'DATETIME' }[name];
    await run(
      name,
      'DROP TABLE IF EXISTS mixed',
      `CREATE TABLE mixed (n BIGINT, f DOUBLE PRECISION, s VARCHAR(50), d DATE, ts ${stamp}, b ${bytes})`,
    );
    const rows = [
      {
        n: 2n ** 60n,
        f: 0.1,
        s: `"quoted" 'so' ✈`,
        d: new LocalDate(18_262),
        ts: new LocalDateTime(1_580_702_706, 500_000_000),
        b: Uint8Array.of(0, 255),
      },
      { n: -1, f: null, s: '', d: null, ts: null, b: null },
    ];
    await drain(
      new SQLBatchSink(PLAIN_CONTEXT, {
        url: URLS[name],
        table: 'mixed',
        predecessor: new ArraySource([rows]),
      }),
      10,
    );
    expect(await read(name, { query: 'SELECT * FROM mixed ORDER BY n DESC' })).toEqual(rows);
  });
});

describe('a load from SQL', () => {
  const { context } = useServer();

  it.each(NAMES)('loads with one writer and in parallel, read in ranges: %s', async (name) => {
    await run(
      name,
      'DROP TABLE IF EXISTS follows',
      'CREATE TABLE follows (a INT, b INT, weight DOUBLE PRECISION)',
    );
    const rows = Array.from({ length: 3000 }, (_, i) => `(${i % 97}, ${(i * 7) % 89}, ${i}.0)`);
    for (let from = 0; from < rows.length; from += 500)
      await run(name, `INSERT INTO follows VALUES ${rows.slice(from, from + 500).join(', ')}`);
    const label = uniqueLabel('Person');
    const mapping = relationship('FOLLOWS', {
      from: node(label, { id: 'a' }, { write: 'merge' }),
      to: node(label, { id: 'b' }, { write: 'merge' }),
      properties: ['weight'],
      write: 'create',
    });
    const options = { url: URLS[name], sql: 'SELECT a, b, weight FROM follows', mapping, batchSize: 200 };
    const plain = await new SQLLoad2Neo4jTask(context(), options).execute();
    expect(plain.error).toBeUndefined();
    const parallel = await new ParallelSQLLoad2Neo4jTask(context(), {
      ...options,
      partition: { column: 'a', count: 3 },
    }).execute();
    expect(parallel.error).toBeUndefined();
    for (const { summary } of [plain, parallel])
      expect(summary).toMatchObject({ relationships_created: 3000, sql_rows_read: 3000 });
    expect(plain.summary.nodes_created).toBe(97);
    const { rows: found } = await context().neo4j.query(
      `MATCH (:\`${label}\`)-[r:FOLLOWS]->() RETURN count(r) AS n, sum(r.weight) AS total, r.weight IS :: FLOAT AS f`,
    );
    expect(found).toEqual([{ n: 6000, total: 3000 * 2999, f: true }]);
  });
});

describe('the memory of a source', () => {
  it.each(NAMES)(
    'stays within 64 MB of heap for two million rows: %s',
    { timeout: 180_000 },
    async (name) => {
      const wide = "'a text of some length, so that two million of them do not fit'";
      const query =
        name === 'mariadb'
          ? `SELECT seq AS n, ${wide} AS s FROM seq_1_to_2000000`
          : name === 'postgres'
            ? `SELECT n, ${wide} AS s FROM generate_series(1, 2000000) AS t(n)`
            : `WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 2000000) SELECT n, ${wide} AS s FROM t`;
      const script = new URL('./read-all.mjs', import.meta.url).pathname;
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--max-old-space-size=64', script, URLS[name], query],
        { maxBuffer: 1e6 },
      );
      expect(JSON.parse(stdout)).toEqual({ rows: 2_000_000 });
    },
  );

  it('could not hold that result: with every row kept the same program runs out of heap', {
    timeout: 180_000,
  }, async () => {
    const query = `SELECT seq AS n, 'a text of some length, so that two million of them do not fit' AS s FROM seq_1_to_2000000`;
    const script = new URL('./read-all.mjs', import.meta.url).pathname;
    const args = ['--max-old-space-size=64', script, URLS.mariadb, query, 'keep'];
    await expect(promisify(execFile)(process.execPath, args, { maxBuffer: 1e6 })).rejects.toMatchObject({
      stderr: expect.stringContaining('heap out of memory'),
    });
  });
});
