/**
 * Which errors are worth another try, in one place. A transaction that fails with one of these codes has been rolled
 * back by the server. Delays grow by two from `minDelayMs` up to `maxDelayMs`, and each is drawn at random from zero to
 * that ("full jitter", Brooker, "Exponential Backoff And Jitter", 2015), so that writers who met once part.
 */
import { GraphweftError } from '../core/errors.ts';
import { Neo4jError } from './driver.ts';

export interface RetryRule {
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
}

const LOCK: RetryRule = { minDelayMs: 20, maxDelayMs: 2_000 };
const MEMORY: RetryRule = { minDelayMs: 500, maxDelayMs: 5_000 };
const AWAY: RetryRule = { minDelayMs: 250, maxDelayMs: 5_000 };

/** By code; those of the connection are looked up by what they mean. */
const RULES: Readonly<Record<string, RetryRule>> = {
  'Neo.TransientError.Transaction.DeadlockDetected': LOCK,
  'Neo.TransientError.Transaction.LockAcquisitionTimeout': LOCK,
  'Neo.TransientError.General.MemoryPoolOutOfMemoryError': MEMORY,
  'Neo.TransientError.General.OutOfMemoryError': MEMORY,
  'Neo.ClientError.Cluster.NotALeader': AWAY,
  'Neo.ClientError.General.ForbiddenOnReadOnlyDatabase': AWAY,
  'Neo.ClientError.Security.AuthorizationExpired': AWAY,
};

/** Transient by name, but the server ended them on purpose or for their size: a second try ends the same way. */
const NEVER: readonly string[] = [
  'Neo.TransientError.Transaction.Terminated',
  'Neo.TransientError.Transaction.LockClientStopped',
  'Neo.TransientError.Transaction.MaximumTransactionLimitReached',
];

/** Codes that come from the connection, not from the server. */
const CONNECTION_CODES: readonly string[] = ['ServiceUnavailable', 'SessionExpired'];

/** Gives the rule for an error, or undefined when it is final. */
export function retryRuleFor(error: unknown): RetryRule | undefined {
  if (error instanceof GraphweftError) return error.retriable ? LOCK : undefined; // the work itself asks for another try
  if (!(error instanceof Neo4jError) || NEVER.includes(error.code)) return undefined;
  if (isConnectionError(error)) return AWAY;
  return RULES[error.code] ?? (error.code.startsWith('Neo.TransientError.') ? AWAY : undefined);
}

/** Whether the error says that the connection broke, so that the server's answer, if there was one, is unknown. */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Neo4jError)) return false;
  // Now and then the driver has this code for a connection that was cut; why, we do not know.
  const isCut = error.code === 'ProtocolError' && error.message.includes('Connection was closed');
  return isCut || CONNECTION_CODES.includes(error.code);
}

/** What the names of deadlocks begin with. */
export const DEADLOCK = 'retries_deadlock';

/**
 * Names a retry for the statistics: `retries_deadlock_node`, `retries_deadlock_relationship`, … by the kind of lock
 * that the server names, `retries_transient` for what is not a lock, `retries_connection` for a broken connection.
 */
export function retryKind(error: unknown): string {
  if (isConnectionError(error)) return 'retries_connection';
  const { code = '', message = '' } = error as Neo4jError;
  if (!code.includes('Deadlock') && !code.includes('Lock')) return 'retries_transient';
  // Forseti, Neo4j's lock manager, names what it waits for: "… ExclusiveLock{…} on NODE(12), because …".
  const resource = /\bon ([A-Z][A-Z_]+)\(/.exec(message)?.[1];
  return `${DEADLOCK}_${resource?.toLowerCase() ?? 'unnamed'}`;
}
