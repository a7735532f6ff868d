/** The embedded server is closed to others: its address, its files, and what the process list shows of it. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createConnection } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type EmbeddedServer,
  startEmbeddedServer,
  stopEmbeddedServer,
} from '../../../src/neo4j/embedded/embedded-server.ts';
import { makeFolder } from '../../support/files.ts';

const folder = makeFolder();
const dataDir = folder.path('neo4j');
const PLANTED = 'Zq7planted';
let server: EmbeddedServer;
/** Every command line that there was while the server started. */
const commandLines = new Set<string>();

beforeAll(async () => {
  const secrets = { NEO4J_PASSWORD: PLANTED, SQL_URI: `postgres://me:${PLANTED}@db/x` };
  let isStarting = true;
  const watch = (async () => {
    while (isStarting) {
      for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
        commandLines.add(readProc(pid, 'cmdline'));
      await sleep(5);
    }
  })();
  server = await startEmbeddedServer({
    dataDir,
    heapMb: 512,
    pageCacheMb: 64,
    env: { ...process.env, ...secrets },
  }).finally(() => {
    isStarting = false;
  });
  await watch;
});
afterAll(async () => {
  await stopEmbeddedServer({ dataDir });
  folder.remove();
});

function readProc(pid: string | number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return ''; // it has ended
  }
}

describe('the embedded server', () => {
  it('has its password on no command line, and none of ours in its environment', () => {
    const all = [...commandLines].join('\n');
    expect(all).toContain('set-initial-password'); // the watch was quick enough
    expect(all).toContain(dataDir);
    expect(all).not.toContain(server.password);
    expect(all).not.toContain(PLANTED);
    const environment = readProc(server.pid, 'environ');
    expect(environment).toContain('PATH=');
    expect(environment).not.toContain(PLANTED);
    expect(environment).not.toContain(server.password);
  });

  it('answers on no other address than the loopback one', async () => {
    const connects = (host: string) =>
      new Promise<boolean>((resolve) => {
        const socket = createConnection({ host, port: server.boltPort, timeout: 2_000 });
        const end = (is: boolean) => {
          socket.destroy();
          resolve(is);
        };
        socket
          .on('connect', () => end(true))
          .on('error', () => end(false))
          .on('timeout', () => end(false));
      });
    expect(await connects('127.0.0.1')).toBe(true);
    const others = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ internal, family }) => !internal && family === 'IPv4')
      .map(({ address }) => address);
    for (const address of others) expect(await connects(address)).toBe(false);
  });

  it('keeps its folder, and every file with a secret, to its user', () => {
    const modeOf = (name: string) => statSync(join(dataDir, name)).mode & 0o777;
    expect(modeOf('.')).toBe(0o700);
    for (const name of ['conf', 'data', 'logs']) expect(modeOf(name)).toBe(0o700);
    for (const name of ['password', 'server.json', 'conf/neo4j.conf', 'logs/console.log'])
      expect(modeOf(name)).toBe(0o600);
    expect(readFileSync(join(dataDir, 'password'), 'utf8').trim()).toBe(server.password);
    const others = (readdirSync(dataDir, { recursive: true, withFileTypes: true }) ?? []).filter(
      (entry) => entry.isFile() && entry.name !== 'password',
    );
    for (const { parentPath, name } of others)
      expect(readFileSync(join(parentPath, name)).includes(server.password)).toBe(false);
  });
});
