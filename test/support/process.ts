import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Sent once, when this text has appeared on either stream. */
  readonly interruptAt?: { readonly text: string; readonly signal: NodeJS.Signals };
  /** Gets the process when it is there; what it rejects with ends the waiting. */
  readonly onStart?: (child: ChildProcess) => unknown;
}

/** Runs Node with these arguments to its end. */
export function runNode(
  args: readonly string[],
  { env = process.env, cwd = ROOT, interruptAt, onStart }: RunOptions = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    let isSent = false;
    const watch = (): void => {
      if (!interruptAt || isSent || !(stdout + stderr).includes(interruptAt.text)) return;
      isSent = true;
      child.kill(interruptAt.signal);
    };
    child.stdout.on('data', (data: Buffer) => {
      stdout += data.toString();
      watch();
    });
    child.stderr.on('data', (data: Buffer) => {
      stderr += data.toString();
      watch();
    });
    child.on('error', reject);
    Promise.resolve(onStart?.(child)).catch(reject);
    child.on('close', (exitCode, signal) => resolve({ exitCode, signal, stdout, stderr }));
  });
}

/** Runs the built command line. */
export function runGraphweft(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return runNode([`${ROOT}/bin/graphweft.js`, ...args], options);
}

/** Runs an example as its README says. */
export function runExample(name: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return runNode(['--import', 'tsx', `examples/${name}/main.ts`, ...args], options);
}
