/**
 * A lock between processes that start the same server. It survives nobody: the turn of a dead process is over, also
 * when another process has got its number since.
 *
 * Turns are files `start.lock.<n>`. Invariant: turn n + 1 begins only after turn n was seen to be over, and the file of
 * the latest turn is never removed. So whoever creates n + 1 and sees no later turn holds the lock alone.
 *
 * | content of the latest file | the lock is |
 * |---|---|
 * | a process that lives | held |
 * | a process that is gone | free |
 * | nothing | free: the turn ended in order |
 */
import { linkSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment } from '../../core/context.ts';
import { throwIfAborted } from '../../core/errors.ts';
import { processStart } from './process-table.ts';

export const LOCK_NAME = 'start.lock';
const POLL_MS = 200;

export interface StartLockOptions {
  readonly env: Environment;
  readonly signal?: AbortSignal | undefined;
  /** Is called once when the lock is held by another. */
  readonly onWait: () => void;
}

/** Runs `action` while no other process that starts the server of this folder does. */
export async function withStartLock<T>(
  folder: string,
  { env, signal, onWait }: StartLockOptions,
  action: () => Promise<T>,
): Promise<T> {
  const holder = JSON.stringify({ pid: process.pid, start: await processStart(process.pid, env) });
  let turn: number | undefined;
  for (let isFirst = true; ; isFirst = false) {
    throwIfAborted(signal);
    const latest = latestTurn(folder);
    if (!(await isHeld(fileOf(folder, latest), env))) turn = takeTurn(folder, latest + 1, holder);
    if (turn !== undefined) break;
    if (isFirst) onWait();
    await sleep(POLL_MS);
  }
  try {
    return await action();
  } finally {
    endTurn(fileOf(folder, turn));
  }
}

function takeTurn(folder: string, turn: number, holder: string): number | undefined {
  const draft = join(folder, `${LOCK_NAME}-${process.pid}-${turn}`);
  const file = fileOf(folder, turn);
  writeFileSync(draft, holder, { mode: 0o600 });
  try {
    linkSync(draft, file); // all or nothing: nobody ever reads half a holder
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return undefined;
  } finally {
    rmSync(draft, { force: true });
  }
  if (latestTurn(folder) > turn) {
    rmSync(file, { force: true }); // an old turn whose file had been cleared away
    return undefined;
  }
  for (const earlier of turnsOf(folder)) if (earlier < turn) rmSync(fileOf(folder, earlier), { force: true });
  return turn;
}

function endTurn(file: string): void {
  try {
    truncateSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error; // the whole folder may have been removed
  }
}

async function isHeld(file: string, env: Environment): Promise<boolean> {
  const holder = contentOf(file);
  if (holder === '') return false;
  const { pid, start } = JSON.parse(holder) as { readonly pid: number; readonly start?: string };
  return start !== undefined && (await processStart(pid, env)) === start;
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return ''; // nobody has had a turn yet, or a later one has begun
  }
}

function latestTurn(folder: string): number {
  return Math.max(0, ...turnsOf(folder));
}

function turnsOf(folder: string): readonly number[] {
  const prefix = `${LOCK_NAME}.`;
  const names = readdirSync(folder).filter((name) => name.startsWith(prefix));
  return names.map((name) => Number(name.slice(prefix.length))).filter(Number.isSafeInteger);
}

function fileOf(folder: string, turn: number): string {
  return join(folder, `${LOCK_NAME}.${turn}`);
}
