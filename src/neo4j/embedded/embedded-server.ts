/**
 * A real Neo4j Community server as a child process on the loopback address, for where there is no other.
 *
 * | state | means |
 * |---|---|
 * | stopped | never started, or stopped in order |
 * | running | its process is there |
 * | crashed | it was started and not stopped, and its process is gone; the next start recovers its data |
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import neo4j from 'neo4j-driver';
import type { Environment } from '../../core/context.ts';
import { GraphweftError, throwIfAborted } from '../../core/errors.ts';
import { integerOption } from '../../core/options.ts';
import { findJava } from './java.ts';
import { ServerFolder, type ServerState } from './server-folder.ts';
import { serverJars } from './server-jars.ts';
import {
  DEFAULT_BOLT_PORT,
  isServerProcess,
  runAdminTool,
  type ServerProgram,
  spawnServer,
  takePort,
} from './server-process.ts';
import { DEFAULT_SERVER_VERSION, parseServerVersion } from './server-version.ts';
import { withStartLock } from './start-lock.ts';

export interface EmbeddedServerPlace {
  /** Default: GRAPHWEFT_NEO4J_DATA, else `.graphweft/neo4j` in the current folder. */
  readonly dataDir?: string;
  /** Default: the process's environment. */
  readonly env?: Environment;
  /** Is told each step as a sentence. Default: nobody. */
  readonly onProgress?: (line: string) => void;
}

export interface EmbeddedServerOptions extends EmbeddedServerPlace {
  /** Release of Neo4j, from 5.0.0 on. Default: '5.26.30'. */
  readonly version?: string;
  /** Port on the loopback address, 1 to 65535. Default: 7687, or a free one where that is taken. */
  readonly boltPort?: number;
  /** Heap of the server in MB (2^20 bytes), from 256. Default: a quarter of the memory, at most 4,096. */
  readonly heapMb?: number;
  /** Page cache of the server in MB (2^20 bytes), from 64. Default: an eighth of the memory, at most 2,048. */
  readonly pageCacheMb?: number;
  /** Ends the waiting for the server; the server itself goes on starting. */
  readonly signal?: AbortSignal;
}

/** A running server, and how to enter it. */
export interface EmbeddedServer {
  readonly uri: string;
  readonly boltPort: number;
  readonly username: string;
  readonly password: string;
  /** File that holds the password; only its user can read it. */
  readonly passwordFile: string;
  readonly version: string;
  readonly pid: number;
  readonly dataDir: string;
  /** Whether it ran before it was asked for. */
  readonly alreadyRunning: boolean;
}

export type EmbeddedServerStatus =
  | { readonly state: 'stopped'; readonly dataDir: string }
  | ({ readonly state: 'running' | 'crashed'; readonly dataDir: string } & ServerState);

const USERNAME = 'neo4j';
/** A server boots in 5 to 8 s, and may have transactions to recover first. */
const START_TIMEOUT_MS = 180_000;
/** A server in order writes its pages out; one that takes longer is stuck. */
const STOP_TIMEOUT_MS = 60_000;
const POLL_MS = 200;

/**
 * Starts the server of a folder, or finds it running. Two starts at once come to the same server.
 *
 * @throws {@link GraphweftError} `GW_EMBEDDED_JAVA`, `GW_EMBEDDED_MAVEN`, `GW_EMBEDDED_PORT`, `GW_EMBEDDED_DATA` or
 * `GW_EMBEDDED_START`.
 */
export async function startEmbeddedServer(options: EmbeddedServerOptions = {}): Promise<EmbeddedServer> {
  const { env = process.env, onProgress = () => {}, boltPort, heapMb, pageCacheMb, signal } = options;
  const version = parseServerVersion(options.version ?? DEFAULT_SERVER_VERSION);
  if (boltPort !== undefined) integerOption('boltPort', boltPort, { min: 1, max: 65_535 });
  if (heapMb !== undefined) integerOption('heapMb', heapMb, { min: 256 });
  if (pageCacheMb !== undefined) integerOption('pageCacheMb', pageCacheMb, { min: 64 });
  const folder = new ServerFolder({ ...options, env });
  const running = await findRunning(folder, env);
  if (running) return reuse(folder, running, options);
  const java = await findJava(version, { env, onProgress });
  const lib = await serverJars(version, { env, onProgress, signal });
  const password = folder.prepare(version);
  return withStartLock(folder.lockFile, async () => {
    const other = await findRunning(folder, env);
    if (other) return reuse(folder, other, options);
    const program = { version, java, lib, env };
    const port = await choosePort(boltPort);
    folder.writeConfig(port, { pageCacheMb });
    if (folder.isNew) await setPassword(program, folder);
    onProgress(`starting Neo4j ${version.text} on 127.0.0.1:${port}`);
    const pid = spawnServer(program, folder, heapMb ?? ServerFolder.defaultHeapMb());
    const state = { pid, boltPort: port, version: version.text, startedAt: new Date().toISOString() };
    folder.writeState(state);
    const server = describe(folder, state, password, false);
    await untilReady(server, folder, env, signal);
    return server;
  });
}

/**
 * Stops the server of a folder, in order at first; gives whether there was one.
 * @throws {@link GraphweftError} `GW_EMBEDDED_DATA` when its folder cannot be changed.
 */
