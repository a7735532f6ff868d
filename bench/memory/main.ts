/**
 * The client's memory during a load of 3 M rows: a fresh process with default options, watched from outside.
 *
 *     npm run bench -- memory [--rows N] [--sequential] [--limit MB]
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import { Command } from 'commander';
import { ETLContext, SILENT_REPORTER, startEmbeddedServer, stopEmbeddedServer } from 'graphweft';
import { runProgram } from 'graphweft/cli';
import { workload } from '../peers/workloads.ts';

interface Flags {
  readonly rows: string;
  readonly limit: string;
  readonly sequential?: boolean;
}

interface Watched {
  readonly peakMb: number;
  readonly seconds: number;
  /** Resident memory at ten points of the load. */
  readonly curveMb: readonly number[];
}

const SAMPLE_MS = 200;
const CURVE_POINTS = 10;

const program = new Command('memory')
  .option('--rows <n>', 'flights to load', '3000000')
  .option('--limit <mb>', 'what the peak is held against, in MB (10^6 bytes)', '400')
  .option('--sequential', 'with one writer')
  .action(bench);

await runProgram(program);

async function bench(flags: Flags): Promise<void> {
  const rows = Number(flags.rows);
  const flights = await workload('flights', rows);
  const entry = import.meta.resolve('vega-datasets');
  const parquet = fileURLToPath(
    new URL(
      'data/flights-3m.parquet',
      entry.slice(0, entry.lastIndexOf('/vega-datasets/') + '/vega-datasets/'.length),
    ),
  );
  const dataDir = mkdtempSync(join(tmpdir(), 'graphweft-bench-'));
  const server = await startEmbeddedServer({ dataDir });
  const env = {
    ...process.env,
    NEO4J_URI: server.uri,
    NEO4J_USERNAME: server.username,
    NEO4J_PASSWORD: server.password,
  };
  const table = new Table({
    head: ['source', 'rows/s', 'peak MB', `MB at each tenth of the load`],
    style: { head: [], border: [], compact: true },
  });
  try {
    for (const file of [parquet, flights.file]) {
      const context = new ETLContext({ env, reporter: SILENT_REPORTER });
      await context.neo4j.query('MATCH ()-[r]->() CALL (r) { DELETE r } IN TRANSACTIONS OF 50000 ROWS');
      for (const statement of flights.prepare) await context.neo4j.query(statement);
      await context.close();
      const job = JSON.stringify({ file, rows, sequential: flags.sequential === true });
      const { peakMb, seconds, curveMb } = await watch(
        [fileURLToPath(new URL('load.mjs', import.meta.url)), job],
        env,
      );
      const curve = curveMb.map((mb) => mb.toFixed(0)).join(' ');
      table.push([
        file === parquet ? 'Parquet' : 'CSV',
        Math.round(rows / seconds).toLocaleString('en-US'),
        peakMb.toFixed(0),
        curve,
      ]);
      if (peakMb > Number(flags.limit)) process.exitCode = 1;
    }
  } finally {
    await stopEmbeddedServer({ dataDir });
    rmSync(dataDir, { recursive: true, force: true });
  }
  const kind = flags.sequential ? 'one writer' : 'parallel, default options';
  process.stdout.write(
    `${rows.toLocaleString('en-US')} flights, ${kind}, limit ${flags.limit} MB\n${table.toString()}\n`,
  );
}

/** Runs Node with these arguments and samples its resident memory; the peak is the kernel's own. */
function watch(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Watched> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const samples: number[] = [];
    let peakMb = 0;
    let output = '';
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString();
    });
    const timer = setInterval(() => {
      const status = statusOf(child.pid!);
      if (status === undefined) return;
      samples.push(megabytes(status, 'VmRSS'));
      peakMb = Math.max(peakMb, megabytes(status, 'VmHWM'));
    }, SAMPLE_MS);
    child.on('error', reject);
    child.on('close', (exitCode) => {
      clearInterval(timer);
      if (exitCode !== 0) return reject(new Error(`The load failed: ${output}`));
      const curveMb = Array.from(
        { length: CURVE_POINTS },
        (_, i) => samples[Math.floor(((i + 0.5) / CURVE_POINTS) * samples.length)] ?? 0,
      );
      resolve({ peakMb, curveMb, seconds: (JSON.parse(output) as { seconds: number }).seconds });
    });
  });
}

function statusOf(pid: number): string | undefined {
  const file = `/proc/${pid}/status`;
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

function megabytes(status: string, field: string): number {
  return (Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) * 1024) / 1e6;
}
