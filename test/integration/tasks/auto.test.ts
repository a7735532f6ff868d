import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { node, relationship } from '../../../src/mapping/patterns.ts';
import { keyBucket } from '../../../src/parallel/id-extractors.ts';
import { CSVLoad2Neo4jTask, ParallelCSVLoad2Neo4jTask } from '../../../src/tasks/csv-load-2-neo4j-task.ts';
import { ParallelSQLLoad2Neo4jTask } from '../../../src/tasks/sql-load-2-neo4j-task.ts';
import { uniqueLabel, useServer } from '../../support/context.ts';
import { useFolder } from '../../support/files.ts';
import { skewedRatings } from '../../support/ratings.ts';

const { context, reporter } = useServer();

/** Writes rows to a file. */
function fileOf(columns: string, rows: readonly (readonly unknown[])[]): string {
  return useFolder().write('rows.csv', `${columns}\n${rows.map((row) => row.join(',')).join('\n')}\n`);
}

const ratings = (rows: number) =>
  skewedRatings(rows, 3).map(({ user, movie, rating }) => [user, movie, rating]);

function ratingMapping(prefix: string) {
  const [u, m] = [uniqueLabel(`${prefix}User`), uniqueLabel(`${prefix}Movie`)];
  const mapping = relationship('RATED', {
    from: node(u, { id: 'user' }, { write: 'merge' }),
    to: node(m, { id: 'movie' }, { write: 'merge' }),
    properties: ['rating'],
  });
  const graph = async () =>
    (
      await context().neo4j.query(
        `MATCH (u:\`${u}\`)-[r:RATED]->(m:\`${m}\`) RETURN u.id AS u, m.id AS m, r.rating AS rating ORDER BY u, m`,
      )
    ).rows;
  return { mapping, graph };
}

async function load(task: { execute(): ReturnType<CSVLoad2Neo4jTask['execute']> }) {
  const { success, error, summary } = await task.execute();
  expect(error).toBeUndefined();
  expect(success).toBe(true);
  expect(summary.retries).toBeUndefined();
  return summary;
}

