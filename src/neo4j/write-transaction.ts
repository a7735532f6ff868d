/**
 * One batch, one transaction.
 *
 * | what fails | what is known | what is done |
 * |---|---|---|
 * | the statement, with a code of the retry rules | the server rolled back | again, after a random delay |
 * | the connection before the commit was sent | nothing was committed | again |
 * | the connection after the commit was sent | nothing | an error that says so |
 * | anything else | rolled back | thrown |
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Record as Neo4jRecord, Session } from 'neo4j-driver';
import { throwIfAborted, WriteError } from '../core/errors.ts';
import { mergeStatistics, type Statistics } from '../core/statistics.ts';
import type { CommitGate } from './commit-gate.ts';
import { countersOf } from './counters.ts';
import { isConnectionError, type RetryRule, retryKind, retryRuleFor } from './retry-rules.ts';

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
  /** Ends the waiting between tries; a transaction that runs is awaited. */
  readonly signal?: AbortSignal | undefined;
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

/** @internal */
export async function runWriteTransaction<R>(
  session: Session,
  work: TransactionWork<R>,
  options: WriteTransactionOptions,
): Promise<WriteResult<R>> {
  const startedAt = Date.now();
  let retries: Statistics = {};
  for (let attempt = 1; ; attempt++) {
    throwIfAborted(options.signal);
    let isCommitSent = false;
    try {
      // The statement is sent without waiting for the answer to BEGIN: one round trip less for each batch.
      const transaction = session.beginTransaction({ timeout: options.timeoutMs });
      try {
        let statistics = retries;
        let changesRelationships = false;
        const value = await work(async (cypher, parameters) => {
          const { records, summary } = await transaction.run(cypher, parameters);
          const { relationshipsCreated, relationshipsDeleted } = summary.counters.updates();
          changesRelationships ||= relationshipsCreated > 0 || relationshipsDeleted > 0;
          statistics = mergeStatistics(statistics, countersOf(summary.counters));
          return records;
        });
        const commit = () => {
          isCommitSent = true;
          return transaction.commit();
        };
        await (changesRelationships ? options.gate.pass(commit) : commit());
        return { statistics, value };
      } catch (error) {
        // What cannot be rolled back over a broken connection, the server rolls back by itself.
        if (!isCommitSent) await transaction.close().catch(() => undefined);
        throw error;
      }
    } catch (error) {
      if (isCommitSent && isConnectionError(error)) throw unknownOutcome(error);
      const rule = retryRuleFor(error);
      if (!rule) throw error;
      const isSpent = attempt >= options.maxAttempts || Date.now() - startedAt >= options.maxRetryTimeMs;
      if (isSpent) throw isConnectionError(error) ? error : outlasted(error, attempt);
      retries = mergeStatistics(retries, { retries: 1, [retryKind(error)]: 1 });
      // An abort ends the waiting; the check at the head of the loop then says so.
      await sleep(delayMs(rule, attempt), undefined, { signal: options.signal }).catch(() => undefined);
    }
  }
}

function delayMs({ minDelayMs, maxDelayMs }: RetryRule, attempt: number): number {
  return Math.random() * Math.min(maxDelayMs, minDelayMs * 2 ** attempt);
}

function outlasted(cause: unknown, attempts: number): WriteError {
  const message = `A transient error outlasted ${attempts} tries: ${(cause as Error).message}`;
  return new WriteError('GW_NEO4J_RETRIES', message, { cause, retriable: true });
}

function unknownOutcome(cause: unknown): WriteError {
  return new WriteError(
    'GW_NEO4J_UNAVAILABLE',
    'The connection broke while a commit was under way, so its batch may or may not be in the database; ' +
      'count before you load it again.',
    { cause },
  );
}
