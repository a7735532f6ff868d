/** A table is a list of rows, however they are packed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ColumnKind, RowLayout, type RowTable } from '../../src/core/row-table.ts';
import { LocalDate, LocalDateTime, ZonedDateTime } from '../../src/core/temporal.ts';
import { tableOf } from '../support/row-tables.ts';

const micros = fc.integer({ min: -4_000_000_000_000_000, max: 4_000_000_000_000_000 });
/** Of up to twelve bytes, and longer ones: some that come again, some that differ in their middle, enough of them to be looked for. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 14 }),
  fc.constantFrom(
    '',
    '\ufeffa',
    `\ufeff${'b'.repeat(20)}`,
    'twelve bytes',
    'thirteen byte',
    '名名名名',
    'é名'.repeat(9),
    'a\0',
    'a\0'.repeat(7),
  ),
  fc.tuple(fc.constantFrom('x', 'é'), fc.nat(3), fc.nat(90)).map(([a, b, length]) => a.repeat(length) + b),
  fc.nat(3).map((i) => `${'head '.repeat(20)}${i}${' tail'.repeat(20)}`),
);
const seconds = (value: number) => Math.floor(value / 1e6);
const nanos = (value: number) => (value - seconds(value) * 1e6) * 1000;

/** By kind: what its values are made of, and what they are then. */
const KINDS: Readonly<Record<ColumnKind, readonly [fc.Arbitrary<unknown>, (value: never) => unknown]>> = {
  number: [fc.double(), (value) => value],
  localDateTime: [micros, (value) => new LocalDateTime(seconds(value), nanos(value))],
  zonedDateTime: [micros, (value) => new ZonedDateTime(seconds(value), nanos(value))],
  localDate: [fc.integer({ min: -1e6, max: 1e6 }), (value) => new LocalDate(value)],
  text: [text, (value) => value],
  list: [fc.anything(), (value) => value],
};

interface Made {
  readonly table: RowTable;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

/** Tables of the same columns, one kind each. */
const madeOf = (kinds: readonly ColumnKind[]): fc.Arbitrary<Made> =>
  fc
    .array(fc.tuple(...kinds.map((kind) => fc.option(KINDS[kind][0], { freq: 4 }))), {
      minLength: 1,
      maxLength: 50,
    })
    .map((made) => {
      const columns = kinds.map(
        (kind, c) => [`${kind} ${c}`, { kind, values: made.map((row) => row[c]) }] as const,
      );
      const rows = made.map((values) =>
        Object.fromEntries(
          kinds.map((kind, c) => [
            `${kind} ${c}`,
            values[c] === null ? null : KINDS[kind][1](values[c] as never),
          ]),
        ),
      );
      return { table: tableOf(Object.fromEntries(columns)), rows };
    });

const kindsOf = fc.array(fc.constantFrom(...(Object.keys(KINDS) as ColumnKind[])), {
  minLength: 1,
  maxLength: 5,
});

describe('a table, of columns of any kinds', () => {
  it('gives the rows that were put in, and tells what is missing', () => {
    fc.assert(
      fc.property(kindsOf.chain(madeOf), ({ table, rows }) => {
        expect(table.rows()).toStrictEqual([...rows]);
        const isMissing = (value: unknown) => value === null || value === undefined || Number.isNaN(value);
        for (const name of table.layout.names) {
          const missing = table.missing(name);
          expect(rows.map((_, i) => missing(i))).toEqual(rows.map((row) => isMissing(row[name])));
        }
      }),
    );
  });

  it('is added to, cut, picked from and put together like a list', () => {
    const scenario = kindsOf.chain((kinds) =>
      fc.tuple(
        madeOf(kinds),
        fc.array(
          fc.oneof(
            fc.record({ push: madeOf(kinds), from: fc.nat() }),
            fc.record({ concat: madeOf(kinds) }),
            fc.record({ shift: fc.nat(40) }),
            fc.record({ slice: fc.tuple(fc.nat(20), fc.nat(90)) }),
            fc.record({ pick: fc.array(fc.nat(), { minLength: 1, maxLength: 20 }) }),
            fc.record({ relaid: fc.nat() }),
          ),
          { maxLength: 10 },
        ),
      ),
    );
    fc.assert(
      fc.property(scenario, ([first, steps]) => {
        let { table } = first;
        let rows = [...first.rows];
        for (const step of steps) {
          if ('push' in step) {
            const look = step.push.table.look();
            for (let i = step.from % step.push.rows.length; i < step.push.rows.length; i++) {
              if (table.push(look(i))) rows.push(step.push.rows[i]!);
              else expect(table.layout).not.toBe(step.push.table.layout);
            }
          } else if ('concat' in step) {
            if (table.layout !== step.concat.table.layout) continue;
            table = table.concat(step.concat.table);
            rows = rows.concat(step.concat.rows);
          } else if ('shift' in step) {
            const count = Math.min(step.shift, rows.length - 1);
            expect(table.shift(count).rows()).toStrictEqual(rows.splice(0, count));
          } else if ('slice' in step) {
            const from = step.slice[0] % rows.length;
            table = table.slice(from, from + 1 + step.slice[1]);
            rows = rows.slice(from, from + 1 + step.slice[1]);
          } else if ('pick' in step) {
            const indexes = step.pick.map((i) => i % rows.length);
            table = table.pick(indexes);
            rows = indexes.map((i) => rows[i]!);
          } else {
            const { names, kinds } = table.layout;
            const c = step.relaid % kinds.length;
            table = table.relaid(RowLayout.of(names, kinds.with(c, 'list')));
          }
          expect(table).toHaveLength(rows.length);
          expect(table.rows()).toStrictEqual(rows);
        }
      }),
    );
  });
});
