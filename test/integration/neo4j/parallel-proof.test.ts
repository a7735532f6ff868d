/**
 * The method on a real server: parallel MERGE of skewed ratings meets deadlocks, the same rows behind the splitter
 * meet none, and the graph is the one that a sequential load makes.
 */
import { describe, expect, it } from 'vitest';
import type { BatchResults, BatchSource } from '../../../src/core/batch-processor.ts';
import type { Statistics } from '../../../src/core/statistics.ts';
import type { Neo4jContext } from '../../../src/neo4j/connection.ts';
import type { Cell } from '../../../src/parallel/cell-backlog.ts';
import { dictIdExtractor } from '../../../src/parallel/id-extractors.ts';
import { ParallelBatchProcessor } from '../../../src/parallel/parallel-batch-processor.ts';
import { SplittingBatchProcessor } from '../../../src/parallel/splitting-batch-processor.ts';
import { CypherBatchSink } from '../../../src/sinks/cypher-batch-sink.ts';
import { drain } from '../../support/batches.ts';
import { uniqueLabel, useServer } from '../../support/context.ts';
import { type Rating, skewedRatings } from '../../support/ratings.ts';

const SEED = 20_261_124;
const ROWS = 100_000;
const WORKERS = 8;
const BATCH_SIZE = 500;
const ratings = skewedRatings(ROWS, SEED);

const server = useServer();

describe(`a bi-partite MERGE of ${ROWS} skewed ratings (seed ${SEED}) by ${WORKERS} workers`, () => {
  it('meets deadlocks without the splitter, none with it, and makes the graph of a sequential load', async () => {
    const context = server.context();
    const graphs = await Promise.all(
      ['Sequential', 'Unsplit', 'Split'].map((name) => prepareGraph(context, name)),
    );
    const [sequential, unsplit, split] = graphs as [Graph, Graph, Graph];

    await drain(sink(context, sequential, rowsSource()), 5_000);
    const without = await drain(parallel(context, unsplit, carelessWaves()), BATCH_SIZE);
    const splitter = new SplittingBatchProcessor<Rating>(context, {
      predecessor: rowsSource(),
      tableSize: 2 * WORKERS,
      idExtractor: dictIdExtractor({ tableSize: 2 * WORKERS, startKey: 'user', endKey: 'movie' }) as never,
    });
    const withSplitter = await drain(parallel(context, split, splitter), BATCH_SIZE);

    expect(deadlocks(without.statistics)).toBeGreaterThan(0);
    expect(withSplitter.statistics.retries ?? 0).toBe(0);
    expect(withSplitter.statistics.cypher_rows_written).toBe(ROWS);
    const expected = await edges(context, sequential);
    expect(expected.length).toBe(new Set(ratings.map(({ user, movie }) => `${user} ${movie}`)).size);
    expect(await edges(context, split)).toEqual(expected);
  });
});

interface Graph {
  readonly user: string;
  readonly movie: string;
}

async function prepareGraph(context: Neo4jContext, name: string): Promise<Graph> {
  const graph = { user: uniqueLabel(`${name}User`), movie: uniqueLabel(`${name}Movie`) };
  for (const label of Object.values(graph)) {
    await context.neo4j.query(`CREATE CONSTRAINT FOR (n:${label}) REQUIRE n.id IS UNIQUE`);
  }
  return graph;
}

function rowsSource(): BatchSource<Rating> {
  return {
    async *getBatch(size) {
      for (let from = 0; from < ratings.length; from += size) {
        const chunk = ratings.slice(from, from + size);
        yield { chunk, statistics: {}, batchSize: chunk.length };
      }
    },
  };
}

/** Waves of rows as they come, eight batches side by side: what a loader without a grid does. */
function carelessWaves(): BatchSource<Cell<Rating>> {
  return {
    async *getBatch(size): AsyncGenerator<BatchResults<Cell<Rating>>> {
      for (let from = 0; from < ratings.length; from += size * WORKERS) {
        const cells = Array.from({ length: WORKERS }, (_, i) => ({
          row: i,
          col: i,
          items: ratings.slice(from + i * size, from + (i + 1) * size),
        })).filter(({ items }) => items.length > 0);
        yield {
          chunk: cells,
          statistics: {},
          batchSize: cells.reduce((sum, { items }) => sum + items.length, 0),
        };
      }
    },
  };
}

function parallel(
  context: Neo4jContext,
  graph: Graph,
  predecessor: BatchSource<Cell<Rating>>,
): BatchSource<Rating> {
  const workerFactory = (rows: BatchSource<Rating>) => sink(context, graph, rows);
  return new ParallelBatchProcessor(context, { predecessor, workerFactory, maxWorkers: WORKERS });
}

function sink(
  context: Neo4jContext,
  { user, movie }: Graph,
  predecessor: BatchSource<Rating>,
): CypherBatchSink<Rating> {
  const query = `UNWIND $batch AS row MERGE (u:${user} {id: row.user}) MERGE (m:${movie} {id: row.movie})
    MERGE (u)-[r:RATED]->(m) SET r.rating = row.rating`;
  return new CypherBatchSink(context, { query, predecessor });
}

function deadlocks(statistics: Statistics): number {
  const found = Object.entries(statistics).filter(([name]) => name.startsWith('retries_deadlock_'));
  return found.reduce((sum, [, count]) => sum + count, 0);
}

async function edges(context: Neo4jContext, { user, movie }: Graph): Promise<unknown[]> {
  const { rows } = await context.neo4j.query(
    `MATCH (u:${user})-[r:RATED]->(m:${movie}) WITH u.id AS user, m.id AS movie, collect(r.rating) AS ratings
     RETURN user, movie, ratings ORDER BY user, movie`,
  );
  return [...rows];
}
