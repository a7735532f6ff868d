/**
 * A real Neo4j Community server as a child process on the loopback address, for where there is no other.
 *
 * | state | means |
 * |---|---|
 * | stopped | never started, or stopped in order |
 * | running | its process is there |
 * | crashed | it was started and not stopped, and its process is gone; the next start recovers its data |
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment } from '../../core/context.ts';
import { GraphweftError } from '../../core/errors.ts';
import { integerOption, refuseUnknownKeys } from '../../core/options.ts';
import type { CommandResult } from './commands.ts';
import { findJava } from './java.ts';
import { findServerPid, isServerOf } from './process-table.ts';
import { defaultHeapMb, defaultPageCacheMb, MIN_HEAP_MB, MIN_PAGE_CACHE_MB } from './server-config.ts';
import { ServerFolder, type ServerState } from './server-folder.ts';
import { serverJars } from './server-jars.ts';
import {
  DEFAULT_BOLT_PORT,
  freePort,
  runAdminTool,
  type ServerProgram,
  spawnServer,
} from './server-process.ts';
import { untilReady } from './server-readiness.ts';
import { DEFAULT_SERVER_VERSION, parseServerVersion, type ServerVersion } from './server-version.ts';
import { withStartLock } from './start-lock.ts';

export interface EmbeddedServerPlace {
  /** Default: GRAPHWEFT_NEO4J_DATA, else `.graphweft/neo4j` in the current folder. */
  readonly dataDir?: string;
  /** Default: the process's environment. */
  readonly env?: Environment;
  /** Is told each step as a sentence. Default: nobody. */
  readonly onProgress?: (line: string) => void;
}

/** What {@link startEmbeddedServer} can be told. */
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

export interface EmbeddedAdminToolOptions extends EmbeddedServerPlace {
  /** Release of Neo4j, from 5.0.0 on. Default: '5.26.30'. */
  readonly version?: string;
  /** Heap of the tool in MB (2^20 bytes), from 256. Default: 256. */
  readonly heapMb?: number;
  readonly signal?: AbortSignal;
}

export type EmbeddedServerStatus =
  | { readonly state: 'stopped'; readonly dataDir: string }
  | ({ readonly state: 'running' | 'crashed'; readonly dataDir: string } & ServerState);

const PLACE_KEYS = ['dataDir', 'env', 'onProgress'];
const USERNAME = 'neo4j';
/** A server in order writes its pages out, in about 10 s when it has little; one that takes longer is stuck. */
const STOP_TIMEOUT_MS = 60_000;
/** Between looking for a free port and the server's taking it, another program may take it. */
const PORT_ATTEMPTS = 3;
const POLL_MS = 200;

/**
 * Starts the server of a folder, or finds it running. Two starts at once come to the same server.
 *
 * @throws {@link GraphweftError} `GW_EMBEDDED_JAVA`, `GW_EMBEDDED_MAVEN`, `GW_EMBEDDED_PORT`, `GW_EMBEDDED_DATA` or
 * `GW_EMBEDDED_START`.
 */
export async function startEmbeddedServer(options: EmbeddedServerOptions = {}): Promise<EmbeddedServer> {
  const known = [...PLACE_KEYS, 'version', 'boltPort', 'heapMb', 'pageCacheMb', 'signal'];
  refuseUnknownKeys('startEmbeddedServer', options, known);
  const { env = process.env, onProgress = () => {}, boltPort, heapMb, pageCacheMb, signal } = options;
  const version = parseServerVersion(options.version ?? DEFAULT_SERVER_VERSION);
  if (boltPort !== undefined) integerOption('boltPort', boltPort, { min: 1, max: 65_535 });
  if (heapMb !== undefined) integerOption('heapMb', heapMb, { min: MIN_HEAP_MB });
  if (pageCacheMb !== undefined) integerOption('pageCacheMb', pageCacheMb, { min: MIN_PAGE_CACHE_MB });
  const folder = new ServerFolder({ ...options, env });
  // Fetched before the folder is made and locked: where there is no Java, no trace is left.
  const fetched = (await findRunning(folder, env)) ? undefined : await fetchProgram(version, options);
  folder.claim();
  const onWait = () => onProgress('waiting for another start of this server');
  return withStartLock(folder.path, { env, signal, onWait }, async () => {
    const running = await findRunning(folder, env);
    if (running) return reuse(folder, running, options);
    return launch(fetched ?? (await fetchProgram(version, options)), folder, options);
  });
}

