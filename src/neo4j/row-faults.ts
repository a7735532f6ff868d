/** Which errors of the server are for a row's sake, in one place; the rest concerns the statement or the server itself. */
import { GraphweftError, ValidationError } from '../core/errors.ts';
import { Neo4jError } from './driver.ts';

/**
 * `row`: what a row holds; `duplicate`: a key that exists already; `perhaps`: the server has one code for texts that are
 * no date and for statements that are no Cypher.
 */
export type RowFault = 'row' | 'duplicate' | 'perhaps';

const FAULTS: Readonly<Record<string, RowFault>> = {
  'Neo.ClientError.Schema.ConstraintValidationFailed': 'row',
  'Neo.ClientError.Schema.TokenNameError': 'row',
  'Neo.ClientError.Statement.ArithmeticError': 'row',
  'Neo.ClientError.Statement.TypeError': 'perhaps',
  'Neo.ClientError.Statement.ArgumentError': 'perhaps',
  'Neo.ClientError.Statement.SemanticError': 'perhaps',
  'Neo.ClientError.Statement.SyntaxError': 'perhaps',
  'Neo.ClientError.Statement.PropertyNotFound': 'row',
  'Neo.ClientError.Statement.EntityNotFound': 'row',
  'Neo.ClientError.Procedure.ProcedureCallFailed': 'row',
};

/** Of the server's own table (Status.General, 5.26): the pool of all transactions, the heap, and one transaction's limits. */
const MEMORY_CODES: readonly string[] = [
  'Neo.TransientError.General.MemoryPoolOutOfMemoryError',
  'Neo.TransientError.General.OutOfMemoryError',
  'Neo.TransientError.General.TransactionMemoryLimit',
  'Neo.ClientError.General.TransactionOutOfMemoryError',
];

/** Says whether an error is for a row's sake; undefined when it is not. */
export function faultOf(error: unknown): RowFault | undefined {
  // Values that cannot be sent are found before anything is.
  if (error instanceof ValidationError) return 'row';
  const cause = serverError(error);
  if (!cause) return undefined;
  if (/ already exists with label /.test(cause.message)) return 'duplicate';
  // A key longer than an index takes has no code of its own.
  if (/Property value is too large to index/.test(cause.message)) return 'row';
  return FAULTS[cause.code];
}

/** Whether the transaction was too large for the server's memory. */
export function isMemoryError(error: unknown): boolean {
  const code = serverError(error)?.code;
  return code !== undefined && MEMORY_CODES.includes(code);
}

/** Gives what tells the value that an error names, as the server writes it: `… property `id` = 'x'`. */
export function mentionsValue(error: unknown): ((value: unknown) => boolean) | undefined {
  const [, text] = / (?:property|properties) .+? = (.+)$/.exec(serverError(error)?.message ?? '') ?? [];
  if (text === undefined) return undefined;
  return (value) => (typeof value === 'string' ? text === `'${value}'` : text === String(value));
}

/** Finds what the server said among the causes of an error. */
function serverError(error: unknown): Neo4jError | undefined {
  for (let e = error; e instanceof Error; e = e.cause) {
    if (e instanceof Neo4jError) return e;
    if (!(e instanceof GraphweftError)) return undefined;
  }
  return undefined;
}
