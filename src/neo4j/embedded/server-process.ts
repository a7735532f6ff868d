import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Environment } from '../../core/context.ts';
import { GraphweftError } from '../../core/errors.ts';
import { withoutSecrets } from '../../core/secrets.ts';
import { type CommandResult, runCommand } from './commands.ts';
import { homeArguments } from './process-table.ts';
import { MIN_HEAP_MB } from './server-config.ts';
import type { ServerFolder } from './server-folder.ts';
import type { ServerVersion } from './server-version.ts';

export const DEFAULT_BOLT_PORT = 7687;
/** Enough for a boot without growing; the rest is taken when a load needs it. */
const INITIAL_HEAP_MB = 512;

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
        `-Xms${Math.min(INITIAL_HEAP_MB, heapMb)}m`,
        `-Xmx${heapMb}m`,
        '-XX:+UseG1GC', // the JVM itself picks the serial collector on small machines, which stops every writer
        '-XX:+ExitOnOutOfMemoryError',
        ...version.jvmFlags,
        '-cp',
        join(lib, '*'),
        version.mainClass,
        '--console-mode', // otherwise it says nothing on its streams, not even why it fails
        ...homeArguments(folder.path),
      ],
      { detached: true, stdio: ['ignore', log, log], cwd: folder.path, env: withoutSecrets(env) },
    );
    child.on('error', () => {}); // a missing program shows as a missing process id
    child.unref();
    if (child.pid === undefined) throw new GraphweftError('GW_EMBEDDED_START', `${java} could not be run.`);
    return child.pid;
  } finally {
    closeSync(log);
  }
}

/**
 * Runs a command of Neo4j's administration tool on a server's folder. Arguments can be read by everybody on the
 * machine: a secret goes into a file, as `@file`.
 */
export function runAdminTool(
  { version, java, lib, env }: ServerProgram,
  folder: ServerFolder,
  args: readonly string[],
  options: { readonly heapMb?: number; readonly signal?: AbortSignal | undefined } = {},
): Promise<CommandResult> {
  const { heapMb = MIN_HEAP_MB, signal } = options;
  const home = { NEO4J_HOME: folder.path, NEO4J_CONF: join(folder.path, 'conf') };
  return runCommand(
    java,
    [`-Xmx${heapMb}m`, ...version.jvmFlags, '-cp', join(lib, '*'), 'org.neo4j.cli.AdminTool', ...args],
    { env: { ...env, ...home }, signal },
  );
}

/** Gives the port when nothing listens on it on the loopback address; for 0 any such port. */
export function freePort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(undefined));
    probe.listen(port, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : undefined));
    });
  });
}
