import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ETLContext } from '../../../src/context/etl-context.ts';
import { SILENT_REPORTER } from '../../../src/core/reporter.ts';
import { Duration, LocalDateTime, LocalTime, ZonedDateTime, ZonedTime } from '../../../src/core/temporal.ts';
import { CypherBatchSink } from '../../../src/sinks/cypher-batch-sink.ts';
import { CypherBatchSource } from '../../../src/sources/cypher-batch-source.ts';
import type { Row } from '../../../src/sources/duckdb.ts';
import { drain } from '../../support/batches.ts';
import { uniqueLabel, useServer } from '../../support/context.ts';

const { context } = useServer();

describe('CypherBatchSource', () => {
  it('gives values as rows have them', async () => {
    const query = `RETURN 1 AS n, 9007199254740993 AS big, localdatetime('2020-01-02T03:04:05.000000006') AS ldt,
        datetime('2020-01-02T03:04:05+05:30') AS zdt, datetime('2020-07-02T03:04:05[Europe/Paris]') AS named,
        localtime('23:59:59') AS lt, time('01:00:00-02:00') AS t, duration('P14M3DT61.5S') AS d, null AS nothing,
        {a: [1, {b: 2}]} AS map`;
    const { items, statistics } = await drain(new CypherBatchSource<Row>(context(), { query }), 10);
    expect(statistics).toEqual({ cypher_rows_read: 1 });
    expect(items).toEqual([
      {
        n: 1,
        big: 9007199254740993n,
        ldt: new LocalDateTime(Date.UTC(2020, 0, 2, 3, 4, 5) / 1000, 6),
        zdt: new ZonedDateTime(Date.UTC(2020, 0, 1, 21, 34, 5) / 1000, 0, 19_800),
        named: new ZonedDateTime(Date.UTC(2020, 6, 2, 1, 4, 5) / 1000, 0, 7200, 'Europe/Paris'),
        lt: new LocalTime(86_399, 0),
        t: new ZonedTime(3600, 0, -7200),
        d: new Duration(14, 3, 61, 500_000_000),
        nothing: null,
        map: { a: [1, { b: 2 }] },
      },
    ]);
  });

  it('gives nodes, relationships and paths as their properties', async () => {
    const label = uniqueLabel('Thing');
    await context().neo4j.query(
      `CREATE (:\`${label}\` {x: 1})-[:KNOWS {since: 2}]->(:\`${label}\` {y: [1, 2]})`,
    );
    const query = `MATCH p = (a:\`${label}\`)-[r:KNOWS]->(b) RETURN a, r, [b] AS list, p`;
    const { items } = await drain(new CypherBatchSource<Row>(context(), { query }), 10);
    expect(items).toEqual([
      { a: { x: 1 }, r: { since: 2 }, list: [{ y: [1, 2] }], p: [{ x: 1 }, { y: [1, 2] }] },
    ]);
  });

  it('reads a graph, reshapes it and writes it back', async () => {
    const label = uniqueLabel('Person');
    await context().neo4j.query(
      `UNWIND range(1, 1000) AS id CREATE (:\`${label}\` {id: id, born: date('1970-01-01') + duration({days: id})})`,
    );
    const source = new CypherBatchSource<Row>(context(), {
      query: `MATCH (p:\`${label}\`) WHERE p.id <= $max RETURN p ORDER BY p.id`,
      parameters: { max: 900 },
      recordTransformer: ({ p }) => ({ ...(p as Row), twice: Number((p as Row).id) * 2 }),
    });
    const sink = new CypherBatchSink(context(), {
      predecessor: source,
      query: `UNWIND $batch AS row CREATE (:\`${label}Copy\`) WITH row MATCH (p:\`${label}\` {id: row.id, born: row.born}) SET p.twice = row.twice`,
    });
    const { batches, statistics } = await drain(sink, 128);
    expect(batches.map(({ batchSize }) => batchSize)).toEqual([128, 128, 128, 128, 128, 128, 128, 4]);
    expect(statistics).toMatchObject({ cypher_rows_read: 900, nodes_created: 900 });
    const { rows } = await context().neo4j.query(
      `MATCH (p:\`${label}\`) WHERE p.twice = 2 * p.id RETURN count(p) AS right`,
    );
    expect(rows).toEqual([{ right: 900 }]);
  });

  it('keeps types on the way back, floats where their columns are named', async () => {
    const label = uniqueLabel('Typed');
    await context().neo4j.query(
      `CREATE (:\`${label}\` {whole: 1, f: 1.0, fs: [1.0, 2.5], big: 9007199254740993, where: point({x: 1, y: 2}),
        at: datetime('2020-07-02T03:04:05.000000006+02:00'), length: duration('-PT61.5S'), long: date('-9999-01-01')})`,
    );
    const names = ['whole', 'f', 'fs', 'big', 'where', 'at', 'length', 'long'];
    const sink = new CypherBatchSink(context(), {
      predecessor: new CypherBatchSource<Row>(context(), {
        query: `MATCH (n:\`${label}\`) RETURN n {${names.map((name) => `.${name}`).join(', ')}} AS n`,
        recordTransformer: ({ n }) => n,
      }),
      query: `UNWIND $batch AS row CREATE (copy:\`${label}Copy\`) SET copy = row`,
      floatColumns: ['f', 'fs'],
    });
    await drain(sink, 10);
    const { rows } = await context().neo4j.query(
      `MATCH (n:\`${label}\`), (copy:\`${label}Copy\`) UNWIND keys(n) AS key
       WITH key WHERE n[key] = copy[key] AND valueType(n[key]) = valueType(copy[key]) RETURN collect(key) AS same`,
    );
    expect(new Set(rows[0]?.same as string[])).toEqual(new Set(names));
  });

  it.each([
    ['nothing has arrived yet', 'UNWIND range(1, 1000000000) AS n WITH sum(n % 7) AS s RETURN s', 10],
    ['records flow', 'UNWIND range(1, 1000000000) AS n RETURN n AS s', 1_000],
  ])('ends the statement on an abort while %s', async (_, query, batchSize) => {
    const abort = new AbortController();
    const aborted = new ETLContext({ reporter: SILENT_REPORTER, signal: abort.signal });
    onTestFinished(() => aborted.close());
    const running = async () => {
      const { rows } = await context().neo4j.query(
        'SHOW TRANSACTIONS YIELD currentQuery WHERE currentQuery = $query RETURN count(*) AS n',
        { query },
      );
      return rows[0]?.n;
    };
    const failure = drain(new CypherBatchSource(aborted, { query }), batchSize).catch((error) => error);
    await expect.poll(running).toBe(1);
    abort.abort();
    // The statement itself runs for minutes, so that it ends at all is the abort's doing.
    expect(await Promise.race([failure, sleep(10_000)])).toMatchObject({ code: 'GW_ABORTED' });
    await expect.poll(running, { timeout: 10_000 }).toBe(0);
    expect((await aborted.neo4j.query('RETURN 1 AS x')).rows).toEqual([{ x: 1 }]);
  });

  it('ends the statement when it is left in the middle, and throws in one sentence', async () => {
    const source = new CypherBatchSource<Row>(context(), {
      query: 'UNWIND range(1, 100000000) AS n RETURN n',
    });
    for await (const { chunk } of source.getBatch(10)) {
      expect(chunk[0]).toEqual({ n: 1 });
      break;
    }
    const broken = new CypherBatchSource(context(), { query: 'RETUR 1' });
    await expect(drain(broken, 10)).rejects.toMatchObject({ code: 'GW_NEO4J_SYNTAX' });
    const late = new CypherBatchSource(context(), { query: 'UNWIND [1, 2, 0] AS n RETURN 1 / n AS x' });
    await expect(drain(late, 1)).rejects.toMatchObject({ message: expect.stringContaining('/ by zero') });
  });

  it('reads a million rows within 48 MB of heap', async () => {
    const script = new URL('./read-graph.mjs', import.meta.url).pathname;
    const query =
      "UNWIND range(1, 1000000) AS n RETURN n, 'a text of some length that does not fit a million times' AS s";
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--max-old-space-size=48',
      script,
      query,
    ]);
    expect(JSON.parse(stdout)).toEqual({ rows: 1_000_000 });
  });
});