/**
 * Stops the server of a folder, in order at first; gives whether there was one.
 * @throws {@link GraphweftError} `GW_EMBEDDED_DATA` when its folder cannot be changed.
 */
export async function stopEmbeddedServer(options: EmbeddedServerPlace = {}): Promise<boolean> {
  refuseUnknownKeys('stopEmbeddedServer', options, PLACE_KEYS);
  const { env = process.env, onProgress = () => {} } = options;
  const folder = new ServerFolder({ ...options, env });
  const state = await findRunning(folder, env);
  if (state) {
    onProgress(`stopping Neo4j ${state.version} (process ${state.pid})`);
    kill(state.pid, 'SIGTERM');
    const deadline = Date.now() + STOP_TIMEOUT_MS;
    while (await isServerOf(folder.path, state.pid, env)) {
      if (Date.now() > deadline) kill(state.pid, 'SIGKILL');
      await sleep(POLL_MS);
    }
  }
  folder.clearState();
  return state !== undefined;
}

/**
 * Tells whether the server of a folder runs.
 * @throws {@link GraphweftError} `GW_EMBEDDED_DATA` when its folder cannot be read.
 */
export async function embeddedServerStatus(options: EmbeddedServerPlace = {}): Promise<EmbeddedServerStatus> {
  refuseUnknownKeys('embeddedServerStatus', options, PLACE_KEYS);
  const { env = process.env } = options;
  const folder = new ServerFolder({ ...options, env });
  const { state, path: dataDir } = folder;
  if (!state) return { state: 'stopped', dataDir };
  const running = await findRunning(folder, env);
  return running ? { ...running, state: 'running', dataDir } : { ...state, state: 'crashed', dataDir };
}

/**
 * Gives the running server of a folder, or undefined; starts nothing.
 * @throws {@link GraphweftError} `GW_EMBEDDED_DATA` when its folder cannot be read.
 */
export async function findEmbeddedServer(
  options: EmbeddedServerPlace = {},
): Promise<EmbeddedServer | undefined> {
  const { env = process.env } = options;
  const folder = new ServerFolder({ ...options, env });
  const state = await findRunning(folder, env);
  const { password } = folder;
  return state && password ? describe(folder, state, password, true) : undefined;
}

/**
 * Runs Neo4j's administration tool on the folder of a server, such as `['database', 'import', 'full', …]` while the
 * server is stopped. Arguments can be read by everybody on the machine: a secret goes into a file, as `@file`.
 *
 * @throws {@link GraphweftError} `GW_EMBEDDED_JAVA`, `GW_EMBEDDED_MAVEN` or `GW_EMBEDDED_DATA`; what the tool itself says
 * is in the result.
 */
export async function runEmbeddedAdminTool(
  args: readonly string[],
  options: EmbeddedAdminToolOptions = {},
): Promise<CommandResult> {
  refuseUnknownKeys('runEmbeddedAdminTool', options, [...PLACE_KEYS, 'version', 'heapMb', 'signal']);
  const { env = process.env, heapMb, signal } = options;
  if (heapMb !== undefined) integerOption('heapMb', heapMb, { min: MIN_HEAP_MB });
  const version = parseServerVersion(options.version ?? DEFAULT_SERVER_VERSION);
  const folder = new ServerFolder({ ...options, env });
  const program = await fetchProgram(version, options);
  folder.claim();
  folder.checkVersion(version);
  return runAdminTool(program, folder, args, { ...(heapMb !== undefined && { heapMb }), signal });
}

