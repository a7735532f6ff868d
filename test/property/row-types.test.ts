import assert from 'node:assert/strict';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { rowFromJson, rowToJson } from '../../src/core/row-types.ts';
import {
  Duration,
  LocalDate,
  LocalDateTime,
  LocalTime,
  ZonedDateTime,
  ZonedTime,
} from '../../src/core/temporal.ts';

const seconds = fc.integer({ min: -60_000_000_000, max: 200_000_000_000 });
const nanos = fc.nat(999_999_999);
const offset = fc.integer({ min: -840, max: 840 }).map((minutes) => minutes * 60);
const value = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.boolean(),
  fc.constant(null),
  fc.double(),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.uint8Array({ maxLength: 20 }),
  fc.date({ noInvalidDate: true }),
  fc.tuple(seconds, nanos).map(([s, n]) => new LocalDateTime(s, n)),
  fc.tuple(seconds, nanos, offset).map(([s, n, o]) => new ZonedDateTime(s, n, o)),
  fc.integer({ min: -700_000, max: 2_900_000 }).map((day) => new LocalDate(day)),
  fc.tuple(fc.nat(86_399), nanos).map(([s, n]) => new LocalTime(s, n)),
  fc.tuple(fc.nat(86_399), nanos, offset).map(([s, n, o]) => new ZonedTime(s, n, o)),
  fc.tuple(fc.nat(1_000), fc.nat(1_000), fc.nat(100_000), nanos).map((parts) => new Duration(...parts)),
);
const name = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toJSON', 'a/b', '~'));
const row = fc.dictionary(name, fc.oneof(value, fc.array(value, { maxLength: 4 })), {
  noNullPrototype: true,
});

it('a row comes back from JSON as it was, whatever its values and names are', () => {
  fc.assert(
    fc.property(row, (given) => {
      const { row: plain, types } = JSON.parse(JSON.stringify(rowToJson(given)));
      assert.deepEqual(rowFromJson(plain, types), given); // toStrictEqual takes a column "constructor" for the class
    }),
  );
});

it('a value that was mended to something else than its type is what it was mended to', () => {
  const { types } = rowToJson({ day: new LocalDate(0), n: 2n ** 60n });
  expect(rowFromJson({ day: 'someday', n: 5 }, types)).toEqual({ day: 'someday', n: 5 });
});
