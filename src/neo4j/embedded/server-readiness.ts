import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment } from '../../core/context.ts';
import { GraphweftError, throwIfAborted } from '../../core/errors.ts';
import { neo4j } from '../driver.ts';
import { isServerOf } from './process-table.ts';
import { RESTORE_PASSWORD, type ServerFolder, type ServerState } from './server-folder.ts';

/** A server boots in 5 to 8 s, and may have transactions to recover first. */
const START_TIMEOUT_MS = 180_000;
/**
 * Until the server says that it listens, another one may answer at its port. A release that says so in other words is
 * asked after this time.
 */
const SILENT_MS = 30_000;
const POLL_MS = 200;
const LISTENS = /Bolt enabled on/;
const PORT_TAKEN = /PortBindException|Address already in use/;
/** What Java says after the reason. */
const EMPTY_WORDS = /could not create the java virtual machine|a fatal exception has occurred/i;

/**
 * Waits until the server of a folder answers a query.
 * @throws {@link GraphweftError} `GW_EMBEDDED_PORT` when it found its port taken, `GW_EMBEDDED_DATA` when it refuses the
 * folder's password, `GW_EMBEDDED_START` when it ended or does not answer in time.
 */
export async function untilReady(
  folder: ServerFolder,
  state: ServerState,
  credentials: { readonly username: string; readonly password: string },
  { env, signal }: { readonly env: Environment; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const { username, password } = credentials;
  const driver = neo4j.driver(`bolt://127.0.0.1:${state.boltPort}`, neo4j.auth.basic(username, password));
  const deadline = Date.now() + START_TIMEOUT_MS;
  const mayBeSilentUntil = Date.parse(state.startedAt) + SILENT_MS;
  try {
    for (let failure: unknown; ; await sleep(POLL_MS)) {
      throwIfAborted(signal);
      if (!(await isServerOf(folder.path, state.pid, env)))
        throw startFailed(folder, state, 'it ended', failure);
      if (Date.now() > deadline) throw startFailed(folder, state, 'it does not answer', failure);
      if (Date.now() < mayBeSilentUntil && !LISTENS.test(logOf(folder))) continue;
      try {
        await driver.executeQuery('RETURN 1');
        return;
      } catch (error) {
        if ((error as { readonly code?: unknown }).code === 'Neo.ClientError.Security.Unauthorized') {
          throw folder.unusable(
            `its data have another password than its password file; ${RESTORE_PASSWORD}`,
            error,
          );
        }
        failure = error; // not ready yet, as long as its process is there
      }
    }
  } finally {
    await driver.close();
  }
}

function startFailed(folder: ServerFolder, state: ServerState, how: string, cause: unknown): GraphweftError {
  const { pid, boltPort, version } = state;
  const log = logOf(folder);
  const code = PORT_TAKEN.test(log) ? 'GW_EMBEDDED_PORT' : 'GW_EMBEDDED_START';
  const message = `Neo4j ${version} did not start: ${how}. ${lastWords(log)} (log: ${folder.logFile})`;
  return new GraphweftError(code, message, { cause, details: { pid, boltPort, version } });
}

/** The line of the log that most likely says why: the innermost cause, or else the last complaint. */
export function lastWords(log: string): string {
  const lines = log.split('\n').filter((line) => line.trim() !== '' && !/^\s+(at |\.\.\. )/.test(line));
  const telling = lines.filter((line) => !EMPTY_WORDS.test(line));
  const words =
    telling.findLast((line) => line.startsWith('Caused by:')) ??
    telling.findLast((line) => /ERROR|Exception|Error/.test(line)) ??
    telling.at(-1);
  return words?.trim() ?? 'Its log is empty.';
}

function logOf({ logFile }: ServerFolder): string {
  return existsSync(logFile) ? readFileSync(logFile, 'utf8') : '';
}
