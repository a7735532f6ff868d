/** The programs that are compared; each run is a fresh process that prints one line of JSON. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ETLContext } from 'graphweft';
import { findProgram, installPackages, runCommand } from '../../src/neo4j/embedded/commands.ts';
import type { Workload } from './workloads.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const VENV = fileURLToPath(new URL('../.venv', import.meta.url));
const PEER = 'neo4j-etl-lib==0.5.1';

export interface Outcome {
  readonly success: boolean;
  readonly error?: string;
  readonly seconds: number;
  readonly retries: number;
  readonly cpuSeconds: number;
  readonly peakMb: number;
  readonly statistics: Readonly<Record<string, number>>;
}

export interface Contestant {
  readonly name: string;
  /** A program that gets the job as JSON; or else `run`. */
  readonly command?: readonly string[];
  readonly run?: (context: ETLContext, workload: Workload, settings: Settings) => Promise<Outcome>;
  /** Numbers of workers to try. Default: those of the command line. */
  readonly workers?: readonly number[];
}

export const GRAPHWEFT: Contestant = {
  name: 'graphweft',
  command: [process.execPath, join(HERE, 'graphweft-load.mjs')],
};

export const GRAPHWEFT_MAPPING: Contestant = {
  name: 'graphweft, mapping',
  command: [process.execPath, join(HERE, 'graphweft-mapping-load.mjs')],
};

/**
 * Neo4j's own LOAD CSV, with `workers` concurrent transactions. More than one at a time lose rows to deadlocks in these
 * workloads (`ON ERROR CONTINUE`; the graphs then differ), so one is what counts.
 */
export const LOAD_CSV: Contestant = {
  name: 'LOAD CSV',
  workers: [1],
  async run(context, { file, query, rows }, { batchSize, workers }) {
    const body = query.replace('UNWIND $batch AS row', '');
    const started = performance.now();
    await context.neo4j.query(
      `LOAD CSV WITH HEADERS FROM '${pathToFileURL(file)}' AS row
       CALL (row) { ${body} } IN ${workers} CONCURRENT TRANSACTIONS OF ${batchSize} ROWS`,
    );
    const seconds = (performance.now() - started) / 1000;
    return { success: true, seconds, retries: 0, cpuSeconds: 0, peakMb: 0, statistics: { rows } };
  },
};

export const NEO4J_ETL_LIB: Contestant = {
  name: 'neo4j-etl-lib',
  command: [join(VENV, 'bin', 'python'), join(HERE, 'neo4j_etl_lib.py')],
};

/** Makes the bench's own virtual environment with the peer in it. */
export async function preparePeer(): Promise<void> {
  if (existsSync(join(VENV, 'ready'))) return;
  const { env } = process;
  const onProgress = (line: string) => process.stderr.write(`${line}\n`);
  const python = findProgram('python3', env);
  if (!python) throw new Error('The bench needs python3 for neo4j-etl-lib.');
  onProgress(`installing ${PEER} in bench/.venv`);
  const make = () => runCommand(python, ['-m', 'venv', VENV], { env });
  if (
    (await make()).exitCode !== 0 &&
    (await installPackages(['python3-venv', 'python3-pip'], { env, onProgress }))
  )
    await make();
  const { exitCode, output } = await runCommand(join(VENV, 'bin', 'pip'), ['install', '-q', PEER], { env });
  if (exitCode !== 0) throw new Error(`${PEER} could not be installed: ${output.trim().split('\n').at(-1)}`);
  await runCommand('touch', [join(VENV, 'ready')], { env });
}

export interface Settings {
  readonly tableSize: number;
  readonly batchSize: number;
  readonly workers: number;
}

export function load(
  { command = [], run }: Contestant,
  workload: Workload,
  settings: Settings,
  env: NodeJS.ProcessEnv,
  context: ETLContext,
): Promise<Outcome> {
  if (run) return run(context, workload, settings);
  const [program, ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program!, [...args, JSON.stringify({ ...workload, ...settings })], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let errors = '';
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString();
    });
    child.stderr.on('data', (data: Buffer) => {
      errors = `${errors}${data.toString()}`.slice(-4_000);
    });
    child.on('error', reject);
    child.on('close', () => {
      const line = output.trim().split('\n').at(-1) ?? '';
      try {
        resolve(JSON.parse(line) as Outcome);
      } catch {
        reject(new Error(`${program} printed no result: ${line} ${errors}`));
      }
    });
  });
}
