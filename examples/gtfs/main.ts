/**
 * A public transport feed (GTFS Schedule) as a graph: agencies, routes, stops, services, trips, stop times, transfers,
 * and the sequence of each trip's stops.
 *
 *     npx tsx examples/gtfs/main.ts load path/to/feed.zip
 *     npx tsx examples/gtfs/main.ts generate /tmp/feed --scale 10
 */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import Table from 'cli-table3';
import { Command, InvalidArgumentError } from 'commander';
import { ConfigError, ETLContext, startEmbeddedServer } from 'graphweft';
import { runProgram, stopOnSignals } from 'graphweft/cli';
import { type GraphCounts, openFeed } from './feed.ts';
import { feedFolder } from './feed-folder.ts';
import { generateFeed } from './generate.ts';
import { clearFeed, countNodes, gtfsTask, readBack } from './load.ts';

interface LoadFlags {
  readonly workers?: number;
  readonly replace?: boolean;
}

const program = new Command('gtfs').description('Loads a GTFS feed into Neo4j.');
program
  .command('load', { isDefault: true })
  .description('load the feed in a folder or a zip file, and check what is in the database')
  .argument(
    '[feed]',
    'folder or zip file with agency.txt, stops.txt, …; without one, an imaginary feed of 29 stop times',
  )
  .option('--workers <n>', 'cells of stop times written at the same time', wholeNumber)
  .option('--replace', 'delete a feed that is there')
  .action(load);
program
  .command('generate')
  .description('write a synthetic feed, larger than the imaginary one')
  .argument('<folder>', 'made if it is not there')
  .option('--scale <n>', 'about 34,000 stop times each', wholeNumber, 1)
  .option('--seed <n>', 'the same seed gives the same feed', wholeNumber, 1)
  .action(async (folder: string, flags: { readonly scale: number; readonly seed: number }) => {
    const stopTimes = await generateFeed(folder, flags);
    process.stdout.write(
      `A synthetic feed (scale ${flags.scale}, seed ${flags.seed}) with ${number(stopTimes)} stop times is in ${folder}.\n`,
    );
  });

await runProgram(program);

async function load(path = sampleFolder(), { workers, replace }: LoadFlags): Promise<void> {
  await using folder = await feedFolder(path);
  const feed = await openFeed(folder.path, path);
  const stop = stopOnSignals();
  if (!process.env.NEO4J_URI) {
    await startEmbeddedServer({ onProgress: (line) => process.stderr.write(`${line}\n`) });
  }
  await using context = new ETLContext({ signal: stop.signal });
  await makeRoom(context, replace ?? false);
  const { success, summary, error } = await gtfsTask(context, feed, { workers }).execute();
  const found = await readBack(context);
  const differing = printCounts(feed.expected, found);
  const rejected =
    (summary.csv_lines_rejected ?? 0) + (summary.invalid_rows ?? 0) + (summary.missing_node_rows ?? 0);
  process.stdout.write(`retries ${number(summary.retries ?? 0)}, rejected rows ${number(rejected)}\n`);
  if (!success) throw error;
  if (differing.length > 0) {
    throw new Error(
      `The database has other counts than the feed: ${differing.join(', ')}. Rejected rows are in rejected/.`,
    );
  }
}

/** The feed that comes with the npm package sample-gtfs-feed. */
function sampleFolder(): string {
  return dirname(createRequire(import.meta.url).resolve('sample-gtfs-feed/gtfs/agency.txt'));
}

async function makeRoom(context: ETLContext, mayDelete: boolean): Promise<void> {
  const nodes = await countNodes(context);
  if (nodes === 0) return;
  if (!mayDelete) {
    throw new ConfigError(
      'GW_CONFIG_OPTION',
      `The database holds ${number(nodes)} nodes of a feed already; --replace deletes them.`,
    );
  }
  await clearFeed(context);
}

/** Prints what the files have beside what is there, and gives the names that differ. */
function printCounts(expected: GraphCounts, found: GraphCounts): readonly string[] {
  const table = new Table({
    head: ['', 'in the feed', 'in the database'],
    colAligns: ['left', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  for (const [name, count] of Object.entries(expected)) {
    table.push([name, number(count), number(found[name] ?? 0)]);
  }
  process.stdout.write(`\n${table.toString()}\n`);
  return Object.keys(expected).filter((name) => expected[name] !== found[name]);
}

function number(n: number): string {
  return n.toLocaleString('en-US');
}

function wholeNumber(text: string): number {
  if (/^\d+$/.test(text) && Number(text) >= 1) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1 on.');
}