async function fetchProgram(
  version: ServerVersion,
  { env = process.env, onProgress = () => {}, signal }: EmbeddedServerOptions,
): Promise<ServerProgram> {
  const java = await findJava(version, { env, onProgress });
  return { version, java, lib: await serverJars(version, { java, env, onProgress, signal }), env };
}

async function findRunning(folder: ServerFolder, env: Environment): Promise<ServerState | undefined> {
  const { state } = folder;
  // A start that was killed between the server's birth and its note of it leaves 0: then all processes are looked at.
  const pid = state && (await findServerPid(folder.path, state.pid || undefined, env));
  return pid === undefined ? undefined : { ...state!, pid };
}

async function launch(
  program: ServerProgram,
  folder: ServerFolder,
  options: EmbeddedServerOptions,
): Promise<EmbeddedServer> {
  const { boltPort, signal } = options;
  folder.checkVersion(program.version);
  const password = folder.ensurePassword();
  for (let attempt = 1; ; attempt++) {
    const port = await choosePort(boltPort);
    const state = await spawnOn(port, program, folder, options);
    try {
      await untilReady(folder, state, { username: USERNAME, password }, { env: program.env, signal });
      return describe(folder, state, password, false);
    } catch (error) {
      const { code } = error as { readonly code?: unknown };
      if (code === 'GW_EMBEDDED_DATA') await stopEmbeddedServer({ dataDir: folder.path, env: program.env });
      if (code !== 'GW_EMBEDDED_PORT' || attempt === PORT_ATTEMPTS) throw error;
      if (boltPort !== undefined) throw portTaken(boltPort, error);
    }
  }
}

async function spawnOn(
  boltPort: number,
  program: ServerProgram,
  folder: ServerFolder,
  {
    heapMb = defaultHeapMb(),
    pageCacheMb = defaultPageCacheMb(),
    onProgress = () => {},
  }: EmbeddedServerOptions,
): Promise<ServerState> {
  const { version } = program;
  folder.writeConfig({ boltPort, pageCacheMb });
  if (folder.isNew) await setPassword(program, folder);
  onProgress(`starting Neo4j ${version.text} on 127.0.0.1:${boltPort}`);
  folder.beginStart(version);
  const state = { pid: 0, boltPort, version: version.text, startedAt: new Date().toISOString() };
  folder.writeState(state);
  const pid = spawnServer(program, folder, heapMb);
  folder.writeState({ ...state, pid });
  return { ...state, pid };
}

async function reuse(
  folder: ServerFolder,
  state: ServerState,
  { env = process.env, boltPort, version, signal }: EmbeddedServerOptions,
): Promise<EmbeddedServer> {
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
  const password = folder.ensurePassword();
  // The process that started it may have been killed before the server was ready.
  await untilReady(folder, state, { username: USERNAME, password }, { env, signal });
  return describe(folder, state, password, true);
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
  const port = await freePort(asked ?? DEFAULT_BOLT_PORT);
  if (port !== undefined) return port;
  const free = asked === undefined ? await freePort(0) : undefined;
  if (free !== undefined) return free;
  throw portTaken(asked ?? DEFAULT_BOLT_PORT);
}

function portTaken(boltPort: number, cause?: unknown): GraphweftError {
  const message = `Port ${boltPort} of 127.0.0.1 is taken; choose another one with --bolt-port.`;
  return new GraphweftError('GW_EMBEDDED_PORT', message, { cause, details: { boltPort } });
}

/** Hands the password over in a file: a command line can be read by everybody on the machine. */
async function setPassword(program: ServerProgram, folder: ServerFolder): Promise<void> {
  const args = ['dbms', 'set-initial-password', `@${folder.passwordFile}`];
  const { exitCode, output } = await runAdminTool(program, folder, args);
  if (exitCode === 0) return;
  const reason = output
    .trim()
    .split('\n')[0]
    ?.replaceAll(folder.password ?? '', '…');
  throw new GraphweftError('GW_EMBEDDED_START', `The password of the new server could not be set: ${reason}`);
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it has ended by itself
  }
}
