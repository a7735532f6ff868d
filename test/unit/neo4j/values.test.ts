import neo4j from 'neo4j-driver';
import { describe, expect, it } from 'vitest';
import { fromResultValue, toBatchParameter } from '../../../src/neo4j/values.ts';

const none = new Set<string>();
const one = (value: unknown, floatColumns = none) =>
  (toBatchParameter([{ value }], floatColumns)[0] as Record<string, unknown>).value;

describe('toBatchParameter', () => {
  it('sends whole numbers as integers, others and float columns as floats', () => {
    for (const whole of [0, 1, -1, -1_024, 16_383, 16_384, 2 ** 31, -(2 ** 40), Number.MAX_SAFE_INTEGER]) {
      expect(neo4j.isInt(one(whole)) && neo4j.integer.toNumber(one(whole) as never)).toBe(whole);
      expect(one(whole, new Set(['value']))).toBe(whole);
    }
    for (const float of [0.5, -0, Number.NaN, Number.POSITIVE_INFINITY, 1e-300])
      expect(one(float)).toBe(float);
    expect(String(one(9_007_199_254_740_993n))).toBe('9007199254740993');
  });

  it('sends undefined as absent, null as null, and reaches into lists and maps', () => {
    expect(toBatchParameter([{ a: undefined, b: null, c: ['x', null, { d: true }] }], none)).toEqual([
      { b: null, c: ['x', null, { d: true }] },
    ]);
    expect(toBatchParameter(['plain', 1.5], none)).toEqual(['plain', 1.5]);
  });

  it.each([
    ['an unsafe integer', 2 ** 53, 'GW_VALUE_INTEGER', 'use a bigint'],
    ['a whole number far beyond', 1e300, 'GW_VALUE_INTEGER', 'use a bigint'],
    ['a bigint beyond 64 bits', 2n ** 63n, 'GW_VALUE_INTEGER', '64 bits'],
    ['a function', () => 1, 'GW_VALUE_TYPE', 'a function'],
    ['an object of a class', new URL('http://localhost'), 'GW_VALUE_TYPE', 'a URL'],
    ['a date that is none', new Date('x'), 'GW_VALUE_TYPE', 'Invalid Date'],
  ])('refuses %s, naming row and field', (_what, value, code, reason) => {
    const call = () => toBatchParameter([{ ok: 1 }, { _row: 7, ok: 1, bad: value }], none);
    expect(call).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining('In row 7, field `bad`: ') }),
    );
    expect(call).toThrow(reason);
  });

  it('names the item where rows have no number', () => {
    expect(() => toBatchParameter([{ ok: 1 }, { bad: [2 ** 60] }], none)).toThrow(
      'In item 1 of the batch, field `bad`',
    );
  });
});

describe('fromResultValue', () => {
  it('gives integers as numbers where that is safe, and bigints beyond, at any depth', () => {
    const value = { a: neo4j.int(5), b: [neo4j.int('9007199254740993')], c: 'x' };
    expect(fromResultValue(value)).toEqual({ a: 5, b: [9_007_199_254_740_993n], c: 'x' });
  });
});
