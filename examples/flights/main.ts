/**
 * The demo: US airports and three million flights into a real Neo4j, in parallel.
 *
 *     npx tsx examples/flights/main.ts [--rows N] [--picture FILE] [--replace]
 */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { ConfigError, ETLContext, startEmbeddedServer } from 'graphweft';
import { runProgram, stopOnSignals } from 'graphweft/cli';
import { printAccount, readBack } from './account.ts';
import { clearFlights, countAirports, flightsTask } from './load.ts';
import { drawPicture } from './picture.ts';

/** What two cores load in about a minute, with the server's start. */
const DEFAULT_ROWS = 3_000_000;

interface Flags {
  readonly rows: number;
  readonly picture: string;
  readonly replace?: boolean;
}

const program = new Command('flights')
  .description('Loads US airports and flights (vega-datasets) into Neo4j and draws them.')
  .option('--rows <n>', 'flights to load, of 3,000,000', wholeNumber, DEFAULT_ROWS)
  .option('--picture <file>', 'where to draw the graph', 'flights.svg')
  .option('--replace', 'delete the airports and flights that NEO4J_URI holds')
  .action(demo);

await runProgram(program);

async function demo(flags: Flags): Promise<void> {
  const stop = stopOnSignals();
  const isEmbedded = !process.env.NEO4J_URI;
  const server = isEmbedded
    ? await startEmbeddedServer({ onProgress: (line) => process.stderr.write(`${line}\n`) })
    : undefined;
  await using context = new ETLContext({ signal: stop.signal });
  await makeRoom(context, isEmbedded || flags.replace === true);

  const load = flightsTask(context, flags.rows);
  const startedAt = Date.now();
  const result = await load.task.execute();
  const account = { ...load.account(), seconds: (Date.now() - startedAt) / 1000 };
  const found = await readBack(context);
  const agrees = printAccount(account, found);
  if (!result.success) throw result.error;
  if (!agrees) {
    process.stderr.write('The database does not hold what was loaded: see the table.\n');
    process.exitCode = 1;
    return;
  }

  writeFileSync(flags.picture, await drawPicture(context));
  const { uri, username } = await context.neo4j.address();
  process.stdout.write(`
The picture of it:  ${resolve(flags.picture)}

Go on with it:
  address   ${uri}
  user      ${username}
  password  ${server ? `in ${server.passwordFile}` : 'the one in NEO4J_PASSWORD'}

  npx graphweft cypher "MATCH (a:Airport)-[f:FLIGHT]->(b) RETURN a.iata AS from, b.iata AS to, count(f) AS flights ORDER BY flights DESC LIMIT 5"
${server ? '  npx graphweft neo4j stop\n' : ''}`);
}

/** Removes an earlier demo; in a database that is not the demo's own, only when asked to. */
async function makeRoom(context: ETLContext, mayDelete: boolean): Promise<void> {
  const airports = await countAirports(context);
  if (airports === 0) return;
  if (!mayDelete) {
    throw new ConfigError(
      'GW_CONFIG_OPTION',
      `${(await context.neo4j.address()).uri} holds ${airports} :Airport nodes already; --replace deletes them and their flights.`,
    );
  }
  process.stderr.write('removing the airports and flights of an earlier run\n');
  await clearFlights(context);
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= 1) return number;
  throw new InvalidArgumentError('It must be a whole number from 1 on.');
}
