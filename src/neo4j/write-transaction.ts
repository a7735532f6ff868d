/**
 * One batch, one transaction.
 *
 * | what fails | what is known | what is done |
 * |---|---|---|
 * | the statement, with a code of the retry rules | the server rolled back | again, after a random delay |
 * | the connection before the commit was sent | nothing was committed | again |
 * | the connection after the commit was sent, with a mark | the ledger knows | again: the mark tells which it was |
 * | the connection after the commit was sent, without | nothing | an error that says so |
 * | no answer, longer than the server's own limit | the server or the way to it hangs | as a broken connection |
 * | the driver was closed meanwhile | of a commit under way nothing, of others that they are rolled back | an error that says so |
 * | anything else | rolled back | thrown |
 *
 * A mark is the first statement of its transaction: it locks the cell's node of the ledger, so it waits for a commit that
 * is still under way, and says how many rows the cell had before.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Record as Neo4jRecord, Session } from 'neo4j-driver';
import { throwIfAborted, WriteError } from '../core/errors.ts';
import { mergeStatistics, type Statistics } from '../core/statistics.ts';
import type { CommitGate } from './commit-gate.ts';
import { countersOf } from './counters.ts';
import { Deadline } from './deadline.ts';
import { DEADLOCK, isConnectionError, type RetryRule, retryKind, retryRuleFor } from './retry-rules.ts';

export interface RetryOptions {
  /** Tries of one transaction, at most; from 1. */
  readonly maxAttempts: number;
  /** No new try begins later than this after the first. */
  readonly maxRetryTimeMs: number;
}

/** Enough to sit out a restart of the server; a deadlock takes one or two tries. */
export const DEFAULT_RETRY: RetryOptions = Object.freeze({ maxAttempts: 30, maxRetryTimeMs: 120_000 });

export interface WriteTransactionOptions extends RetryOptions {
  readonly timeoutMs: number;
  /** Passed by transactions that create or delete relationships. */
  readonly gate: CommitGate;
  /** Whether it is passed at all. Default: true. */
  readonly isGated?: boolean | undefined;
  /** Ends the waiting between tries; a transaction that runs is awaited. */
  readonly signal?: AbortSignal | undefined;
  /** Aborted when the driver is closed: nothing is answered then. */
  readonly closing?: AbortSignal | undefined;
  /** What the ledger is to remember of this transaction. */
  readonly mark?: LedgerMark | undefined;
  /** Whether doing it twice is the same as once: a commit that got no answer is then simply tried again. */
  readonly isRepeatable?: boolean | undefined;
  /** Whether an error is not tried again though it is transient, because the caller has a better answer. */
  readonly isFinal?: ((error: unknown) => boolean) | undefined;
  /** Hears of each retry, also of those of a transaction that fails in the end, which gives no statistics. */
  readonly onRetry?: ((counted: Statistics) => void) | undefined;
}

/**
 * Moves the count of a cell's rows, and gives what it was `before` and whether the run `isOwned` still; in the same
 * transaction as the rows.
 */
export interface LedgerMark {
  readonly statement: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** What the count is before, if nobody else writes this cell. */
  readonly from: number;
  readonly to: number;
}

export interface WriteResult<R = undefined> {
  /** The server's counters, and `retries` with its kinds where there were any. */
  readonly statistics: Statistics;
  /** What the work gave in the try that was committed. */
  readonly value: R;
}

/** Runs a statement of the transaction and gives its records. */
export type RunStatement = (
  cypher: string,
  parameters: Readonly<Record<string, unknown>>,
) => Promise<readonly Neo4jRecord[]>;

/** What is done in one transaction; it is done again from the start when the transaction has to be. */
export type TransactionWork<R> = (run: RunStatement) => Promise<R>;

/** A try whose commit was sent: what it gave, if it was committed. */
interface SentCommit<R> {
  readonly statistics: Statistics;
  readonly value: R;
}