describe("a load with parallel: 'auto'", () => {
  it('takes the grid where rows share nodes, and ends with the graph of one writer', async () => {
    const file = fileOf('user,movie,rating', ratings(15_000));
    const [one, auto] = [ratingMapping('One'), ratingMapping('Auto')];
    await load(new CSVLoad2Neo4jTask(context(), { file, mapping: one.mapping, types: 'inferred' }));
    const task = new ParallelCSVLoad2Neo4jTask(context(), {
      name: 'ratings',
      file,
      mapping: auto.mapping,
      types: 'inferred',
      parallel: 'auto',
      batchSize: 250,
    });
    const plan = await task.explain();
    expect(plan?.choice).toEqual({
      kind: 'grid',
      reason: expect.stringMatching(
        /^15,000 rows share nodes, and the split allows up to [\d.]+ times the rate of one/,
      ),
    });
    const workers = Math.min(8, Math.max(2, availableParallelism()));
    const tableSize = Math.min(2 * Math.max(4, workers), 7); // 7: a batch in each cell
    expect(plan).toMatchObject({ totalRows: 15_000, workers, tableSize, buckets: 'hash' });
    await load(task);
    expect(await auto.graph()).toEqual(await one.graph());
    expect(reporter().notices).toEqual([
      `ratings: auto: grid of ${tableSize} × ${tableSize}: ${plan?.choice?.reason}`,
      expect.stringMatching(
        /^ratings: auto: grid of (\d+) × \1, [\d–]+ workers?, batches of at most [\d–,]+ rows$/,
      ),
    ]);
  });

  it('balances buckets where by hash one would have more than a worker can do', async () => {
    const tableSize = 8;
    const inOneBucket = Array.from({ length: 100 }, (_, user) => user).filter(
      (user) => keyBucket(user, tableSize) === 0,
    );
    const rows = Array.from({ length: 15_000 }, (_, i) => [
      i % 2 === 0 ? inOneBucket[i % 8] : 1_000 + (i % 997),
      i % 991,
      1,
    ]);
    const file = fileOf('user,movie,rating', rows);
    const plan = (buckets?: 'hash') =>
      new ParallelCSVLoad2Neo4jTask(context(), {
        file,
        mapping: ratingMapping('Uneven').mapping,
        types: 'inferred',
        parallel: 'auto',
        batchSize: 250,
        maxWorkers: 4,
        tableSize,
        ...(buckets && { buckets }),
      }).explain();
    expect(await plan()).toMatchObject({ buckets: 'balanced', limitingBucket: undefined });
    expect(await plan('hash')).toMatchObject({ buckets: 'hash', limitingBucket: { bucket: 0 } });
  });

  it('takes one writer for few rows, for a mapping without a grid, and where one key has nearly all rows', async () => {
    const few = ratingMapping('Few');
    const file = fileOf('user,movie,rating', ratings(300));
    await load(
      new ParallelCSVLoad2Neo4jTask(context(), {
        file,
        mapping: few.mapping,
        types: 'inferred',
        parallel: 'auto',
      }),
    );
    expect(await few.graph()).not.toHaveLength(0);

    const [a, b, c] = ['A', 'B', 'C'].map((name) => uniqueLabel(name));
    const from = node(a!, { id: 'user' }, { write: 'merge' });
    const three = new ParallelCSVLoad2Neo4jTask(context(), {
      file,
      types: 'inferred',
      parallel: 'auto',
      mapping: [
        relationship('X', { from, to: node(b!, { id: 'movie' }, { write: 'merge' }) }),
        relationship('Y', { from, to: node(c!, { id: 'rating' }, { write: 'merge' }) }),
      ],
    });
    expect((await three.explain())?.choice?.kind).toBe('sequential');
    expect(await load(three)).toMatchObject({ cypher_rows_written: 300 });

    const hub = ratingMapping('Hub');
    const rows = Array.from({ length: 5_000 }, (_, i) => [i, i % 10 === 0 ? i : 0, 1]);
    await load(
      new ParallelCSVLoad2Neo4jTask(context(), {
        file: fileOf('user,movie,rating', rows),
        mapping: hub.mapping,
        types: 'inferred',
        parallel: 'auto',
        batchSize: 500,
      }),
    );
    expect(await hub.graph()).toHaveLength(5_000);
    const name = 'ParallelCSVLoad2Neo4jTask: auto: one writer';
    expect(reporter().notices).toEqual([
      `${name}: 300 rows are fewer than the 40,000 that are worth a split`,
      `${name}: the mapping finds 3 nodes a row by key, and a grid has two sides`,
      `${name}: key 0 has 90 % of the rows, so no split can be more than 1.1 times as fast`,
    ]);
  });

  it('writes in parallel without a grid where rows share no node, and where a row has one', async () => {
    const file = fileOf(
      'id,size',
      Array.from({ length: 10_000 }, (_, i) => [i % 5_000, i]),
    );
    const [made, merged] = [uniqueLabel('Made'), uniqueLabel('Merged')];
    for (const [label, write] of [
      [made, 'create'],
      [merged, 'merge'],
    ] as const) {
      const mapping = node(label, write === 'merge' ? { id: 'id' } : {}, { properties: ['size'], write });
      const options = {
        file,
        mapping,
        types: 'inferred',
        parallel: 'auto',
        batchSize: 500,
        maxWorkers: 4,
      } as const;
      await load(new ParallelCSVLoad2Neo4jTask(context(), options));
    }
    const { rows } = await context().neo4j.query(
      `MATCH (n:${made}) WITH count(*) AS made MATCH (m:${merged}) WHERE m.size = m.id + 5000 RETURN made, count(*) AS merged`,
    );
    expect(rows).toEqual([{ made: 10_000, merged: 5_000 }]);
    const name = 'ParallelCSVLoad2Neo4jTask: auto: 8 cells without a grid';
    expect(reporter().notices.filter((_, i) => i % 2 === 0)).toEqual([
      `${name}: the rows share no node`,
      `${name}: a row has one node, and all rows of a node are kept together`,
    ]);
  });

  it('decides on a source that cannot count from its first rows', async () => {
    const url = `sqlite:${useFolder().write('rows.db', '')}`;
    for (const [rows, kind] of [
      [100, 'one writer: 100 rows are fewer'],
      [4_000, 'grid of'],
    ] as const) {
      const { mapping, graph } = ratingMapping('Sql');
      const series = `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows - 1})`;
      await load(
        new ParallelSQLLoad2Neo4jTask(context(), {
          name: `${rows}`,
          url,
          sql: `${series} SELECT i AS user, (i * 7) % 97 AS movie, i AS rating FROM n`,
          mapping,
          parallel: 'auto',
          batchSize: 200,
        }),
      );
      expect(await graph()).toHaveLength(rows);
      expect(reporter().notices.find((notice) => notice.startsWith(`${rows}: `))).toContain(kind);
    }
  });

  it('goes on with the split that it began with', async () => {
    const { mapping, graph } = ratingMapping('Resumed');
    const rows = ratings(8_000);
    const file = fileOf('user,movie,rating', rows);
    const options = {
      file,
      mapping,
      types: 'inferred',
      parallel: 'auto',
      resume: uniqueLabel('run'),
    } as const;
    const stop = new AbortController();
    const first = new ParallelCSVLoad2Neo4jTask(context(), { ...options, batchSize: 200 });
    const reported = first.reportProgress.bind(first);
    first.reportProgress = (progress) => {
      reported(progress);
      if (progress.rows) stop.abort();
    };
    expect((await first.execute({ signal: stop.signal })).success).toBe(false);
    const some = (await graph()).length;
    expect(some).toBeGreaterThan(0);
    // With other workers and batches another grid would fit.
    const second = new ParallelCSVLoad2Neo4jTask(context(), { ...options, batchSize: 1_000, maxWorkers: 3 });
    const summary = await load(second);
    expect(summary.rows_skipped).toBeGreaterThan(0);
    expect(await graph()).toHaveLength(new Set(rows.map(([user, movie]) => `${user} ${movie}`)).size);
    expect(reporter().notices).toContainEqual(
      expect.stringContaining('as in the attempt that it goes on with'),
    );
  });
});
