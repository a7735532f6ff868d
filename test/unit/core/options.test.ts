import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/core/errors.ts';
import {
  booleanOption,
  choiceOption,
  describeValue,
  functionOption,
  givenOptions,
  integerOption,
  namesOption,
  nearestName,
  refuseUnknownKeys,
  stringOption,
} from '../../../src/core/options.ts';
import {
  AdaptiveLimit,
  CSVBatchSink,
  CSVBatchSource,
  CSVLoad2Neo4jTask,
  CypherBatchSink,
  CypherBatchSource,
  ExecuteCypherTask,
  GDSTask,
  MappingBatchSink,
  Neo4jReporter,
  ParallelBatchProcessor,
  ParallelCSVLoad2Neo4jTask,
  ParallelParquetLoad2Neo4jTask,
  ParallelSQLLoad2Neo4jTask,
  ParquetBatchSink,
  ParquetBatchSource,
  ParquetLoad2Neo4jTask,
  RejectedRowsRetryTask,
  relationship,
  SplittingBatchProcessor,
  SQLBatchSink,
  SQLBatchSource,
  SQLLoad2Neo4jTask,
  ValidationBatchProcessor,
} from '../../../src/index.ts';
import { PLAIN_CONTEXT } from '../../support/batches.ts';

function refusal(act: () => unknown): ConfigError {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return error as ConfigError;
  }
  throw new Error('expected a refusal');
}

describe('integerOption', () => {
  it('gives back an integer in its range, ends included', () => {
    expect([1, 5, 10].map((value) => integerOption('size', value, { min: 1, max: 10 }))).toEqual([1, 5, 10]);
    expect(integerOption('size', Number.MAX_SAFE_INTEGER, { min: 0 })).toBe(Number.MAX_SAFE_INTEGER);
  });

  it.each([
    [0, '0 (number)'],
    [11, '11 (number)'],
    [1.5, '1.5 (number)'],
    [Number.NaN, 'NaN (number)'],
    [Number.POSITIVE_INFINITY, 'Infinity (number)'],
    ['5', '"5" (string)'],
    [5n, '5n (bigint)'],
    [null, 'null'],
    [undefined, 'undefined'],
    [[5], '[5] (array)'],
  ])('refuses %s and names option, expectation and value', (value, shown) => {
    const error = refusal(() => integerOption('size', value, { min: 1, max: 10 }));
    expect(error.message).toBe(`Option \`size\` must be an integer from 1 to 10, got ${shown}.`);
    expect(error).toMatchObject({ code: 'GW_CONFIG_OPTION', details: { option: 'size' } });
  });

  it('names a range that is open above', () => {
    expect(refusal(() => integerOption('size', -1, { min: 0 })).message).toBe(
      'Option `size` must be an integer of at least 0, got -1 (number).',
    );
  });
});

describe('other options', () => {
  it('takes a string that is not blank', () => {
    expect(stringOption('name', ' a ')).toBe(' a ');
    for (const bad of ['', ' \t', 7, undefined]) {
      expect(refusal(() => stringOption('name', bad)).message).toContain(
        '`name` must be a non-blank string, got ',
      );
    }
  });

  it('takes one of the choices and lists them otherwise', () => {
    expect(choiceOption('mode', 'create', ['create', 'merge'])).toBe('create');
    expect(refusal(() => choiceOption('mode', 'CREATE', ['create', 'merge'])).message).toBe(
      'Option `mode` must be one of "create", "merge", got "CREATE" (string).',
    );
  });

  it('takes true and false, and no text that says so', () => {
    expect([booleanOption('strict', true), booleanOption('strict', false)]).toEqual([true, false]);
    expect(refusal(() => booleanOption('strict', 'false')).message).toBe(
      'Option `strict` must be true or false, got "false" (string).',
    );
  });

  it('takes a list of names, and not one name', () => {
    expect(namesOption('columns', ['a', 'b'])).toEqual(['a', 'b']);
    expect(refusal(() => namesOption('columns', 'delay')).message).toBe(
      'Option `columns` must be a list of names, got "delay" (string).',
    );
    expect(refusal(() => namesOption('columns', ['a', 1])).message).toContain('got 1 (number)');
  });

  it('takes a function and nothing else', () => {
    const f = () => 1;
    expect(functionOption('idExtractor', f)).toBe(f);
    expect(refusal(() => functionOption('idExtractor', 'f')).message).toBe(
      'Option `idExtractor` must be a function, got "f" (string).',
    );
  });
});

