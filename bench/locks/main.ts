/**
 * Which commits meet: the same skewed ratings on the same grid, with one commit of relationships at a time and with as
 * many as there are workers. Prints deadlock retries by the kind of lock, and the time.
 *
 *     npm run bench -- locks [--claims | --hubs] [--rows N] [--rounds N]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import { Command } from 'commander';
import {
  type BatchSource,
  CypherBatchSink,
  dictIdExtractor,
  ETLContext,
  Neo4jConnection,
  ParallelBatchProcessor,
  type Row,
  SILENT_REPORTER,
  SplittingBatchProcessor,
  type Statistics,
  startEmbeddedServer,
  stopEmbeddedServer,
} from 'graphweft';
import { runProgram } from 'graphweft/cli';
import { skewedRatings } from '../../test/support/ratings.ts';
import { benchClaims } from './claims.ts';
import { benchHubs } from './hubs.ts';

interface Case {
  readonly name: string;
  readonly statement: string;
  readonly tableSize: number;
  readonly batchSize: number;
}

const SEED = 11;
const WORKERS = 8;
const NODES = 'UNWIND $batch AS row MERGE (u:User {id: row.user}) MERGE (m:Movie {id: row.movie})';
const CASES: readonly Case[] = [
  {
    name: 'MERGE, grid 16, batches of 500',
    statement: `${NODES} MERGE (u)-[r:RATED]->(m) SET r.rating = row.rating`,
    tableSize: 16,
    batchSize: 500,
  },
  {
    name: 'MERGE, grid 8, batches of 5,000',
    statement: `${NODES} MERGE (u)-[r:RATED]->(m) SET r.rating = row.rating`,
    tableSize: 8,
    batchSize: 5_000,
  },
  {
    name: 'CREATE, grid 16, batches of 500',
    statement: `${NODES} CREATE (u)-[:RATED {rating: row.rating}]->(m)`,
    tableSize: 16,
    batchSize: 500,
  },
];

const program = new Command('locks')
  .option('--rows <n>', 'ratings a load', '100000')
  .option('--rounds <n>', 'runs of each side', '3')
  .option('--claims', 'which claims each kind of write needs, instead')
  .option('--hubs', 'what sharing a hub brings, instead')
  .action(bench);

await runProgram(program);

interface Flags {
  readonly rows: string;
  readonly rounds: string;
  readonly claims?: boolean;
  readonly hubs?: boolean;
}

async function bench(flags: Flags): Promise<void> {
  const ratings: readonly Row[] = skewedRatings(Number(flags.rows), SEED).map((rating) => ({ ...rating }));
  const dataDir = mkdtempSync(join(tmpdir(), 'graphweft-bench-'));
  const server = await startEmbeddedServer({ dataDir });
  const table = new Table({
    head: ['case', 'commits at once', 'retries', 'by lock', 'seconds'],
    style: { head: [], border: [], compact: true },
  });
  try {
    if (flags.claims) return await benchClaims(server, Number(flags.rounds), SEED);
    if (flags.hubs) return await benchHubs(server, Number(flags.rows), Number(flags.rounds), SEED);
    for (const one of CASES) {
      const runs = new Map<number, { readonly statistics: Statistics; readonly seconds: number }[]>([
        [1, []],
        [WORKERS, []],
      ]);
      for (let round = 0; round < Number(flags.rounds); round++) {
        for (const [maxCommits, done] of runs) {
          const neo4j = new Neo4jConnection(server, { maxCommits });
          done.push(await load(neo4j, one, ratings));
          await neo4j.close();
        }
      }
      for (const [maxCommits, done] of runs) {
        table.push([
          one.name,
          maxCommits,
          done.map(({ statistics }) => statistics.retries ?? 0).join(' '),
          [
            ...new Set(
              done.flatMap(({ statistics }) =>
                Object.keys(statistics).filter((name) => name.startsWith('retries_')),
              ),
            ),
          ].join(' '),
          done.map(({ seconds }) => seconds.toFixed(1)).join(' '),
        ]);
      }
    }
  } finally {
    await stopEmbeddedServer({ dataDir });
    rmSync(dataDir, { recursive: true, force: true });
  }
  process.stdout.write(
    `${ratings.length.toLocaleString('en-US')} ratings, ${WORKERS} workers, seed ${SEED}\n${table.toString()}\n`,
  );
}

async function load(
  neo4j: Neo4jConnection,
  { statement, tableSize, batchSize }: Case,
  ratings: readonly Row[],
): Promise<{ statistics: Statistics; seconds: number }> {
  await neo4j.query('MATCH ()-[r]->() CALL (r) { DELETE r } IN TRANSACTIONS OF 50000 ROWS');
  await neo4j.query('MATCH (n) CALL (n) { DELETE n } IN TRANSACTIONS OF 50000 ROWS');
  for (const label of ['User', 'Movie']) {
    await neo4j.query(`CREATE CONSTRAINT IF NOT EXISTS FOR (n:${label}) REQUIRE n.id IS UNIQUE`);
  }
  const context = Object.assign(new ETLContext({ reporter: SILENT_REPORTER }), { neo4j });
  const predecessor = new SplittingBatchProcessor<Row>(context, {
    predecessor: rowsOf(ratings),
    tableSize,
    idExtractor: dictIdExtractor({ tableSize, startKey: 'user', endKey: 'movie' }),
  });
  const workerFactory = (rows: BatchSource<Row>) =>
    new CypherBatchSink(context, { query: statement, predecessor: rows });
  const processor = new ParallelBatchProcessor(context, { predecessor, workerFactory, maxWorkers: WORKERS });
  const started = performance.now();
  const statistics: Record<string, number> = {};
  for await (const batch of processor.getBatch(batchSize)) {
    for (const [name, count] of Object.entries(batch.statistics))
      statistics[name] = (statistics[name] ?? 0) + count;
  }
  return { statistics, seconds: (performance.now() - started) / 1000 };
}

function rowsOf(rows: readonly Row[]): BatchSource<Row> {
  return {
    async *getBatch(size) {
      for (let from = 0; from < rows.length; from += size) {
        const chunk = rows.slice(from, from + size);
        yield { chunk, statistics: {}, batchSize: chunk.length };
      }
    },
  };
}
