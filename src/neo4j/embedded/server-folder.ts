/**
 * The folder of one embedded server, for its user alone: `password`, `server.json` (the process, from its start to its
 * stop in order), `version` (the newest release that had the data), `start.lock.<n>`, `conf/`, `data/`, `logs/`.
 */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import type { Environment } from '../../core/context.ts';
import { GraphweftError } from '../../core/errors.ts';
import { serverConfig } from './server-config.ts';
import { compareVersions, parseServerVersion, type ServerVersion } from './server-version.ts';
import { LOCK_NAME } from './start-lock.ts';

export const DEFAULT_DATA_DIR = '.graphweft/neo4j';
/** 192 bits; as hexadecimal digits, since the administration tool takes a leading "-" for an option. */
const PASSWORD_BYTES = 24;
/** By these a folder is known as a server's: one of them is in it before anything else. */
const OWN_NAMES = ['password', 'server.json'];

/** The server's process, as far as it was known when it was started. */
export interface ServerState {
  /** 0 while the process is being started and its number is not known yet. */
  readonly pid: number;
  readonly boltPort: number;
  readonly version: string;
  readonly startedAt: string;
}

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

  /** Whether a password still has to be set: it can be until the system database exists. */
  get isNew(): boolean {
    return (
      !existsSync(join(this.path, 'data', 'dbms', 'auth.ini')) &&
      !existsSync(join(this.path, 'data', 'databases', 'system'))
    );
  }

  get password(): string | undefined {
    return this.#read('password')?.trim() || undefined;
  }

  get state(): ServerState | undefined {
    const text = this.#read('server.json');
    try {
      return text === undefined ? undefined : (JSON.parse(text) as ServerState);
    } catch {
      return undefined; // half on the disk after a power cut, which no server has survived
    }
  }

  /** @throws {@link GraphweftError} `GW_EMBEDDED_DATA` */
  writeState(state: ServerState): void {
    this.#change(() => this.#write('server.json', `${JSON.stringify(state, null, 2)}\n`));
  }

  /** Forgets the server's process. @throws {@link GraphweftError} `GW_EMBEDDED_DATA` */
  clearState(): void {
    this.#change(() => rmSync(join(this.path, 'server.json'), { force: true }));
  }

  /** Makes the folder, for its user alone. @throws {@link GraphweftError} `GW_EMBEDDED_DATA` */
  claim(): void {
    this.#change(() => {
      mkdirSync(this.path, { recursive: true, mode: 0o700 });
      const names = readdirSync(this.path);
      const isOwn = names.some((name) => OWN_NAMES.includes(name) || name.startsWith(LOCK_NAME));
      if (names.length > 0 && !isOwn)
        throw new Error('it holds other files; choose an empty or a new folder');
      chmodSync(this.path, 0o700);
      for (const name of ['conf', 'data', 'logs']) {
        mkdirSync(join(this.path, name), { recursive: true, mode: 0o700 });
      }
    });
  }

  /** Gives the password, a new one for new data. @throws {@link GraphweftError} `GW_EMBEDDED_DATA` */
  ensurePassword(): string {
    const known = this.password;
    if (known) {
      this.#change(() => chmodSync(this.passwordFile, 0o600));
      return known;
    }
    if (!this.isNew) throw this.unusable(`its password file is missing; ${RESTORE_PASSWORD}`);
    const password = randomBytes(PASSWORD_BYTES).toString('hex');
    this.#change(() => this.#write('password', `${password}\n`));
    return password;
  }

  /**
   * Refuses data of a newer release: newer servers take the data of older ones along, never the other way round.
   * @throws {@link GraphweftError} `GW_EMBEDDED_DATA`
   */
  checkVersion(version: ServerVersion): void {
    const text = this.#read('version')?.trim();
    if (!text) return;
    const before = parseServerVersion(text);
    if (compareVersions(version, before) >= 0) return;
    throw new GraphweftError(
      'GW_EMBEDDED_DATA',
      `${this.path} holds the data of Neo4j ${before.text}, which the older ${version.text} cannot open; ` +
        `start ${before.text} or newer, or choose another folder with --data.`,
      { details: { dataDir: this.path, has: before.text, asked: version.text } },
    );
  }

  /** Writes the server's settings. @throws {@link GraphweftError} `GW_EMBEDDED_DATA` */
  writeConfig(settings: { readonly boltPort: number; readonly pageCacheMb: number }): void {
    this.#change(() => this.#write(join('conf', 'neo4j.conf'), serverConfig(settings)));
  }

  /**
   * Makes ready for a server of this release to open the data, which may upgrade them at once: notes the release, and
   * begins a new log (the one before is kept as `console.previous.log`).
   * @throws {@link GraphweftError} `GW_EMBEDDED_DATA`
   */
  beginStart(version: ServerVersion): void {
    this.#change(() => {
      this.#write('version', `${version.text}\n`);
      if (existsSync(this.logFile)) renameSync(this.logFile, join(this.path, 'logs', 'console.previous.log'));
    });
  }

  /** Builds the error for a folder that cannot serve. */
  unusable(reason: string, cause?: unknown): GraphweftError {
    return new GraphweftError(
      'GW_EMBEDDED_DATA',
      `The server's data folder ${this.path} cannot be used: ${reason}`,
      { cause, details: { dataDir: this.path } },
    );
  }

  #read(name: string): string | undefined {
    try {
      return readFileSync(join(this.path, name), 'utf8');
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw this.unusable(message, cause);
    }
  }

  /** Renamed into place, so that nobody reads half of it and a kill leaves the one before. */
  #write(name: string, text: string): void {
    const file = join(this.path, name);
    writeFileSync(`${file}.new`, text, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }

  #change(action: () => void): void {
    try {
      action();
    } catch (cause) {
      throw this.unusable((cause as Error).message, cause);
    }
  }
}

/** What to do when the data have another password than the file. */
export const RESTORE_PASSWORD = 'restore it, or choose another folder with --data';
