import { Neo4jError } from 'neo4j-driver';
import { describe, expect, it } from 'vitest';
import { retryKind, retryRuleFor } from '../../../src/neo4j/retry-rules.ts';

function neo4jError(code: string, message = ''): Neo4jError {
  return new Neo4jError(message, code, '', '');
}

describe('retry rules', () => {
  it.each([
    'Neo.TransientError.Transaction.DeadlockDetected',
    'Neo.TransientError.Transaction.LockAcquisitionTimeout',
    'Neo.TransientError.General.MemoryPoolOutOfMemoryError',
    'Neo.TransientError.Something.New',
    'Neo.ClientError.Cluster.NotALeader',
    'ServiceUnavailable',
    'SessionExpired',
  ])('tries again after %s', (code) => {
    const rule = retryRuleFor(neo4jError(code));
    expect(rule!.minDelayMs).toBeGreaterThan(0);
    expect(rule!.maxDelayMs).toBeGreaterThan(rule!.minDelayMs);
  });

  it.each([
    'Neo.TransientError.Transaction.Terminated',
    'Neo.TransientError.Transaction.LockClientStopped',
    'Neo.ClientError.Statement.SyntaxError',
    'Neo.ClientError.Schema.ConstraintValidationFailed',
    'Neo.ClientError.Security.Unauthorized',
  ])('is done after %s', (code) => {
    expect(retryRuleFor(neo4jError(code))).toBeUndefined();
    expect(retryRuleFor(new Error(code))).toBeUndefined();
  });

  it('takes a connection that was closed for a broken one, and no other breach of the protocol', () => {
    const cut = neo4jError('ProtocolError', 'Connection was closed by server');
    expect(retryRuleFor(cut)).toEqual(retryRuleFor(neo4jError('ServiceUnavailable')));
    expect(retryKind(cut)).toBe('retries_connection');
    expect(retryRuleFor(neo4jError('ProtocolError', 'Received RECORD when resetting'))).toBeUndefined();
  });

  it('counts deadlocks by the kind of lock that the server names', () => {
    const deadlock = (message: string) =>
      retryKind(neo4jError('Neo.TransientError.Transaction.DeadlockDetected', message));
    const forseti = "ForsetiClient[transactionId=1, clientId=2] can't acquire ExclusiveLock{owner=3} on";
    expect(deadlock(`${forseti} NODE(5), because holders of that lock are waiting`)).toBe(
      'retries_deadlock_node',
    );
    expect(deadlock(`${forseti} NODE_RELATIONSHIP_GROUP_DELETE(5), because`)).toBe(
      'retries_deadlock_node_relationship_group_delete',
    );
    expect(deadlock('something else')).toBe('retries_deadlock_unnamed');
    expect(retryKind(neo4jError('ServiceUnavailable'))).toBe('retries_connection');
    expect(retryKind(neo4jError('Neo.TransientError.General.OutOfMemoryError'))).toBe('retries_transient');
  });
});
