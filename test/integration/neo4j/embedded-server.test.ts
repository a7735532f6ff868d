import { existsSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ETLContext } from '../../../src/context/etl-context.ts';
import { SILENT_REPORTER } from '../../../src/core/reporter.ts';
import {
  type EmbeddedServer,
  embeddedServerStatus,
  findEmbeddedServer,
  startEmbeddedServer,
  stopEmbeddedServer,
} from '../../../src/neo4j/embedded/embedded-server.ts';
import { makeFolder, useFolder } from '../../support/files.ts';

const folder = makeFolder();
const dataDir = folder.path('neo4j');
/** Small, because the run's own server is beside it. */
const small = { dataDir, heapMb: 512, pageCacheMb: 64 };
let server: EmbeddedServer;

beforeAll(async () => {
  server = await startEmbeddedServer(small);
});

afterAll(async () => {
  await stopEmbeddedServer({ dataDir });
  folder.remove();
});

async function ask(cypher: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  await using context = new ETLContext({ env: { GRAPHWEFT_NEO4J_DATA: dataDir }, reporter: SILENT_REPORTER });
  return (await context.neo4j.query(cypher)).rows[0];
}

async function takenPort(): Promise<{ readonly port: number; readonly listener: Server }> {
  const listener = createServer();
  await new Promise<void>((ready) => listener.listen(0, '127.0.0.1', ready));
  return { port: (listener.address() as { port: number }).port, listener };
}

/** Addresses that a process listens on, as /proc has them: hexadecimal address and port. */
function listening(pid: number): readonly string[] {
  const sockets = new Set(
    readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      } catch {
        return undefined; // closed in the meantime
      }
    }),
  );
  const LISTEN = '0A';
  return ['tcp', 'tcp6'].flatMap((name) => {
    const lines = readFileSync(`/proc/net/${name}`, 'utf8').trim().split('\n').slice(1);
    const fields = lines.map((line) => line.trim().split(/\s+/));
    return fields.filter((field) => field[3] === LISTEN && sockets.has(field[9])).map((field) => field[1]!);
  });
}

