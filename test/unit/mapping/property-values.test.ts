/** What no property can hold is refused by a mapping before anything is sent, with row, field and code. */
import neo4j from 'neo4j-driver';
import { describe, expect, it } from 'vitest';
import { Duration, LocalDate, LocalDateTime, LocalTime, ZonedTime } from '../../../src/core/temporal.ts';
import { compileMapping } from '../../../src/mapping/compile.ts';
import { node, relationship } from '../../../src/mapping/patterns.ts';
import { prepareBatch } from '../../../src/sinks/prepare-batch.ts';

const created = compileMapping(node('A', {}, { properties: ['v'], write: 'create' }));
const prepare = (value: unknown, floats: readonly string[] = []) =>
  prepareBatch(
    created,
    { chunk: [{ v: 'ok' }, { v: value }], origin: { file: 'x.csv', firstRow: 41 } },
    new Set(floats),
  );

const point = (srid: number, ...place: [number, number, number?]) => new neo4j.types.Point(srid, ...place);

describe('a property', () => {
  it.each([
    ['a map', { a: 1 }, 'cannot hold a map'],
    ['an empty map', {}, 'cannot hold a map'],
    ['a Map', new Map([['a', 1]]), 'cannot hold a map'],
    ['a list with null', ['a', null], 'a list with null'],
    ['a list of null alone', [null], 'a list with null'],
    ['a list with what is not there', [1, undefined], 'a list with null'],
    ['a list of lists', [[1], [2]], 'lists in a list'],
    ['a list of empty lists', [[]], 'lists in a list'],
    ['a list of bytes', [Uint8Array.of(1)], 'lists in a list'],
    ['a list of vectors', [Float32Array.of(1)], 'lists in a list'],
    ['a list of maps', [{ a: 1 }], 'maps in a list'],
    ['texts beside numbers', ['a', 1], 'several kinds, here string and number'],
    ['booleans beside numbers', [true, 1], 'several kinds, here boolean and number'],
    ['dates beside datetimes', [new LocalDate(0), new LocalDateTime(0)], 'here date and local datetime'],
    [
      'times with and without an offset',
      [new LocalTime(0), new ZonedTime(0, 0, 0)],
      'local time and zoned time',
    ],
    [
      'points of two systems',
      [point(7203, 1, 2), point(4326, 1, 2)],
      'point of CRS 7203 and point of CRS 4326',
    ],
  ])('cannot be %s', (_what, value, reason) => {
    expect(() => prepare(value)).toThrow(
      expect.objectContaining({
        name: 'ValidationError',
        code: 'GW_VALUE_PROPERTY',
        message: expect.stringContaining('In row 42 of x.csv, field `v`: '),
        details: { item: 1, row: 'row 42 of x.csv', field: 'v' },
      }),
    );
    expect(() => prepare(value)).toThrow(reason);
  });

  it.each([
    ['an empty list', []],
    ['integers of all sizes', [1, 2n ** 62n]],
    ['integers beside floats', [1, 2.5]],
    ['a large integer beside floats, which it is exactly', [2n ** 60n, 0.5]],
    ['texts', ['', 'a']],
    ['dates of two classes', [new LocalDate(0), new neo4j.types.Date(2020, 1, 1)]],
    ['datetimes of two classes', [new Date(0), new neo4j.types.DateTime(2020, 1, 1, 0, 0, 0, 0, 0)]],
    ['durations', [new Duration(1, 0, 0)]],
    ['points', [point(7203, 1, 2), point(7203, 3, 4)]],
    ['bytes', Uint8Array.of(1, 2)],
    ['a vector', Float32Array.of(1, 2)],
    ['null', null],
  ])('can be %s', (_what, value) => {
    expect(() => prepare(value)).not.toThrow();
  });

  it('cannot be an integer that a float beside it would round', () => {
    const big = 2n ** 53n + 1n;
    for (const [list, floats] of [
      [[big, 0.5], []],
      [[-0, big], []],
      [[1, big], ['v']],
    ] as const) {
      expect(() => prepare(list, floats)).toThrow(
        expect.objectContaining({
          code: 'GW_VALUE_INTEGER',
          message: expect.stringContaining('becomes one'),
        }),
      );
    }
    expect(() => prepare([1, big])).not.toThrow();
  });

  it('is looked at in keys and in relationships too', () => {
    const mapping = compileMapping(
      relationship('R', {
        from: node('A', { id: 'a' }, { write: 'merge' }),
        to: node('B', { id: 'b' }, { properties: ['c'], write: 'merge' }),
        properties: ['d'],
      }),
    );
    for (const [field, bad] of [
      ['id', { a: [null], b: 1, c: 1, d: 1 }],
      ['c', { a: 1, b: 1, c: [[1]], d: 1 }],
      ['d', { a: 1, b: 1, c: 1, d: {} }],
    ] as const) {
      expect(() => prepareBatch(mapping, { chunk: [bad] }, new Set())).toThrow(
        expect.objectContaining({ code: 'GW_VALUE_PROPERTY', details: expect.objectContaining({ field }) }),
      );
    }
  });
});

describe('keys that look alike', () => {
  const mapping = compileMapping(
    relationship('R', {
      from: node('A', { id: 'a' }, { write: 'merge' }),
      to: node('B', { id: 'b' }, { write: 'merge' }),
      key: { at: 'at' },
    }),
  );
  const sentOf = (...rows: readonly Readonly<Record<string, unknown>>[]) =>
    prepareBatch(mapping, { chunk: rows }, new Set()).sent;

  it('are not one relationship: dates of one second, lists that join to one text, zones of one offset', () => {
    const row = { a: 1, b: 1 };
    expect(sentOf({ ...row, at: new Date(1) }, { ...row, at: new Date(2) })).toBe(2);
    expect(sentOf({ ...row, at: new Date(1) }, { ...row, at: new Date(1) })).toBe(1);
    expect(sentOf({ ...row, at: ['a,b'] }, { ...row, at: ['a', 'b'] })).toBe(2);
    expect(sentOf({ ...row, at: [1, 23] }, { ...row, at: [12, 3] })).toBe(2);
    expect(sentOf({ ...row, at: '1' }, { ...row, at: 1 })).toBe(2);
  });

  it('are not one node either', () => {
    const keys = prepareBatch(
      mapping,
      { chunk: [new Date(1), new Date(2), new Date(1)].map((a) => ({ a, b: 1, at: 1 })) },
      new Set(),
    );
    expect([...keys.places[0]!]).toEqual([0, 1, 0]);
  });
});
