/** A load in a process that can be killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ScheduleKind } from 'graphweft';
import type { Kind } from './trips.ts';

export interface LoadJob {
  readonly file: string;
  readonly kind: Kind;
  readonly schedule: ScheduleKind | 'sequential';
  /** Id of the run; false: nothing is remembered. */
  readonly run: string | false;
  readonly rejectedFile: string;
  readonly batchSize: number;
}

export interface LoadOutcome {
  readonly success: boolean;
  readonly error?: string;
  readonly summary: Readonly<Record<string, number>>;
}

export interface RunningLoad {
  readonly process: ChildProcess;
  /** What it printed; undefined when it was killed before. */
  readonly ended: Promise<LoadOutcome | undefined>;
}

export function startLoad(job: LoadJob, env: NodeJS.ProcessEnv): RunningLoad {
  const script = fileURLToPath(new URL('load.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(job)], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (data: Buffer) => {
    output += data.toString();
  });
  const ended = new Promise<LoadOutcome | undefined>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => {
      const line = output.trim().split('\n').at(-1);
      resolve(line ? (JSON.parse(line) as LoadOutcome) : undefined);
    });
  });
  return { process: child, ended };
}