describe('the embedded server', () => {
  it('answers, keeps its secrets to its user, and listens on the loopback address only', async () => {
    expect(await ask('CREATE (n:Kept {id: 1}) RETURN n.id AS id')).toEqual({ id: 1 });
    expect(server).toMatchObject({ username: 'neo4j', alreadyRunning: false, dataDir });
    expect(server.password.length).toBeGreaterThanOrEqual(24);
    expect(readFileSync(server.passwordFile, 'utf8').trim()).toBe(server.password);
    expect(statSync(server.passwordFile).mode & 0o777).toBe(0o600);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    expect(readFileSync(`/proc/${server.pid}/cmdline`, 'utf8')).not.toContain(server.password);
    const port = server.boltPort.toString(16).toUpperCase().padStart(4, '0');
    const loopback = [`0100007F:${port}`, `0000000000000000FFFF00000100007F:${port}`];
    const found = listening(server.pid);
    expect(found.length).toBe(1);
    expect(loopback).toContain(found[0]);
  });

  it('is found by a second start, also by two at once, and by who looks for it', async () => {
    const again = await Promise.all([startEmbeddedServer(small), startEmbeddedServer(small)]);
    for (const other of again) expect(other).toMatchObject({ pid: server.pid, alreadyRunning: true });
    expect(await findEmbeddedServer({ dataDir })).toMatchObject({
      uri: server.uri,
      password: server.password,
    });
    expect(await embeddedServerStatus({ dataDir })).toMatchObject({ state: 'running', pid: server.pid });
    await expect(startEmbeddedServer({ ...small, boltPort: server.boltPort + 1 })).rejects.toMatchObject({
      code: 'GW_EMBEDDED_START',
      message: expect.stringContaining('already'),
    });
  });

  it('has crashed when it was killed, and comes back with its data, started twice at once', async () => {
    process.kill(server.pid, 'SIGKILL');
    while (
      existsSync(`/proc/${server.pid}/cmdline`) &&
      readFileSync(`/proc/${server.pid}/cmdline`).length > 0
    ) {
      await new Promise((wait) => setTimeout(wait, 20));
    }
    expect(await embeddedServerStatus({ dataDir })).toMatchObject({ state: 'crashed', pid: server.pid });
    expect(await findEmbeddedServer({ dataDir })).toBeUndefined();
    const [first, second] = await Promise.all([startEmbeddedServer(small), startEmbeddedServer(small)]);
    expect(first.pid).toBe(second.pid);
    expect([first.alreadyRunning, second.alreadyRunning].sort()).toEqual([false, true]);
    server = first;
    expect(await ask('MATCH (n:Kept) RETURN count(n) AS kept')).toEqual({ kept: 1 });
  });

  it('does not take another process for itself that has got its number', async () => {
    const other = useFolder().path('other');
    await expect(
      startEmbeddedServer({ dataDir: other, boltPort: (await takenPort()).port }),
    ).rejects.toMatchObject({
      code: 'GW_EMBEDDED_PORT',
    });
    const state = { pid: process.pid, boltPort: 1, version: '5.26.30', startedAt: new Date().toISOString() };
    writeFileSync(join(other, 'server.json'), JSON.stringify(state));
    expect(await embeddedServerStatus({ dataDir: other })).toMatchObject({ state: 'crashed' });
    expect(await stopEmbeddedServer({ dataDir: other })).toBe(false);
    expect(await embeddedServerStatus({ dataDir: other })).toMatchObject({ state: 'stopped' });
  });

  it('says in one sentence what is missing, and the other two ways', async () => {
    const bare = useFolder();
    const nothing = {
      PATH: bare.path('bin'),
      HOME: bare.path('home'),
      GRAPHWEFT_JVM_FOLDER: bare.path('jvm'),
    };
    const failure = await startEmbeddedServer({ dataDir: bare.path('data'), env: nothing }).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: 'GW_EMBEDDED_JAVA' });
    for (const word of ['Java 17', 'NEO4J_URI', 'docker compose up -d'])
      expect((failure as Error).message).toContain(word);
    const withJava = { ...nothing, JAVA_HOME: javaHome() };
    await expect(startEmbeddedServer({ dataDir: bare.path('data'), env: withJava })).rejects.toMatchObject({
      code: 'GW_EMBEDDED_MAVEN',
      message: expect.stringMatching(/Maven.+NEO4J_URI.+docker compose up -d/),
    });
  });

  it('refuses another version beside the running one, a wrong version and a folder that it cannot use', async () => {
    const place = useFolder();
    await expect(startEmbeddedServer({ dataDir, version: '5.26.29' })).rejects.toMatchObject({
      code: 'GW_EMBEDDED_START',
    });
    await expect(startEmbeddedServer({ dataDir, version: '4.4.0' })).rejects.toThrow('Option `version`');
    const file = place.write('file', '');
    await expect(startEmbeddedServer({ dataDir: join(file, 'data') })).rejects.toMatchObject({
      code: 'GW_EMBEDDED_DATA',
    });
  });

  it('stops in order, does nothing a second time, and leaves the data of a newer server alone', async () => {
    expect(await stopEmbeddedServer({ dataDir })).toBe(true);
    expect(existsSync(`/proc/${server.pid}`) && readFileSync(`/proc/${server.pid}/cmdline`).length > 0).toBe(
      false,
    );
    expect(await stopEmbeddedServer({ dataDir })).toBe(false);
    expect(await embeddedServerStatus({ dataDir })).toMatchObject({ state: 'stopped' });
    writeFileSync(join(dataDir, 'version'), '5.26.31\n');
    await expect(startEmbeddedServer(small)).rejects.toMatchObject({
      code: 'GW_EMBEDDED_DATA',
      message: expect.stringContaining('5.26.31'),
    });
  });
});

/** A Java home of this machine: the folder above `bin/java` of the running server. */
function javaHome(): string {
  return readlinkSync(`/proc/${server.pid}/exe`).replace(/\/bin\/java$/, '');
}