/** @internal */
export async function runWriteTransaction<R>(
  openSession: () => Session,
  work: TransactionWork<R>,
  options: WriteTransactionOptions,
): Promise<WriteResult<R>> {
  const startedAt = Date.now();
  let retries: Statistics = {};
  let unanswered: SentCommit<R> | undefined;
  for (let attempt = 1; ; attempt++) {
    throwIfAborted(options.signal);
    throwIfAborted(options.closing);
    let sent: SentCommit<R> | undefined;
    try {
      const done = await tryOnce(openSession(), work, options, (commit) => {
        sent = commit;
      });
      if (done) return { statistics: mergeStatistics(retries, done.statistics), value: done.value };
      // The mark found its own rows there already: a commit that got no answer had happened.
      if (!unanswered) throw writtenByAnother(options.mark!);
      return {
        statistics: mergeStatistics(retries, unanswered.statistics, { commits_recovered: 1 }),
        value: unanswered.value,
      };
    } catch (error) {
      if (sent && (isConnectionError(error) || options.closing?.aborted)) {
        if (!options.mark && !options.isRepeatable) throw unknownOutcome(error);
        unanswered = sent;
      }
      const rule = retryRuleFor(error);
      if (!rule || options.isFinal?.(error)) throw error;
      const isSpent = attempt >= options.maxAttempts || Date.now() - startedAt >= options.maxRetryTimeMs;
      if (isSpent) throw isConnectionError(error) ? error : outlasted(error, attempt);
      const kind = retryKind(error);
      if (kind.startsWith(DEADLOCK)) options.gate.noteDeadlock();
      const counted = { retries: 1, [kind]: 1 };
      retries = mergeStatistics(retries, counted);
      options.onRetry?.(counted);
      // An abort ends the waiting; the check at the head of the loop then says so.
      await sleep(delayMs(rule, attempt), undefined, { signal: options.signal }).catch(() => undefined);
    }
  }
}

/** Runs the work once; gives nothing when the mark says that its rows are committed already. */
async function tryOnce<R>(
  session: Session,
  work: TransactionWork<R>,
  { timeoutMs, gate, isGated = true, mark, closing }: WriteTransactionOptions,
  onCommit: (sent: SentCommit<R>) => void,
): Promise<SentCommit<R> | undefined> {
  using deadline = new Deadline(timeoutMs, closing);
  // Statements are sent without waiting for the answer to BEGIN: one round trip less for each batch.
  const transaction = session.beginTransaction({ timeout: timeoutMs });
  let isCommitSent = false;
  try {
    const marked = mark && transaction.run(mark.statement, mark.parameters);
    // What the mark says counts more than what comes after it: rows that are there already may well be refused.
    const isNew = mark ? marked!.then(({ records }) => checkMark(mark, records)) : Promise.resolve();
    isNew.catch(() => undefined); // thrown where it is waited for
    let statistics: Statistics = {};
    let relationships = 0;
    const value = await work(async (cypher, parameters) => {
      const sent = transaction.run(cypher, parameters);
      sent.catch(() => undefined); // likewise
      await deadline.race(isNew);
      const { records, summary } = await deadline.race(sent);
      const { relationshipsCreated, relationshipsDeleted } = summary.counters.updates();
      relationships += relationshipsCreated + relationshipsDeleted;
      statistics = mergeStatistics(statistics, countersOf(summary.counters));
      return records;
    });
    await deadline.race(isNew);
    const commit = () => {
      isCommitSent = true;
      onCommit({ statistics, value });
      return deadline.race(transaction.commit());
    };
    await (isGated && relationships > 0 ? gate.pass(relationships, commit) : commit());
    return { statistics, value };
  } catch (error) {
    if (error === COMMITTED) return undefined;
    throw error;
  } finally {
    // What cannot be rolled back over a broken connection, the server rolls back by itself.
    if (!isCommitSent) await deadline.race(transaction.close()).catch(() => undefined);
    await deadline.race(session.close()).catch(() => undefined);
  }
}

/** Thrown through the work where its rows are committed already. */
const COMMITTED = new Error('committed already');

function checkMark(mark: LedgerMark, records: readonly Neo4jRecord[]): void {
  const before = Number(records[0]?.get('before'));
  if (records[0]?.get('isOwned') === true && before === mark.from) return;
  throw before >= mark.to ? COMMITTED : writtenByAnother(mark);
}

function delayMs({ minDelayMs, maxDelayMs }: RetryRule, attempt: number): number {
  return Math.random() * Math.min(maxDelayMs, minDelayMs * 2 ** attempt);
}

function outlasted(cause: unknown, attempts: number): WriteError {
  const message = `A transient error outlasted ${attempts} tries: ${(cause as Error).message}`;
  return new WriteError('GW_NEO4J_RETRIES', message, { cause, retriable: true });
}

function writtenByAnother({ from, to }: LedgerMark): WriteError {
  return new WriteError(
    'GW_RUN_TAKEN',
    `Another process took the run up, so this one stops before rows ${from} to ${to - 1} of a cell; the load goes on there.`,
  );
}

function unknownOutcome(cause: unknown): WriteError {
  return new WriteError(
    'GW_NEO4J_UNAVAILABLE',
    'The connection broke while a commit was under way, so its batch may or may not be in the database; ' +
      'count before you load it again.',
    { cause },
  );
}
