/** The programs that are compared; each run is a fresh process that prints one line of JSON. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
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
  readonly command: readonly string[];
}

export const GRAPHWEFT: Contestant = {
  name: 'graphweft',
  command: [process.execPath, join(HERE, 'graphweft-load.mjs')],
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
  { command }: Contestant,
  workload: Workload,
  settings: Settings,
  env: NodeJS.ProcessEnv,
): Promise<Outcome> {
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
