/**
 * graphweft beside neo4j-etl-lib: the same server, file and statement, in turn, on an empty graph each time.
 * See ../README.md for what the columns mean.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import { Command } from 'commander';
import { ETLContext, SILENT_REPORTER, startEmbeddedServer, stopEmbeddedServer } from 'graphweft';
import { runProgram } from 'graphweft/cli';
import {
  type Contestant,
  GRAPHWEFT,
  GRAPHWEFT_MAPPING,
  LOAD_CSV,
  load,
  NEO4J_ETL_LIB,
  type Outcome,
  preparePeer,
  type Settings,
} from './contestants.ts';
import { WORKLOAD_NAMES, type Workload, type WorkloadName, workload } from './workloads.ts';

interface Flags {
  readonly workload?: WorkloadName;
  readonly rows: string;
  readonly rounds: string;
  readonly workers: string;
  readonly tableSize: string;
  readonly batchSize: string;
}

interface Run extends Outcome {
  readonly rowsPerSecond: number;
  readonly serverCpuSeconds: number;
  readonly graph: string;
}

interface Arena {
  readonly context: ETLContext;
  readonly env: NodeJS.ProcessEnv;
  readonly serverPid: number;
}

/** A load average above this says that the machine does something else. */
const BUSY = 0.7;
const TICKS_A_SECOND = 100;

const program = new Command('peers')
  .option('--workload <name>', `one of ${WORKLOAD_NAMES.join(', ')}; both when left out`)
  .option('--rows <n>', 'rows of each workload', '300000')
  .option('--rounds <n>', 'counted runs of each side', '5')
  .option('--workers <list>', 'numbers of workers; the best of each side is compared', '2,4,8')
  .option('--table-size <n>', 'buckets on each side of the grid', '10')
  .option('--batch-size <n>', 'rows a transaction', '5000')
  .action(bench);

await runProgram(program);

async function bench(flags: Flags): Promise<void> {
  await preparePeer();
  const [load1 = 0] = loadavg();
  if (load1 > BUSY)
    process.stderr.write(
      `The machine is busy (load average ${load1.toFixed(2)}): these figures will not count.\n`,
    );
  const dataDir = mkdtempSync(join(tmpdir(), 'graphweft-bench-'));
  const server = await startEmbeddedServer({ dataDir });
  const env = {
    ...process.env,
    NEO4J_URI: server.uri,
    NEO4J_USERNAME: server.username,
    NEO4J_PASSWORD: server.password,
    NEO4J_DATABASE: 'neo4j',
  };
  const context = new ETLContext({ env, reporter: SILENT_REPORTER });
  const results: Record<string, unknown> = {};
  try {
    for (const name of flags.workload ? [flags.workload] : WORKLOAD_NAMES) {
      const arena = { context, env, serverPid: server.pid };
      const work = await workload(name, Number(flags.rows));
      results[name] = await compare(arena, work, flags);
    }
  } finally {
    await context.close();
    await stopEmbeddedServer({ dataDir });
    rmSync(dataDir, { recursive: true, force: true });
  }
  const folder = fileURLToPath(new URL('../results', import.meta.url));
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'peers.json'),
    `${JSON.stringify({ date: new Date().toISOString(), flags, results }, null, 2)}\n`,
  );
}

async function compare(arena: Arena, work: Workload, flags: Flags): Promise<unknown> {
  const base = { tableSize: Number(flags.tableSize), batchSize: Number(flags.batchSize) };
  const contestants = [GRAPHWEFT_MAPPING, GRAPHWEFT, NEO4J_ETL_LIB, LOAD_CSV];
  const best = new Map<Contestant, Settings>();
  for (const contestant of contestants)
    best.set(contestant, await calibrate(arena, contestant, work, base, flags));
  const runs = new Map<Contestant, Run[]>(contestants.map((contestant) => [contestant, []]));
  for (let round = 0; round < Number(flags.rounds); round++) {
    // Order changes every round, so that nobody always comes second.
    const order = round % 2 === 0 ? contestants : [...contestants].reverse();
    for (const contestant of order) {
      runs.get(contestant)!.push(await runOnce(arena, contestant, work, best.get(contestant)!));
      process.stderr.write('.');
    }
  }
  process.stderr.write('\n');
  print(work, contestants, best, runs);
  return contestants.map((contestant) => ({
    name: contestant.name,
    settings: best.get(contestant),
    runs: runs.get(contestant),
  }));
}

