/**
 * Which commits meet: the same skewed ratings on the same grid, with one commit of relationships at a time and with as
 * many as there are workers. Prints deadlock retries by the kind of lock, and the time.
 *
 *     npm run bench -- locks [--claims | --hubs] [--rows N] [--rounds N]
 */
import { Command } from 'commander';
import {
  type BatchSource,
  CypherBatchSink,
  dictIdExtractor,
  type EmbeddedServer,
  ETLContext,
  Neo4jConnection,
  ParallelBatchProcessor,
  type Row,
  SILENT_REPORTER,
  SplittingBatchProcessor,
  type Statistics,
} from 'graphweft';
import { runProgram } from 'graphweft/cli';
import { mulberry32, skewedRatings } from '../../test/support/ratings.ts';
import { wipe, withServer } from '../support/bench-server.ts';
import { whole } from '../support/figures.ts';
import { wholeNumber } from '../support/flags.ts';
import { say, warnIfBusy } from '../support/progress.ts';
import { saveResults } from '../support/results.ts';
import { textTable } from '../support/text-table.ts';
import { benchClaims } from './claims.ts';
import { benchHubs } from './hubs.ts';

interface Case {
  readonly name: string;
  readonly statement: string;
  readonly tableSize: number;
  readonly batchSize: number;
  /** So many nodes on each side, all alike. Default: the ratings are skewed. */
  readonly nodes?: number;
}

const SEED = 11;
const WORKERS = 8;
const NODES = 'UNWIND $batch AS row MERGE (u:User {id: row.user}) MERGE (m:Movie {id: row.movie})';
const CREATE = `${NODES} CREATE (u)-[:RATED {rating: row.rating}]->(m)`;
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
    statement: CREATE,
    tableSize: 16,
    batchSize: 500,
  },
  ...[1_000, 400, 200, 100].map((nodes) => ({
    name: `CREATE, ${whole(nodes)} nodes a side`,
    statement: CREATE,
    tableSize: 8,
    batchSize: 500,
    nodes,
  })),
];

const program = new Command('locks')
  .option('--rows <n>', 'ratings a load', wholeNumber, 100_000)
  .option('--rounds <n>', 'runs of each side', wholeNumber, 3)
  .option('--claims', 'which claims each kind of write needs, instead')
  .option('--hubs', 'what sharing a hub brings, instead')
  .action(bench);

await runProgram(program);

interface Flags {
  readonly rows: number;
  readonly rounds: number;
  readonly claims?: boolean;
  readonly hubs?: boolean;
}

interface Loaded {
  readonly statistics: Statistics;
  readonly seconds: number;
}

async function bench(flags: Flags): Promise<void> {
  warnIfBusy();
  await withServer(async ({ server }) => {
    if (flags.claims) return benchClaims(server, flags.rounds, SEED);
    if (flags.hubs) return benchHubs(server, flags.rows, flags.rounds, SEED);
    await benchCommits(server, flags);
  });
}

async function benchCommits(server: EmbeddedServer, flags: Flags): Promise<void> {
  const table = textTable(['case', 'commits at once', 'retries', 'by lock', 'seconds']);
  const results: unknown[] = [];
  for (const one of CASES) {
    const ratings = ratingsOf(one, flags.rows);
    const runs = new Map<number, Loaded[]>([
      [1, []],
      [WORKERS, []],
    ]);
    for (let round = 0; round < flags.rounds; round++) {
      for (const [maxCommits, done] of runs) {
        await using neo4j = new Neo4jConnection(server, { maxCommits });
        done.push(await load(neo4j, one, ratings));
        say(`${one.name}, round ${round + 1}, ${maxCommits} at once: ${done.at(-1)!.seconds.toFixed(1)} s`);
      }
    }
    for (const [maxCommits, done] of runs) {
      const kinds = done.flatMap(({ statistics }) => Object.keys(statistics));
      table.push([
        one.name,
        maxCommits,
        done.map(({ statistics }) => statistics.retries ?? 0).join(' '),
        [...new Set(kinds.filter((name) => name.startsWith('retries_')))].join(' '),
        done.map(({ seconds }) => seconds.toFixed(1)).join(' '),
      ]);
      results.push({ case: one.name, maxCommits, runs: done });
    }
    saveResults('locks', { flags, results });
  }
  process.stdout.write(
    `${whole(flags.rows)} ratings, ${WORKERS} workers, seed ${SEED}\n${table.toString()}\n`,
  );
}

function ratingsOf({ nodes }: Case, rows: number): readonly Row[] {
  if (nodes === undefined) return skewedRatings(rows, SEED).map((rating) => ({ ...rating }));
  const random = mulberry32(SEED);
  const one = () => Math.floor(nodes * random());
  return Array.from({ length: rows }, () => ({ user: one(), movie: one(), rating: 1 + (one() % 5) }));
}

async function load(
  neo4j: Neo4jConnection,
  { statement, tableSize, batchSize }: Case,
  ratings: readonly Row[],
): Promise<Loaded> {
  await wipe({ neo4j });
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
