import neo4j from 'neo4j-driver';
import { describe, expect, it } from 'vitest';
import {
  Duration,
  LocalDate,
  LocalDateTime,
  LocalTime,
  ZonedDateTime,
  ZonedTime,
} from '../../../src/core/temporal.ts';
import { packRows } from '../../../src/neo4j/packed-rows.ts';
import { fromRecordValue, fromResultValue, toBatchParameter } from '../../../src/neo4j/values.ts';

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
    ['a date beyond the last one', new LocalDate(365_241_780_472), 'GW_VALUE_TYPE', 'LocalDate'],
    ['a date that is no number', new LocalDate(Number.NaN), 'GW_VALUE_TYPE', 'LocalDate'],
    ['a fraction of a second in the wrong place', new LocalDateTime(0.5), 'GW_VALUE_TYPE', 'LocalDateTime'],
    ['a second that a number cannot hold', new ZonedDateTime(2 ** 53), 'GW_VALUE_TYPE', 'ZonedDateTime'],
    ['an offset of more than 18 hours', new ZonedDateTime(0, 0, 64_801), 'GW_VALUE_TYPE', 'ZonedDateTime'],
    ['the end of a day', new LocalTime(86_400), 'GW_VALUE_TYPE', 'LocalTime'],
    ['a time at no offset', new ZonedTime(0, 0, 70_000), 'GW_VALUE_TYPE', 'ZonedTime'],
    ['a part of a month', new Duration(0.5, 0, 0), 'GW_VALUE_TYPE', 'Duration'],
    ['a map with keys that are no texts', new Map([[1, 'a']]), 'GW_VALUE_TYPE', 'a Map'],
    ['half of a surrogate pair', 'a\ud800b', 'GW_VALUE_TEXT', 'half of a surrogate pair'],
    ['the other half, in a list', ['ok', '\udc00'], 'GW_VALUE_TEXT', 'half of a surrogate pair'],
    ['half of a pair in a name', { 'x\ud83d': 1 }, 'GW_VALUE_TEXT', 'the name'],
  ])('refuses %s, naming row and field', (_what, value, code, reason) => {
    for (const send of [toBatchParameter, packRows]) {
      const call = () => send([{ ok: 1 }, { _row: 7, ok: 1, bad: value }], none);
      expect(call).toThrow(
        expect.objectContaining({ code, message: expect.stringContaining('In row 7, field `bad`: ') }),
      );
      expect(call).toThrow(reason);
    }
  });

  it('names the item where rows have no number', () => {
    expect(() => toBatchParameter([{ ok: 1 }, { bad: [2 ** 60] }], none)).toThrow(
      'In item 1 of the batch, field `bad`',
    );
  });
});

describe('vectors', () => {
  it('are lists of floats, also where their numbers are whole', () => {
    expect(one(Float32Array.of(1, 0.5))).toEqual([1, 0.5]);
    expect(one(Float64Array.of(1, 2))).toEqual([1, 2]);
    const vector = neo4j.vector(Float32Array.of(1));
    expect(one(vector)).toBe(vector);
  });
});

describe('datetimes', () => {
  it('keep the name of their zone, and the offset that says which of two equal hours it is', () => {
    const second = new neo4j.types.DateTime(2020, 10, 25, 2, 30, 0, 7, 3600, 'Europe/Paris');
    const read = fromRecordValue(second);
    expect(read).toEqual(new ZonedDateTime(Date.UTC(2020, 9, 25, 1, 30) / 1000, 7, 3600, 'Europe/Paris'));
    expect(String(read)).toBe('2020-10-25T02:30:00.000000007+01:00');
    expect(JSON.stringify(read)).toBe('"2020-10-25T02:30:00.000000007+01:00[Europe/Paris]"');
    expect(String(one(read))).toBe(String(second));
  });

  it('stay as the driver has them where numbers would round them', () => {
    const zero = neo4j.int(0);
    for (const value of [
      new neo4j.types.LocalDateTime(999_999_999, 12, 31, 23, 59, 59, 1),
      new neo4j.types.DateTime(-999_999_999, 1, 1, 0, 0, 0, 1, 0),
      new neo4j.types.Duration(neo4j.int('9007199254740993'), zero, zero, zero),
    ]) {
      expect(fromRecordValue(value)).toBe(value);
      expect(one(value)).toBe(value);
    }
  });
});

describe('fromResultValue', () => {
  it('gives integers as numbers where that is safe, and bigints beyond, at any depth', () => {
    const value = { a: neo4j.int(5), b: [neo4j.int('9007199254740993')], c: 'x' };
    expect(fromResultValue(value)).toEqual({ a: 5, b: [9_007_199_254_740_993n], c: 'x' });
  });
});
