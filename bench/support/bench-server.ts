/** A Neo4j of the bench's own, in a temporary folder and on the loopback address; it never outlives the bench. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type EmbeddedServer,
  ETLContext,
  SILENT_REPORTER,
  startEmbeddedServer,
  stopEmbeddedServer,
} from 'graphweft';
import { stopOnSignals } from 'graphweft/cli';
import { say } from './progress.ts';

export interface BenchServer {
  readonly server: EmbeddedServer;
  /** What a child needs to reach the server. */
  readonly env: NodeJS.ProcessEnv;
  readonly context: ETLContext;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Starts a server for the action, and stops it whatever comes of the action. */
export async function withServer<T>(action: (bench: BenchServer) => Promise<T>): Promise<T> {
  const { signal } = stopOnSignals();
  const dataDir = mkdtempSync(join(tmpdir(), 'graphweft-bench-'));
  let pid: number | undefined;
  // The last resort, for an end that no `finally` sees: a server is detached and would live on.
  const onExit = (): void => {
    if (pid !== undefined) killQuietly(pid);
    rmSync(dataDir, { recursive: true, force: true });
  };
  process.once('exit', onExit);
  try {
    const server = await startEmbeddedServer({ dataDir, onProgress: say, signal });
    pid = server.pid;
    const { REPORTER_DATABASE: _, ...inherited } = process.env; // its writes are not what is measured
    const env = {
      ...inherited,
      NEO4J_URI: server.uri,
      NEO4J_USERNAME: server.username,
      NEO4J_PASSWORD: server.password,
      NEO4J_DATABASE: 'neo4j',
    };
    await using context = new ETLContext({ env, reporter: SILENT_REPORTER });
    return await unlessAborted(action({ server, env, context, signal }), signal);
  } finally {
    await stopEmbeddedServer({ dataDir, onProgress: say });
    process.removeListener('exit', onExit);
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** A million flights took the server 15 s of CPU by 1,000 relationships a transaction, 40 s by 50,000. */
const DELETED_AT_ONCE = 1_000;

/** Deletes everything, in parts that the server gets through fastest. */
export async function wipe({ neo4j }: Pick<ETLContext, 'neo4j'>): Promise<void> {
  const inParts = `IN TRANSACTIONS OF ${DELETED_AT_ONCE} ROWS`;
  await neo4j.query(`MATCH ()-[r]->() CALL (r) { DELETE r } ${inParts}`);
  await neo4j.query(`MATCH (n) CALL (n) { DELETE n } ${inParts}`);
}

/** Gives up waiting at an abort: a statement on the server cannot be interrupted from here, but the server is stopped. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return Promise.race([
    work,
    new Promise<never>((_, reject) => {
      if (signal.aborted) reject(signal.reason);
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    }),
  ]);
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it is gone already
  }
}
