import { describe, expect, it } from 'vitest';
import {
  AbortedError,
  ConfigError,
  ERROR_CODES,
  GraphweftError,
  isAbort,
  SourceError,
  throwIfAborted,
  ValidationError,
  WriteError,
} from '../../../src/core/errors.ts';

const CLASSES = [
  GraphweftError,
  ConfigError,
  SourceError,
  ValidationError,
  WriteError,
  AbortedError,
] as const;

/** Sends an error through text, as a log or another process would. */
function sent(error: GraphweftError): GraphweftError {
  return GraphweftError.fromJSON(JSON.parse(JSON.stringify(error)));
}

describe('GraphweftError', () => {
  it('has codes of one form', () => {
    for (const code of Object.keys(ERROR_CODES)) expect(code).toMatch(/^GW(_[A-Z0-9]+)+$/);
  });

  it('keeps the cause as it is', () => {
    const cause = { odd: 'thing' };
    expect(new WriteError('GW_NEO4J_WRITE', 'no', { cause }).cause).toBe(cause);
    expect('cause' in new WriteError('GW_NEO4J_WRITE', 'no')).toBe(false);
  });

  it('is not retriable and has no details unless told otherwise', () => {
    expect(new GraphweftError('GW_INTERNAL', 'x')).toMatchObject({ retriable: false, details: {} });
  });

  it.each(CLASSES)('comes back from JSON as the class that was sent: %o', (Class) => {
    const error = new Class('GW_SOURCE_ROW', 'Row 7 of flights.csv is malformed.', {
      retriable: true,
      details: { file: 'flights.csv', row: 7, cell: [1, 2] },
    });
    const copy = sent(error);
    expect(copy).toBeInstanceOf(Class);
    expect(copy.constructor).toBe(Class);
    expect(copy).toMatchObject({
      name: error.name,
      code: 'GW_SOURCE_ROW',
      message: error.message,
      retriable: true,
      details: error.details,
    });
    expect(copy.cause).toBeUndefined();
  });

  it('keeps the whole chain of causes, through errors of others as well', () => {
    const root = new ConfigError('GW_CONFIG_OPTION', 'root', { details: { option: 'x' } });
    const foreign = Object.assign(new TypeError('foreign', { cause: root }), {
      code: 'Neo.ClientError.Some.Thing',
    });
    const copy = sent(
      new GraphweftError('GW_TASK_FAILED', 'outer', {
        cause: new WriteError('GW_NEO4J_WRITE', 'inner', { cause: foreign }),
      }),
    );
    const inner = copy.cause as WriteError;
    expect(inner).toBeInstanceOf(WriteError);
    expect(inner.cause).toBeInstanceOf(Error);
    expect(inner.cause).toMatchObject({
      name: 'TypeError',
      message: 'foreign',
      code: 'Neo.ClientError.Some.Thing',
    });
    expect((inner.cause as Error).cause).toBeInstanceOf(ConfigError);
    expect((inner.cause as Error).cause).toMatchObject({ message: 'root', details: { option: 'x' } });
  });

  it('keeps a cause that is no error as text', () => {
    expect(sent(new GraphweftError('GW_INTERNAL', 'x', { cause: 'stopped' })).cause).toMatchObject({
      message: 'stopped',
    });
    expect(sent(new GraphweftError('GW_INTERNAL', 'x', { cause: null })).cause).toMatchObject({
      message: 'null',
    });
  });

  it('is the same after a second journey', () => {
    const error = new SourceError('GW_SOURCE_MISSING', 'x', {
      cause: Object.assign(new Error('y'), { code: 'ENOENT' }),
    });
    expect(sent(sent(error)).toJSON()).toEqual(error.toJSON());
  });

  it('can be sent with a row that holds bigints, dates or itself', () => {
    const row: Record<string, unknown> = { id: 9_007_199_254_740_993n, day: new Date(0), deep: [{ n: 1n }] };
    const { details } = sent(
      new ValidationError('GW_SPLIT_KEY', 'x', { details: { key: 'end', item: row } }),
    );
    expect(details).toEqual({
      key: 'end',
      item: { id: '9007199254740993', day: '1970-01-01T00:00:00.000Z', deep: [{ n: '1' }] },
    });
    row.self = row;
    expect(
      sent(new ValidationError('GW_SPLIT_KEY', 'x', { details: { key: 'end', item: row } })),
    ).toMatchObject({
      message: 'x',
      details: { key: 'end' },
    });
  });

  it('becomes a plain GraphweftError when the name is unknown', () => {
    const json = { ...new WriteError('GW_NEO4J_WRITE', 'x').toJSON(), name: 'FutureError' };
    expect(GraphweftError.fromJSON(json).constructor).toBe(GraphweftError);
  });
});

describe('isAbort', () => {
  const aborted = new AbortedError('GW_ABORTED', 'stop');

  it('knows an interrupt, its own and that of the platform', () => {
    expect(isAbort(aborted)).toBe(true);
    expect(isAbort(new DOMException('stop', 'AbortError'))).toBe(true);
  });

  it('finds one through causes', () => {
    const wrapped = new Error('a', { cause: new WriteError('GW_NEO4J_WRITE', 'b', { cause: aborted }) });
    expect(isAbort(wrapped)).toBe(true);
    expect(isAbort(new Error('a', { cause: new DOMException('stop', 'AbortError') }))).toBe(true);
  });

  it('finds one through causes after a journey', () => {
    const foreign = new Error('b', { cause: new DOMException('stop', 'AbortError') });
    expect(isAbort(sent(new GraphweftError('GW_TASK_FAILED', 'a', { cause: aborted })))).toBe(true);
    expect(isAbort(sent(new GraphweftError('GW_TASK_FAILED', 'a', { cause: foreign })))).toBe(true);
  });

  it('does not see one where there is none', () => {
    for (const other of [
      undefined,
      null,
      'AbortError',
      { name: 'AbortError' },
      new Error('a', { cause: new Error('b') }),
    ]) {
      expect(isAbort(other)).toBe(false);
    }
  });
});

describe('throwIfAborted', () => {
  it('does nothing without a signal or before the abort', () => {
    expect(() => throwIfAborted(undefined)).not.toThrow();
    expect(() => throwIfAborted(new AbortController().signal)).not.toThrow();
  });

  it('throws an AbortedError that has the reason as its cause', () => {
    const reason = new Error('SIGINT');
    const act = () => throwIfAborted(AbortSignal.abort(reason));
    expect(act).toThrow(AbortedError);
    expect(act).toThrow(expect.objectContaining({ code: 'GW_ABORTED', cause: reason }));
  });

  it('throws the reason itself when that is an AbortedError', () => {
    const reason = new AbortedError('GW_ABORTED', 'Task "x" failed.');
    expect(() => throwIfAborted(AbortSignal.abort(reason))).toThrow(reason);
  });
});
