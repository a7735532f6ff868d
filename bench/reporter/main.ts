/**
 * What keeping a run costs: the same load with REPORTER_DATABASE and without, in turn, each in a fresh process on an
 * empty graph. The reporter writes to the database that is loaded, as it must on Community.
 *
 *     npm run bench -- reporter [--workload NAME] [--rows N] [--rounds N] [--workers N] [--limit PERCENT]
 */
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { runProgram } from 'graphweft/cli';
import { type BenchServer, wipe, withServer } from '../support/bench-server.ts';
import { lastJson, runChild } from '../support/child.ts';
import { median, whole } from '../support/figures.ts';
import { wholeNumber } from '../support/flags.ts';
import { say, warnIfBusy } from '../support/progress.ts';
import { saveResults } from '../support/results.ts';
import { textTable } from '../support/text-table.ts';
import { WORKLOAD_NAMES, type Workload, type WorkloadName, workload } from '../workloads/workload.ts';

interface Flags {
  readonly workload?: WorkloadName;
  readonly rows: number;
  readonly rounds: number;
  readonly workers: number;
  readonly limit: number;
}

/** What load.mjs prints. */
interface Outcome {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly retries: number;
  /** Statements of the reporter, and their time from sending to answer. */
  readonly writes: number;
  readonly writeMs: number;
}

const SIDES = ['without', 'with'] as const;
type Side = (typeof SIDES)[number];

const LOAD = fileURLToPath(new URL('load.mjs', import.meta.url));

const program = new Command('reporter')
  .addOption(new Option('--workload <name>', 'one of them; all when left out').choices(WORKLOAD_NAMES))
  .option('--rows <n>', 'rows of each workload', wholeNumber, 300_000)
  .option('--rounds <n>', 'counted runs of each side', wholeNumber, 9)
  .option('--workers <n>', 'cells written at the same time', wholeNumber, 4)
  .option(
    '--limit <percent>',
    'what the median cost is held against, in % of the time of the load',
    wholeNumber,
    1,
  )
  .action(bench);

await runProgram(program);

async function bench(flags: Flags): Promise<void> {
  warnIfBusy();
  await withServer(async (server) => {
    for (const name of flags.workload ? [flags.workload] : WORKLOAD_NAMES)
      await compare(server, await workload(name, flags.rows), flags);
  });
}

async function compare({ context, env, signal }: BenchServer, work: Workload, flags: Flags): Promise<void> {
  const runs: Record<Side, Outcome[]> = { without: [], with: [] };
  const runOnce = async (side: Side): Promise<Outcome> => {
    await wipe(context);
    for (const statement of work.prepare) await context.neo4j.query(statement);
    const reporting = side === 'with' ? { REPORTER_DATABASE: 'neo4j' } : {};
    const job = JSON.stringify({ ...work, workers: flags.workers });
    const child = await runChild(process.execPath, [LOAD, job], { env: { ...env, ...reporting }, signal });
    return lastJson<Outcome>(child);
  };
  for (const side of SIDES) await runOnce(side); // the server's warm-up
  for (let round = 0; round < flags.rounds; round++) {
    // Order changes every round, so that neither side always comes second.
    for (const side of round % 2 === 0 ? SIDES : [...SIDES].reverse()) {
      runs[side].push(await runOnce(side));
      say(`${work.name}, round ${round + 1}, ${side}: ${runs[side].at(-1)!.seconds.toFixed(2)} s`);
      saveResults(`reporter-${work.name}-${work.rows}`, { flags, runs });
    }
  }
  print(work, runs, flags);
}

function print(work: Workload, runs: Readonly<Record<Side, readonly Outcome[]>>, { limit }: Flags): void {
  const table = textTable([
    'reporter',
    'seconds (median)',
    'all',
    'client CPU s',
    'retries',
    'its writes',
    'their ms',
  ]);
  for (const side of SIDES) {
    const all = runs[side];
    table.push([
      side,
      median(all.map(({ seconds }) => seconds)).toFixed(2),
      all.map(({ seconds }) => seconds.toFixed(2)).join(' '),
      median(all.map(({ cpuSeconds }) => cpuSeconds)).toFixed(2),
      all.map(({ retries }) => retries).join(' '),
      all.map(({ writes }) => writes).join(' '),
      all.map(({ writeMs }) => writeMs.toFixed(0)).join(' '),
    ]);
  }
  const costs = runs.with.map(({ seconds }, i) => (seconds / runs.without[i]!.seconds - 1) * 100);
  const busy = runs.with.map(({ seconds, writeMs }) => writeMs / seconds / 10);
  const percents = (values: readonly number[]) =>
    `${median(values).toFixed(2)} % (all: ${values.map((value) => value.toFixed(2)).join(' ')})`;
  process.stdout.write(
    `\n${work.name}, ${whole(work.rows)} rows\n${table.toString()}\n` +
      `cost, pair by pair: ${percents(costs)}\n` +
      `share of the load's time in which the reporter awaited an answer: ${percents(busy)}\n`,
  );
  if (median(costs) > limit) process.exitCode = 1;
}