/** Tries each number of workers once; the first try is also the server's warm-up and is made twice. */
async function calibrate(
  arena: Arena,
  contestant: Contestant,
  work: Workload,
  base: Omit<Settings, 'workers'>,
  flags: Flags,
): Promise<Settings> {
  const tries: { readonly settings: Settings; readonly rate: number }[] = [];
  const counts = contestant.workers ?? flags.workers.split(',').map(Number);
  for (const workers of [counts[0]!, ...counts]) {
    const settings = { ...base, workers };
    tries.push({ settings, rate: (await runOnce(arena, contestant, work, settings)).rowsPerSecond });
  }
  const counted = tries.slice(1).sort((a, b) => b.rate - a.rate);
  const shown = tries.slice(1).map(({ settings, rate }) => `${settings.workers}: ${Math.round(rate)}`);
  process.stderr.write(`${work.name}, ${contestant.name}, rows/s by workers: ${shown.join(', ')}\n`);
  return counted[0]!.settings;
}

async function runOnce(
  { context, env, serverPid }: Arena,
  contestant: Contestant,
  work: Workload,
  settings: Settings,
): Promise<Run> {
  await context.neo4j.query('MATCH ()-[r]->() CALL (r) { DELETE r } IN TRANSACTIONS OF 50000 ROWS');
  await context.neo4j.query('MATCH (n) CALL (n) { DELETE n } IN TRANSACTIONS OF 50000 ROWS');
  for (const statement of work.prepare) await context.neo4j.query(statement);
  const before = serverCpuSeconds(serverPid);
  const outcome = await load(contestant, work, settings, env, context);
  const serverCpu = serverCpuSeconds(serverPid) - before;
  if (!outcome.success) throw new Error(`${contestant.name} failed: ${outcome.error}`);
  const { rows } = await context.neo4j.query(
    'RETURN COUNT { () } AS nodes, COUNT { ()-->() } AS relationships',
  );
  const graph = `${rows[0]?.nodes} nodes, ${rows[0]?.relationships} relationships`;
  return { ...outcome, rowsPerSecond: work.rows / outcome.seconds, serverCpuSeconds: serverCpu, graph };
}

function serverCpuSeconds(pid: number): number {
  // The name, field 2, may hold blanks; user and system time are fields 14 and 15.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

function print(
  work: Workload,
  contestants: readonly Contestant[],
  best: Map<Contestant, Settings>,
  runs: Map<Contestant, Run[]>,
): void {
  const table = new Table({
    head: ['', 'workers', 'rows/s (median)', 'all', 'client CPU s', 'server CPU s', 'retries', 'peak MB'],
    style: { head: [], border: [], compact: true },
  });
  const whole = (n: number) => Math.round(n).toLocaleString('en-US');
  for (const contestant of contestants) {
    const all = runs.get(contestant)!;
    const of = (pick: (run: Run) => number) => median(all.map(pick));
    table.push([
      contestant.name,
      best.get(contestant)!.workers,
      whole(of((run) => run.rowsPerSecond)),
      all.map((run) => whole(run.rowsPerSecond)).join(' '),
      of((run) => run.cpuSeconds).toFixed(1),
      of((run) => run.serverCpuSeconds).toFixed(1),
      all.map((run) => run.retries).join(' '),
      whole(of((run) => run.peakMb)),
    ]);
  }
  const graphs = new Set([...runs.values()].flat().map(({ graph }) => graph));
  process.stdout.write(`\n${work.name}, ${whole(work.rows)} rows\n${table.toString()}\n`);
  for (const ours of contestants.slice(0, 2)) {
    for (const theirs of contestants.slice(2)) {
      const ratios = runs.get(ours)!.map((run, i) => run.rowsPerSecond / runs.get(theirs)![i]!.rowsPerSecond);
      const all = ratios.map((ratio) => ratio.toFixed(2)).join(' ');
      process.stdout.write(`${ours.name} to ${theirs.name}: ${median(ratios).toFixed(2)} (all: ${all})\n`);
    }
  }
  process.stdout.write(
    graphs.size === 1
      ? `the same graph every time: ${[...graphs][0]}\n`
      : `THE GRAPHS DIFFER: ${[...graphs].join(' | ')}\n`,
  );
  if (graphs.size > 1) process.exitCode = 1;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return Number.isInteger(middle) ? (sorted[middle - 1]! + sorted[middle]!) / 2 : sorted[Math.floor(middle)]!;
}
