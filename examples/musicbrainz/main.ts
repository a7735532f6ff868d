/**
 * MusicBrainz from PostgreSQL: artists, credits, releases, tracks, recordings, works, and how they belong together.
 *
 *     npx tsx examples/musicbrainz/main.ts                                    # a PostgreSQL of its own, synthetic data
 *     npx tsx examples/musicbrainz/main.ts --artists 50000 --seed 7
 *     npx tsx examples/musicbrainz/main.ts --url postgres://reader@localhost/musicbrainz   # the real database
 */
import Table from 'cli-table3';
import { Command, InvalidArgumentError } from 'commander';
import { ETLContext, SILENT_REPORTER, SQLBatchSource, startEmbeddedServer } from 'graphweft';
import { runProgram, stopOnSignals } from 'graphweft/cli';
import pg from 'pg';
import { startPostgres } from '../../test/support/sql-servers.ts';
import { compareCounts, musicbrainzTask } from './load.ts';
import { syntheticStatements } from './tables.ts';

interface Flags {
  readonly url?: string;
  readonly artists: number;
  readonly seed: number;
  readonly workers: number;
}

const program = new Command('musicbrainz')
  .description('Loads the MusicBrainz database into Neo4j.')
  .option(
    '--url <address>',
    'a PostgreSQL that has the data; without it one is started and filled with synthetic data',
  )
  .option('--artists <n>', 'artists of the synthetic data', wholeNumber, 2_000)
  .option('--seed <n>', 'the same seed gives the same data', wholeNumber, 1)
  .option('--workers <n>', 'cells written at the same time', wholeNumber, 4)
  .action(main);

await runProgram(program);

async function main({ url, artists, seed, workers }: Flags): Promise<void> {
  const stop = stopOnSignals();
  if (!process.env.NEO4J_URI)
    await startEmbeddedServer({ onProgress: (line) => process.stderr.write(`${line}\n`) });
  const postgres = url === undefined ? await startPostgres() : undefined;
  try {
    const address = url ?? postgres!.url;
    if (postgres) {
      process.stderr.write(
        `making synthetic data of ${artists.toLocaleString('en-US')} artists (seed ${seed})\n`,
      );
      await fill(address, syntheticStatements(artists, seed));
    }
    await using context = new ETLContext({ signal: stop.signal });
    const { success, error, summary } = await musicbrainzTask(context, address, workers).execute();
    if (!success) throw error;
    const counts = await compareCounts(context, (sql) => countOf(address, sql));
    const table = new Table({
      head: ['', 'in PostgreSQL', 'in Neo4j'],
      colAligns: ['left', 'right', 'right'],
      style: { head: [], border: [], compact: true },
    });
    const show = (n: number) => n.toLocaleString('en-US');
    for (const { name, expected, found } of counts) table.push([name, show(expected), show(found)]);
    const retries = Object.entries(summary).filter(([name]) => name.startsWith('retries'));
    const account = retries.map(([name, n]) => `${name}: ${show(n)}`).join(', ');
    process.stdout.write(`${table.toString()}\n${account || 'retries: 0'}\n`);
    if (counts.some(({ expected, found }) => expected !== found)) {
      process.stderr.write('Neo4j does not hold what PostgreSQL has: see the table.\n');
      process.exitCode = 1;
    }
  } finally {
    await postgres?.stop();
  }
}

async function fill(url: string, statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

async function countOf(url: string, query: string): Promise<number> {
  const context = { env: {}, reporter: SILENT_REPORTER, signal: new AbortController().signal };
  for await (const { chunk } of new SQLBatchSource(context, { url, query }).getBatch(1))
    return Number(chunk[0]?.n);
  return 0;
}

function wholeNumber(text: string): number {
  if (/^\d+$/.test(text) && Number(text) >= 1) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1 on.');
}
