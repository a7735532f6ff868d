import { execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { installPackages } from '../../src/neo4j/embedded/commands.ts';
import { parseSqlAddress } from '../../src/sql/sql-address.ts';
import { sqlDriver } from '../../src/sql/sql-database.ts';

const START_TIMEOUT_MS = 60_000;

export interface SqlServer {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * A PostgreSQL and a MariaDB of the run's own, in temporary folders and on free loopback ports; Debian's packages are
 * installed where they are missing. A run that cannot get one fails. The addresses: POSTGRES_URL and MARIADB_URL.
 */
export async function setup(): Promise<() => Promise<void>> {
  const servers: SqlServer[] = [];
  const stop = async () => {
    await Promise.all(servers.map((server) => server.stop()));
  };
  try {
    for (const start of [startPostgres, startMariaDb]) servers.push(await start());
    process.env.POSTGRES_URL = servers[0]!.url;
    process.env.MARIADB_URL = servers[1]!.url;
    return stop;
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Runs statements on one connection. */
export async function runSql(url: string, ...statements: readonly string[]): Promise<void> {
  const address = parseSqlAddress(url);
  const [connection] = await (await sqlDriver(address)).open(address, 1);
  for (const statement of statements) await connection!.query(statement);
  await connection!.close();
}

async function install(): Promise<void> {
  if (postgresBin() && existsSync('/usr/sbin/mariadbd')) return;
  const onProgress = (line: string) => void process.stderr.write(`tests: ${line}\n`);
  if (!(await installPackages(['postgresql', 'mariadb-server'], { env: process.env, onProgress })))
    throw new Error('PostgreSQL and MariaDB are needed for the tests, and could not be installed.');
}

/** Debian keeps the server's programs out of PATH. */
function postgresBin(): string | undefined {
  const root = '/usr/lib/postgresql';
  if (!existsSync(root)) return undefined;
  const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(root, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb')));
}

/** Both servers refuse to run as root, so they run as the users that their packages have made. */
function userOf(name: string): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const [, , uid, gid] = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((line) => line.startsWith(`${name}:`))!
    .split(':');
  return { uid: Number(uid), gid: Number(gid) };
}

function folderFor(user: { readonly uid?: number; readonly gid?: number }, name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `graphweft-test-${name}-`));
  mkdirSync(join(folder, 'data'), { mode: 0o700 });
  if (user.uid !== undefined)
    for (const f of [folder, join(folder, 'data')]) chownSync(f, user.uid, user.gid!);
  return folder;
}

/** Starts a PostgreSQL in a temporary folder, on a free loopback port. */
export async function startPostgres(): Promise<SqlServer> {
  await install();
  const user = userOf('postgres');
  const folder = folderFor(user, 'postgres');
  const data = join(folder, 'data');
  const bin = postgresBin()!;
  const password = randomBytes(12).toString('hex');
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o644 });
  const quiet: SpawnOptions = { ...user, cwd: folder };
  execFileSync(
    join(bin, 'initdb'),
    [
      '-D',
      data,
      '-U',
      'graphweft',
      '--auth=scram-sha-256',
      `--pwfile=${passwordFile}`,
      '-E',
      'UTF8',
      '--no-locale',
      '-N',
    ],
    { ...quiet, stdio: 'ignore' } as never,
  );
  const port = await freePort();
  return launch(
    join(bin, 'postgres'),
    ['-D', data, '-h', '127.0.0.1', '-p', String(port), '-k', folder, '-c', 'fsync=off'],
    {
      folder,
      port,
      user,
      signal: 'SIGINT',
      url: `postgres://graphweft:${password}@127.0.0.1:${port}/postgres`,
    },
  );
}

async function startMariaDb(): Promise<SqlServer> {
  await install();
  const user = userOf('mysql');
  const folder = folderFor(user, 'mariadb');
  const data = join(folder, 'data');
  execFileSync(
    'mariadb-install-db',
    ['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db'],
    { ...user, cwd: folder, stdio: 'ignore' } as never,
  );
  const port = await freePort();
  const password = randomBytes(12).toString('hex');
  const init = join(folder, 'init.sql');
  writeFileSync(
    init,
    `CREATE DATABASE graphweft CHARACTER SET utf8mb4;\nCREATE USER graphweft@'127.0.0.1' IDENTIFIED BY '${password}';\nGRANT ALL ON *.* TO graphweft@'127.0.0.1';\n`,
    { mode: 0o644 },
  );
  return launch(
    '/usr/sbin/mariadbd',
    [
      '--no-defaults',
      `--datadir=${data}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--skip-name-resolve',
      `--socket=${join(folder, 'socket')}`,
      `--pid-file=${join(folder, 'pid')}`,
      `--init-file=${init}`,
      '--innodb-flush-log-at-trx-commit=0',
    ],
    {
      folder,
      port,
      user,
      signal: 'SIGTERM',
      url: `mariadb://graphweft:${password}@127.0.0.1:${port}/graphweft`,
    },
  );
}

interface Launch {
  readonly folder: string;
  readonly port: number;
  readonly user: { readonly uid?: number; readonly gid?: number };
  readonly signal: NodeJS.Signals;
  readonly url: string;
}

async function launch(
  command: string,
  args: readonly string[],
  { folder, port, user, signal, url }: Launch,
): Promise<SqlServer> {
  const log = join(folder, 'log');
  const child = spawn(command, args, {
    ...user,
    cwd: folder,
    stdio: ['ignore', openSync(log, 'w'), openSync(log, 'a')],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const killNow = () => child.kill('SIGKILL');
  process.once('exit', killNow); // also when the run is cut short
  const stop = async () => {
    process.off('exit', killNow);
    child.kill(signal);
    await Promise.race([ended, sleep(10_000, undefined, { ref: false })]);
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  for (const deadline = Date.now() + START_TIMEOUT_MS; !(await answers(port)); await sleep(100)) {
    if (child.exitCode === null && Date.now() < deadline) continue;
    const said = readFileSync(log, 'utf8');
    await stop();
    throw new Error(`${command} did not start: ${said}`);
  }
  return { url, stop };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
