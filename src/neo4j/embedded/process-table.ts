import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Environment } from '../../core/context.ts';
import { runCommand } from './commands.ts';

const HAS_PROC = existsSync('/proc/self/cmdline');

/**
 * Finds the server of a folder: by its number when that is known, else among all processes. A number alone proves
 * nothing, since another process may have got it; what counts is the folder on its command line.
 */
export async function findServerPid(
  folder: string,
  pid: number | undefined,
  env: Environment,
): Promise<number | undefined> {
  if (pid !== undefined) return (await isServerOf(folder, pid, env)) ? pid : undefined;
  for (const other of await allPids(env)) if (await isServerOf(folder, other, env)) return other;
  return undefined;
}

/** Whether this process is the server of this folder. */
export async function isServerOf(folder: string, pid: number, env: Environment): Promise<boolean> {
  const own = homeArguments(folder);
  if (HAS_PROC) return `\0${readProc(pid, 'cmdline') ?? ''}`.includes(`\0${own.join('\0')}\0`);
  const { exitCode, output } = await runCommand('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { env });
  return exitCode === 0 && output.trimEnd().endsWith(` ${own.join(' ')}`);
}

/** The arguments that a server is started with last, and known by. */
export function homeArguments(folder: string): readonly [string, string] {
  return [`--home-dir=${folder}`, `--config-dir=${folder}/conf`];
}

/**
 * Gives what tells a process from a later one with the same number: when it began. Undefined when there is no such
 * process.
 */
export async function processStart(pid: number, env: Environment): Promise<string | undefined> {
  if (HAS_PROC) {
    const stat = readProc(pid, 'stat');
    if (stat === undefined) return undefined;
    // The name in parentheses may hold anything; after it come the state and, 19 fields on, the start in ticks.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined; // dead, and its parent has not asked yet
    const ticks = fields[19];
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${ticks}`;
  }
  const { exitCode, output } = await runCommand('ps', ['-o', 'lstart=', '-p', String(pid)], { env });
  return exitCode === 0 ? output.trim() : undefined;
}

async function allPids(env: Environment): Promise<readonly number[]> {
  const names = HAS_PROC
    ? readdirSync('/proc')
    : (await runCommand('ps', ['-ax', '-o', 'pid='], { env })).output.split('\n');
  return names.map(Number).filter((pid) => pid > 0);
}

function readProc(pid: number, name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return undefined; // no such process any more
  }
}
