/**
 * The folder of one embedded server, for its user alone: `password`, `server.json` (the process, once there is one),
 * `version` (the release that wrote the data), `conf/`, `data/`, `logs/`.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import type { Environment } from '../../core/context.ts';
import { GraphweftError } from '../../core/errors.ts';
import { compareVersions, parseServerVersion, type ServerVersion } from './server-version.ts';

export const DEFAULT_DATA_DIR = '.graphweft/neo4j';

/** The server's process, as far as it was known when it was started. */
export interface ServerState {
  readonly pid: number;
  readonly boltPort: number;
  readonly version: string;
  readonly startedAt: string;
}

const MB = 1024 * 1024;
/** The server shares the machine with the load: a quarter of the memory for its heap, an eighth for its pages. */
const HEAP_SHARE = 4;
const MAX_HEAP_MB = 4_096;
const PAGES_SHARE = 8;
const MAX_PAGES_MB = 2_048;

export class ServerFolder {
  readonly path: string;

  constructor({ dataDir, env }: { readonly dataDir?: string | undefined; readonly env: Environment }) {
    this.path = resolve(dataDir ?? (env.GRAPHWEFT_NEO4J_DATA || DEFAULT_DATA_DIR));
  }

  get passwordFile(): string {
    return join(this.path, 'password');
  }
  get logFile(): string {
    return join(this.path, 'logs', 'console.log');
  }
  get lockFile(): string {
    return join(this.path, 'start.lock');
  }
  get #stateFile(): string {
    return join(this.path, 'server.json');
  }

  /** Whether a password still has to be set: it can be until the system database exists. */
  get isNew(): boolean {
    return (
      !existsSync(join(this.path, 'data', 'dbms', 'auth.ini')) &&
      !existsSync(join(this.path, 'data', 'databases', 'system'))
    );
  }

  get password(): string | undefined {
    return existsSync(this.passwordFile) ? readFileSync(this.passwordFile, 'utf8').trim() : undefined;
  }

  get state(): ServerState | undefined {
    if (!existsSync(this.#stateFile)) return undefined;
    return JSON.parse(readFileSync(this.#stateFile, 'utf8')) as ServerState;
  }

  writeState(state: ServerState): void {
    // Renamed into place, so that another process never reads half of it.
    writeFileSync(`${this.#stateFile}.new`, `${JSON.stringify(state, null, 2)}\n`);
    renameSync(`${this.#stateFile}.new`, this.#stateFile);
  }

  /** Makes the folder and a password. @throws {@link GraphweftError} `GW_EMBEDDED_DATA` */
  prepare(version: ServerVersion): string {
    try {
      for (const name of ['', 'conf', 'data', 'logs'])
        mkdirSync(join(this.path, name), { recursive: true, mode: 0o700 });
      chmodSync(this.path, 0o700);
      if (!this.password) {
        writeFileSync(this.passwordFile, `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600 });
      }
      chmodSync(this.passwordFile, 0o600);
    } catch (cause) {
      const message = `The server's data folder ${this.path} cannot be used: ${(cause as Error).message}`;
      throw new GraphweftError('GW_EMBEDDED_DATA', message, { cause, details: { dataDir: this.path } });
    }
    this.#checkVersion(version);
    return this.password!;
  }

  /** Newer servers take the data of older ones along, never the other way round. */
  #checkVersion(version: ServerVersion): void {
    const file = join(this.path, 'version');
    const before = existsSync(file) ? parseServerVersion(readFileSync(file, 'utf8').trim()) : undefined;
    if (before && compareVersions(version, before) < 0) {
      throw new GraphweftError(
        'GW_EMBEDDED_DATA',
        `${this.path} holds the data of Neo4j ${before.text}, which the older ${version.text} cannot open; ` +
          `start ${before.text} or newer, or choose another folder with --data.`,
        { details: { dataDir: this.path, has: before.text, asked: version.text } },
      );
    }
    writeFileSync(file, `${version.text}\n`);
  }

  writeConfig(boltPort: number, memory: { readonly pageCacheMb?: number | undefined }): void {
    const pages = memory.pageCacheMb ?? share(PAGES_SHARE, MAX_PAGES_MB);
    const settings = {
      'server.default_listen_address': '127.0.0.1',
      'server.bolt.listen_address': `127.0.0.1:${boltPort}`,
      'server.bolt.advertised_address': `127.0.0.1:${boltPort}`,
      'server.http.enabled': 'false',
      'server.https.enabled': 'false',
      'server.memory.pagecache.size': `${pages}m`,
      // The logs of transactions are for backups and replicas, and an embedded server has neither.
      'db.tx_log.rotation.retention_policy': '1 files',
      'dbms.usage_report.enabled': 'false',
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(join(this.path, 'conf', 'neo4j.conf'), lines.join(''), { mode: 0o600 });
  }

  /** Gives the heap for the server in MB. */
  static defaultHeapMb(): number {
    return share(HEAP_SHARE, MAX_HEAP_MB);
  }
}

function share(parts: number, maxMb: number): number {
  return Math.max(256, Math.min(maxMb, Math.floor(totalmem() / MB / parts)));
}
