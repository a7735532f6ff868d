import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Environment } from '../../core/context.ts';
import { GraphweftError } from '../../core/errors.ts';
import { type CommandResult, runCommand } from './commands.ts';
import type { ServerFolder } from './server-folder.ts';
import type { ServerVersion } from './server-version.ts';

export const DEFAULT_BOLT_PORT = 7687;

/** A server that is ready to be started. */
export interface ServerProgram {
  readonly version: ServerVersion;
  readonly java: string;
  readonly lib: string;
  readonly env: Environment;
}

/** Starts the server so that it outlives this process; gives its process id. */
export function spawnServer(
  { version, java, lib, env }: ServerProgram,
  folder: ServerFolder,
  heapMb: number,
): number {
  const log = openSync(folder.logFile, 'a', 0o600);
  try {
    const child = spawn(
      java,
      [
        `-Xms${Math.min(512, heapMb)}m`,
        `-Xmx${heapMb}m`,
        '-XX:+UseG1GC',
        '-XX:+ExitOnOutOfMemoryError',
        ...version.jvmFlags,
        '-cp',
        join(lib, '*'),
        version.mainClass,
        `--home-dir=${folder.path}`,
        `--config-dir=${join(folder.path, 'conf')}`,
      ],
      { detached: true, stdio: ['ignore', log, log], cwd: folder.path, env },
    );
    child.on('error', () => {}); // a missing program shows as a missing process id
    child.unref();
    if (child.pid === undefined) throw new GraphweftError('GW_EMBEDDED_START', `${java} could not be run.`);
    return child.pid;
  } finally {
    closeSync(log);
  }
}

/** Runs a command of Neo4j's administration tool on a server's folder, such as the offline import. */
export function runAdminTool(
  { java, lib, env }: ServerProgram,
  folder: ServerFolder,
  args: readonly string[],
): Promise<CommandResult> {
  const home = { NEO4J_HOME: folder.path, NEO4J_CONF: join(folder.path, 'conf') };
  return runCommand(java, ['-cp', join(lib, '*'), 'org.neo4j.cli.AdminTool', ...args], {
    env: { ...env, ...home },
  });
}

/** Whether the process is this folder's server, and not another one that has got the same number since. */
export async function isServerProcess(pid: number, folder: ServerFolder, env: Environment): Promise<boolean> {
  const own = `--home-dir=${folder.path}`;
  if (existsSync('/proc/self/cmdline')) {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(own);
    } catch {
      return false; // no such process
    }
  }
  const { output } = await runCommand('ps', ['-o', 'command=', '-p', String(pid)], { env });
  return output.includes(own);
}

/** Whether nothing listens on a port of the loopback address; 0 asks for any, and gets it. */
export function takePort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(undefined));
    probe.listen(port, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : undefined));
    });
  });
}
