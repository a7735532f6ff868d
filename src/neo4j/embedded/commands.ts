import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Environment } from '../../core/context.ts';
import { withoutSecrets } from '../../core/secrets.ts';

/** Looks a program up in PATH. */
export function findProgram(name: string, env: Environment): string | undefined {
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // not there, or not for us: the same to a caller that looks for a program
  }
}

export interface CommandResult {
  /** Undefined when the program could not be run at all. */
  readonly exitCode: number | undefined;
  /** Both streams, as they came. */
  readonly output: string;
}

/** Runs a program to its end and keeps what it prints; our secrets are not in its environment. */
export function runCommand(
  program: string,
  args: readonly string[],
  options: { readonly env: Environment; readonly cwd?: string; readonly signal?: AbortSignal | undefined },
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const env = withoutSecrets(options.env);
    const child = spawn(program, [...args], { ...options, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (data: Buffer) => {
      output += data.toString();
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => resolve({ exitCode: undefined, output: error.message }));
    child.on('close', (exitCode) => resolve({ exitCode: exitCode ?? 1, output }));
  });
}

/** Installs Debian packages when that can be done without asking; says whether it was done. */
export async function installPackages(
  packages: readonly string[],
  { env, onProgress }: { readonly env: Environment; readonly onProgress: (line: string) => void },
): Promise<boolean> {
  const apt = findProgram('apt-get', env);
  if (!apt) return false;
  const sudo = findProgram('sudo', env);
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && !(sudo && (await runCommand(sudo, ['-n', 'true'], { env })).exitCode === 0)) return false;
  onProgress(`installing ${packages.join(' and ')} with apt-get`);
  const quiet = { env: { ...env, DEBIAN_FRONTEND: 'noninteractive' } };
  const run = (...args: readonly string[]) =>
    isRoot ? runCommand(apt, args, quiet) : runCommand(sudo!, ['-n', apt, ...args], quiet);
  await run('update', '-qq');
  return (await run('install', '-y', '-qq', '--no-install-recommends', ...packages)).exitCode === 0;
}

/** The two ways that need neither Java nor Maven. */
export const OTHER_WAYS =
  'or set NEO4J_URI to a server that is there, or start one with `docker compose up -d` (compose.yaml)';