describe('refuseUnknownKeys', () => {
  const known = ['tableSize', 'batchSize', 'maxWorkers', 'prefetch'];

  it('accepts known keys', () => {
    expect(() => refuseUnknownKeys('The load', { tableSize: 1, prefetch: undefined }, known)).not.toThrow();
  });

  it.each([
    ['tablesize', 'tableSize'],
    ['bachSize', 'batchSize'],
    ['maxWorker', 'maxWorkers'],
    ['prefecth', 'prefetch'],
  ])('refuses %s and gives the nearest name, %s', (slip, meant) => {
    const error = refusal(() => refuseUnknownKeys('The load', { [slip]: 1 }, known));
    expect(error.message).toBe(`The load has no option \`${slip}\`; did you mean \`${meant}\`?`);
    expect(error).toMatchObject({ code: 'GW_CONFIG_UNKNOWN', details: { option: slip } });
  });

  it('guesses nothing when no name is near', () => {
    const error = refusal(() => refuseUnknownKeys('The load', { delimiter: ';' }, known));
    expect(error.message).toBe('The load has no option `delimiter`.');
  });
});

describe('nearestName', () => {
  it('gives the nearest of several near ones', () => {
    expect(nearestName('startkey', ['starKeys', 'startKey', 'endKey'])).toBe('startKey');
  });

  it('counts insertions, removals and replacements alike', () => {
    for (const slip of ['prefetchh', 'prefeth', 'prefetsh'])
      expect(nearestName(slip, ['prefetch'])).toBe('prefetch');
  });

  it('gives no name that has nothing in common with a short one', () => {
    expect(nearestName('b', ['u8', 'id'])).toBeUndefined();
    expect(nearestName('ab', ['ba', 'xy', 'abc'])).toBe('abc');
  });

  it('gives nothing when there are no names', () => {
    expect(nearestName('x', [])).toBeUndefined();
  });
});

describe('describeValue', () => {
  it.each([
    ['a\nb', '"a\\nb" (string)'],
    [{ a: 1n }, '{"a":"1n"} (object)'],
    [true, 'true (boolean)'],
    [Symbol('s'), 'Symbol(s) (symbol)'],
  ])('shows a value on one line, with its type', (value, shown) => {
    expect(describeValue(value)).toBe(shown);
  });

  it('cuts long values', () => {
    const shown = describeValue('x'.repeat(10_000));
    expect(shown.length).toBeLessThan(150);
    expect(shown).toMatch(/…/);
  });

  it('shows a value that holds itself', () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    expect(describeValue(cycle)).toContain('object');
    const bare = Object.assign(Object.create(null), { self: cycle });
    expect(describeValue(bare)).toContain('object');
  });
});

describe('givenOptions', () => {
  it.each(
    [
      CSVLoad2Neo4jTask,
      ParallelCSVLoad2Neo4jTask,
      ParquetLoad2Neo4jTask,
      ParallelParquetLoad2Neo4jTask,
      SQLLoad2Neo4jTask,
      ParallelSQLLoad2Neo4jTask,
      RejectedRowsRetryTask,
      ExecuteCypherTask,
      GDSTask,
      CSVBatchSource,
      ParquetBatchSource,
      CypherBatchSource,
      SQLBatchSource,
      CypherBatchSink,
      MappingBatchSink,
      CSVBatchSink,
      ParquetBatchSink,
      SQLBatchSink,
      ValidationBatchProcessor,
      SplittingBatchProcessor,
      ParallelBatchProcessor,
    ].map((Class) => [Class.name, Class] as const),
  )('refuses a %s that is given none', (name, Class) => {
    const Made = Class as unknown as new (context: unknown, options?: unknown) => unknown;
    for (const given of [[], [null], ['a.csv']] as const) {
      const error = refusal(() => new Made(PLAIN_CONTEXT, ...given));
      expect(error.code).toBe('GW_CONFIG_OPTION');
      expect(error.message).toBe(`${name} needs an object with its options, got ${describeValue(given[0])}.`);
    }
  });

  it('refuses what takes options alone likewise, and gives back what there is', () => {
    const none = undefined as never;
    for (const act of [
      () => new AdaptiveLimit(none),
      () => new Neo4jReporter(none),
      () => relationship('KNOWS', none),
    ])
      expect(refusal(act).message).toMatch(/^\w+ needs an object with its options, got undefined\.$/);
    const options = {};
    expect(givenOptions('X', options)).toBe(options);
  });
});