export async function stopEmbeddedServer(options: EmbeddedServerPlace = {}): Promise<boolean> {
  const { env = process.env, onProgress = () => {} } = options;
  const folder = new ServerFolder({ ...options, env });
  const state = await findRunning(folder, env);
  if (state) {
    onProgress(`stopping Neo4j ${state.version} (process ${state.pid})`);
    process.kill(state.pid, 'SIGTERM');
    const deadline = Date.now() + STOP_TIMEOUT_MS;
    while (await isServerProcess(state.pid, folder, env)) {
      if (Date.now() > deadline) process.kill(state.pid, 'SIGKILL');
      await sleep(POLL_MS);
    }
  }
  rmSync(join(folder.path, 'server.json'), { force: true });
  return state !== undefined;
}

/** Tells whether the server of a folder runs. */
export async function embeddedServerStatus(options: EmbeddedServerPlace = {}): Promise<EmbeddedServerStatus> {
  const { env = process.env } = options;
  const folder = new ServerFolder({ ...options, env });
  const { state, path: dataDir } = folder;
  if (!state) return { state: 'stopped', dataDir };
  return {
    ...state,
    state: (await isServerProcess(state.pid, folder, env)) ? 'running' : 'crashed',
    dataDir,
  };
}

/** Gives the running server of a folder, or undefined; starts nothing. */
export async function findEmbeddedServer(
  options: EmbeddedServerPlace = {},
): Promise<EmbeddedServer | undefined> {
  const { env = process.env } = options;
  const folder = new ServerFolder({ ...options, env });
  const state = await findRunning(folder, env);
  const { password } = folder;
  return state && password ? describe(folder, state, password, true) : undefined;
}

async function findRunning(folder: ServerFolder, env: Environment): Promise<ServerState | undefined> {
  const { state } = folder;
  return state && (await isServerProcess(state.pid, folder, env)) ? state : undefined;
}

async function reuse(
  folder: ServerFolder,
  state: ServerState,
  options: EmbeddedServerOptions,
): Promise<EmbeddedServer> {
  const { env = process.env, boltPort, version, signal } = options;
  if (
    (boltPort !== undefined && boltPort !== state.boltPort) ||
    (version !== undefined && version !== state.version)
  ) {
    throw new GraphweftError(
      'GW_EMBEDDED_START',
      `Neo4j ${state.version} runs on port ${state.boltPort} in ${folder.path} already; stop it first, or choose ` +
        `another folder with --data.`,
      { details: { ...state, dataDir: folder.path } },
    );
  }
  const server = describe(folder, state, folder.password ?? '', true);
  await untilReady(server, folder, env, signal); // another process may have started it just now
  return server;
}

function describe(
  folder: ServerFolder,
  state: ServerState,
  password: string,
  alreadyRunning: boolean,
): EmbeddedServer {
  const { pid, boltPort, version } = state;
  return {
    uri: `bolt://127.0.0.1:${boltPort}`,
    boltPort,
    username: USERNAME,
    password,
    passwordFile: folder.passwordFile,
    version,
    pid,
    dataDir: folder.path,
    alreadyRunning,
  };
}

async function choosePort(asked: number | undefined): Promise<number> {
  const port = await takePort(asked ?? DEFAULT_BOLT_PORT);
  if (port !== undefined) return port;
  const free = asked === undefined ? await takePort(0) : undefined;
  if (free !== undefined) return free;
  const message = `Port ${asked ?? DEFAULT_BOLT_PORT} of 127.0.0.1 is taken; choose another one with --bolt-port.`;
  throw new GraphweftError('GW_EMBEDDED_PORT', message, { details: { boltPort: asked } });
}

/** Hands the password over in a file: a command line can be read by everybody on the machine. */
async function setPassword(program: ServerProgram, folder: ServerFolder): Promise<void> {
  const { exitCode, output } = await runAdminTool(program, folder, [
    'dbms',
    'set-initial-password',
    `@${folder.passwordFile}`,
  ]);
  if (exitCode === 0) return;
  const reason = output.trim().split('\n').at(-1);
  throw new GraphweftError('GW_EMBEDDED_START', `The password of the new server could not be set: ${reason}`);
}

async function untilReady(
  server: EmbeddedServer,
  folder: ServerFolder,
  env: Environment,
  signal: AbortSignal | undefined,
): Promise<void> {
  const driver = neo4j.driver(server.uri, neo4j.auth.basic(server.username, server.password));
  const deadline = Date.now() + START_TIMEOUT_MS;
  try {
    for (let failure: unknown; ; await sleep(POLL_MS)) {
      throwIfAborted(signal);
      try {
        await driver.executeQuery('RETURN 1');
        return;
      } catch (error) {
        failure = error; // not ready yet, as long as its process is there
      }
      if (!(await isServerProcess(server.pid, folder, env)))
        throw startFailed(server, folder, 'it ended', failure);
      if (Date.now() > deadline) throw startFailed(server, folder, 'it does not answer', failure);
    }
  } finally {
    await driver.close();
  }
}

function startFailed(
  server: EmbeddedServer,
  folder: ServerFolder,
  how: string,
  cause: unknown,
): GraphweftError {
  const message = `Neo4j ${server.version} did not start: ${how}. ${lastWords(folder.logFile)} (log: ${folder.logFile})`;
  return new GraphweftError('GW_EMBEDDED_START', message, { cause, details: { pid: server.pid } });
}

/** The line of the log that most likely says why. */
function lastWords(logFile: string): string {
  const lines = readFileSync(logFile, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^\s+at /.test(line));
  return lines.findLast((line) => /ERROR|Exception|Error/.test(line)) ?? lines.at(-1) ?? 'Its log is empty.';
}
