import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ETLContext } from '../context/etl-context.ts';
import type { Environment } from '../core/context.ts';
import { startEmbeddedServer, stopEmbeddedServer } from '../neo4j/embedded/embedded-server.ts';
import { RecordingReporter } from './recording-reporter.ts';

export interface TestNeo4jOptions {
  /** Is told each step of a start as a sentence. Default: nobody. */
  readonly onProgress?: (line: string) => void;
}

/** A real Neo4j for tests. */
export interface TestNeo4j extends AsyncDisposable {
  /** NEO4J_URI, NEO4J_USERNAME and NEO4J_PASSWORD (and what else was set), for contexts of your own. */
  readonly env: Environment;
  /** A context on it, whose reporter keeps what it is told. */
  readonly context: ETLContext;
  readonly reporter: RecordingReporter;
  /** Deletes all nodes and relationships; refused on a server that NEO4J_URI names. */
  clear(): Promise<void>;
  /** Closes the context and stops the server if it was started. */
  stop(): Promise<void>;
}

/**
 * Gives a Neo4j for tests: the server that NEO4J_URI names, else one of its own in a temporary folder and on a free
 * port, which boots in 5 to 8 s and is stopped when this process ends in any way. Start it once for a run, not for each
 * test.
 *
 * @throws {@link GraphweftError} with a `GW_EMBEDDED_…` code when none can be started.
 */
export async function startTestNeo4j({ onProgress = () => {} }: TestNeo4jOptions = {}): Promise<TestNeo4j> {
  const reporter = new RecordingReporter();
  const open = (env: Environment, stopServer: () => Promise<void>, isOwn: boolean): TestNeo4j => {
    const context = new ETLContext({ env, reporter });
    const stop = async () => {
      await context.close();
      await stopServer();
    };
    return {
      env,
      context,
      reporter,
      stop,
      [Symbol.asyncDispose]: stop,
      async clear() {
        if (!isOwn)
          throw new Error(`The database at ${env.NEO4J_URI} is not the test's own; it is not cleared.`);
        await context.neo4j.query('MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 10000 ROWS');
      },
    };
  };
  if (process.env.NEO4J_URI) return open(process.env, async () => {}, false);
  const dataDir = mkdtempSync(join(tmpdir(), 'graphweft-test-neo4j-'));
  const forget = stopWhenOrphaned(dataDir);
  const remove = () => {
    forget();
    rmSync(dataDir, { recursive: true, force: true });
  };
  try {
    const { uri, username, password } = await startEmbeddedServer({ dataDir, onProgress });
    const env = { ...process.env, NEO4J_URI: uri, NEO4J_USERNAME: username, NEO4J_PASSWORD: password };
    return open(
      env,
      async () => {
        await stopEmbeddedServer({ dataDir });
        remove();
      },
      true,
    );
  } catch (error) {
    remove();
    throw error;
  }
}

/**
 * Has a process of its own stop the server of a folder once this one is gone: a run that is killed stops nothing, but the
 * pipe between the two closes. Gives the function that ends it.
 */
function stopWhenOrphaned(dataDir: string): () => void {
  const program = `process.stdin.resume().on('end', async () => {
    const { stopEmbeddedServer } = await import('graphweft');
    await stopEmbeddedServer({ dataDir: process.argv[1] });
    require('node:fs').rmSync(process.argv[1], { recursive: true, force: true });
  });`;
  const watcher = spawn(process.execPath, ['-e', program, dataDir], {
    cwd: fileURLToPath(new URL('.', import.meta.url)), // where the package finds itself by its name
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watcher.on('error', () => {}); // without it only a run that is killed leaves its server
  watcher.unref();
  (watcher.stdin as Socket).unref();
  return () => watcher.kill();
}
