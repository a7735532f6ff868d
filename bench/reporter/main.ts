/**
 * What keeping a run costs: the same load with REPORTER_DATABASE and without, in turn, each in a fresh process on an
 * empty graph. The reporter writes to the database that is loaded, as it must on Community.
 *
 *     npm run bench -- reporter [--workload NAME] [--rows N] [--rounds N] [--workers N] [--limit PERCENT]
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import { Command } from 'commander';
import { ETLContext, SILENT_REPORTER, startEmbeddedServer, stopEmbeddedServer } from 'graphweft';
import { runProgram } from 'graphweft/cli';
import { WORKLOAD_NAMES, type Workload, type WorkloadName, workload } from '../peers/workloads.ts';

interface Flags {
  readonly workload?: WorkloadName;
  readonly rows: string;
  readonly rounds: string;
  readonly workers: string;
  readonly limit: string;
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

const program = new Command('reporter')
  .option('--workload <name>', `one of ${WORKLOAD_NAMES.join(', ')}; both when left out`)
  .option('--rows <n>', 'rows of each workload', '300000')
  .option('--rounds <n>', 'counted runs of each side', '9')
  .option('--workers <n>', 'cells written at the same time', '4')
  .option('--limit <percent>', 'what the median cost is held against, in % of the time of the load', '1')
  .action(bench);

await runProgram(program);

async function bench(flags: Flags): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'graphweft-bench-'));
  const server = await startEmbeddedServer({ dataDir });
  const { REPORTER_DATABASE: _, ...inherited } = process.env;
  const env = {
    ...inherited,
    NEO4J_URI: server.uri,
    NEO4J_USERNAME: server.username,
    NEO4J_PASSWORD: server.password,
  };
  const context = new ETLContext({ env, reporter: SILENT_REPORTER });
  try {
    for (const name of flags.workload ? [flags.workload] : WORKLOAD_NAMES) {
      await compare(context, env, await workload(name, Number(flags.rows)), flags);
    }
  } finally {
    await context.close();
    await stopEmbeddedServer({ dataDir });
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function compare(
  context: ETLContext,
  env: NodeJS.ProcessEnv,
  work: Workload,
  flags: Flags,
): Promise<void> {
  const runs: Record<Side, Outcome[]> = { without: [], with: [] };
  const runOnce = async (side: Side): Promise<Outcome> => {
    await empty(context, work);
    const reporting = side === 'with' ? { REPORTER_DATABASE: 'neo4j' } : {};
    return load({ ...work, workers: Number(flags.workers) }, { ...env, ...reporting });
  };
  for (const side of SIDES) await runOnce(side); // the server's warm-up
  for (let round = 0; round < Number(flags.rounds); round++) {
    // Order changes every round, so that neither side always comes second.
    for (const side of round % 2 === 0 ? SIDES : [...SIDES].reverse()) {
      runs[side].push(await runOnce(side));
      process.stderr.write('.');
    }
  }
  process.stderr.write('\n');
  print(work, runs, flags);
}

async function empty({ neo4j }: ETLContext, work: Workload): Promise<void> {
  await neo4j.query('MATCH ()-[r]->() CALL (r) { DELETE r } IN TRANSACTIONS OF 50000 ROWS');
  await neo4j.query('MATCH (n) CALL (n) { DELETE n } IN TRANSACTIONS OF 50000 ROWS');
  for (const statement of work.prepare) await neo4j.query(statement);
}

function load(job: Workload & { readonly workers: number }, env: NodeJS.ProcessEnv): Promise<Outcome> {
  const script = fileURLToPath(new URL('load.mjs', import.meta.url));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, JSON.stringify(job)], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString();
    });
    child.on('error', reject);
    child.on('close', (exitCode) => {
      if (exitCode === 0) resolve(JSON.parse(output) as Outcome);
      else reject(new Error(`The load ended with exit code ${exitCode}: ${output}`));
    });
  });
}

function print(work: Workload, runs: Readonly<Record<Side, readonly Outcome[]>>, { limit }: Flags): void {
  const table = new Table({
    head: ['reporter', 'seconds (median)', 'all', 'client CPU s', 'retries', 'its writes', 'their ms'],
    style: { head: [], border: [], compact: true },
  });
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
    `\n${work.name}, ${work.rows.toLocaleString('en-US')} rows\n${table.toString()}\n` +
      `cost, pair by pair: ${percents(costs)}\n` +
      `share of the load's time in which the reporter awaited an answer: ${percents(busy)}\n`,
  );
  if (median(costs) > Number(limit)) process.exitCode = 1;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return Number.isInteger(middle) ? (sorted[middle - 1]! + sorted[middle]!) / 2 : sorted[Math.floor(middle)]!;
}
