/**
 * Yellow-cab trips of New York's TLC: a node and two relationships a trip.
 *
 *     npx tsx examples/nyc-taxi/main.ts generate trips.parquet --rows 1000000
 *     npx tsx examples/nyc-taxi/main.ts parallel trips.parquet
 */
import { Command, InvalidArgumentError } from 'commander';
import { ETLContext, startEmbeddedServer } from 'graphweft';
import { runProgram, stopOnSignals } from 'graphweft/cli';
import { generateTrips } from './generate.ts';
import { readBack, type TripsOptions, tripsTask } from './load.ts';

const program = new Command('nyc-taxi').description(
  'Loads taxi trips (TLC columns; CSV or Parquet) into Neo4j.',
);
for (const mode of ['sequential', 'parallel'] as const) {
  program
    .command(mode)
    .description(mode === 'parallel' ? 'load with parallel writers' : 'load with one writer')
    .argument('<file>', 'trips as .csv, .csv.gz or .parquet; a pattern for several files')
    .option('--workers <n>', 'cells written at the same time (parallel)', wholeNumber)
    .option(
      '--resume <run>',
      'an id for this load: it is remembered, so that it is never loaded twice (a load that was stopped goes on anyway)',
    )
    .option('--fresh', 'begin from the start, whatever was loaded before')
    .action((file: string, flags: Omit<TripsOptions, 'file' | 'mode'>) => load({ file, mode, ...flags }));
}
program
  .command('generate')
  .description('write synthetic trips, for when there is no real file')
  .argument('<file>', '.csv, .csv.gz or .parquet')
  .option('--rows <n>', 'trips', wholeNumber, 100_000)
  .option('--seed <n>', 'the same seed gives the same trips', wholeNumber, 1)
  .action(async (file: string, flags: { readonly rows: number; readonly seed: number }) => {
    await generateTrips(file, flags);
    process.stdout.write(
      `${flags.rows.toLocaleString('en-US')} synthetic trips (seed ${flags.seed}) are in ${file}.\n`,
    );
  });

await runProgram(program);

async function load(options: TripsOptions): Promise<void> {
  const stop = stopOnSignals();
  if (!process.env.NEO4J_URI) {
    await startEmbeddedServer({ onProgress: (line) => process.stderr.write(`${line}\n`) });
  }
  await using context = new ETLContext({ signal: stop.signal });
  const before = await readBack(context);
  const task = tripsTask(context, options);
  const result = await task.execute();
  const after = await readBack(context);
  const made = {
    trips: result.summary.nodes_created ?? 0,
    relationships: result.summary.relationships_created ?? 0,
  };
  process.stdout.write(`
trips in the database          ${count(after.trips)} (${count(after.trips - before.trips)} new)
relationships in the database  ${count(after.relationships)} (${count(after.relationships - before.relationships)} new)
retries                        ${count(result.summary.retries ?? 0)}
rejected rows                  ${count((result.summary.invalid_rows ?? 0) + (result.summary.csv_lines_rejected ?? 0))}
`);
  if (!result.success) throw result.error;
  if (after.relationships - before.relationships !== made.relationships) {
    throw new Error(
      `The database holds ${after.relationships - before.relationships} new relationships, not ${made.relationships}.`,
    );
  }
}

function count(n: number): string {
  return n.toLocaleString('en-US');
}

function wholeNumber(text: string): number {
  if (/^\d+$/.test(text) && Number(text) >= 1) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1 on.');
}
