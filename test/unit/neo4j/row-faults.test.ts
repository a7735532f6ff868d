import { Neo4jError } from 'neo4j-driver';
import { describe, expect, it } from 'vitest';
import { ValidationError, WriteError } from '../../../src/core/errors.ts';
import { faultOf, isMemoryError, mentionsValue } from '../../../src/neo4j/row-faults.ts';

function said(code: string, message = 'no'): WriteError {
  return new WriteError('GW_NEO4J_WRITE', 'refused', {
    cause: new Neo4jError(message, code, '50N42', message),
  });
}

describe('what an error of the server is about', () => {
  it.each([
    'Neo.TransientError.General.MemoryPoolOutOfMemoryError',
    'Neo.TransientError.General.OutOfMemoryError',
    'Neo.TransientError.General.TransactionMemoryLimit',
    'Neo.ClientError.General.TransactionOutOfMemoryError',
  ])('is memory for %s, and no row\u2019s fault', (code) => {
    expect(isMemoryError(said(code))).toBe(true);
    expect(faultOf(said(code))).toBeUndefined();
  });

  it('is a row, a key that is there, perhaps a row, or none of it', () => {
    const constraint = 'Neo.ClientError.Schema.ConstraintValidationFailed';
    expect(faultOf(said(constraint, 'Node(1) already exists with label `A` and property `id` = 5'))).toBe(
      'duplicate',
    );
    expect(faultOf(said(constraint, 'must have the property `id`'))).toBe('row');
    expect(faultOf(said('Neo.ClientError.Statement.SyntaxError'))).toBe('perhaps');
    expect(
      faultOf(said('Neo.DatabaseError.Statement.ExecutionFailed', 'Property value is too large to index')),
    ).toBe('row');
    expect(faultOf(said('Neo.DatabaseError.Statement.ExecutionFailed'))).toBeUndefined();
    expect(faultOf(said('ServiceUnavailable'))).toBeUndefined();
    expect(faultOf(new ValidationError('GW_VALUE_TYPE', 'no'))).toBe('row');
    expect(isMemoryError(said('ServiceUnavailable'))).toBe(false);
  });

  it('names the value that it is about, as the server writes it', () => {
    const message = "Node(1) already exists with label `A` and property `id` = 'a'b'";
    const isNamed = mentionsValue(said('Neo.ClientError.Schema.ConstraintValidationFailed', message))!;
    expect(["a'b", 'a', 5].map(isNamed)).toEqual([true, false, false]);
    expect(mentionsValue(said('x', 'something else'))).toBeUndefined();
  });
});
