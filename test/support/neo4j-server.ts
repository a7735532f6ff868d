import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedServer, stopEmbeddedServer } from '../../src/neo4j/embedded/embedded-server.ts';

/**
 * One server for the whole run: the one that NEO4J_URI names, else an embedded one of the run's own, in a temporary
 * folder and on a free port. A run that cannot get one fails.
 */
export async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env.NEO4J_URI) return undefined;
  const dataDir = mkdtempSync(join(tmpdir(), 'graphweft-test-neo4j-'));
  const server = await startEmbeddedServer({
    dataDir,
    onProgress: (line) => process.stderr.write(`neo4j: ${line}\n`),
  });
  process.env.NEO4J_URI = server.uri;
  process.env.NEO4J_USERNAME = server.username;
  process.env.NEO4J_PASSWORD = server.password;
  return async () => {
    await stopEmbeddedServer({ dataDir });
    rmSync(dataDir, { recursive: true, force: true });
  };
}
