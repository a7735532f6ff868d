/** What a mapping sends of rows that are packed is what it sends of the same rows as objects. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tableBatch } from '../../src/core/batch-processor.ts';
import { compileMapping, type Mapping, node, relationship } from '../../src/index.ts';
import { PackedRows } from '../../src/neo4j/packed-rows.ts';
import { prepareBatch } from '../../src/sinks/prepare-batch.ts';
import { type Packable, tableOf } from '../support/row-tables.ts';

const micros = fc.oneof(
  fc.maxSafeInteger(),
  fc.constantFrom(0, -0, -1, -999_999, 253_370_764_800e6, -62_135_596_800e6, 9_223_372_036_854e6),
);
const sendable = fc.double().filter((float) => !Number.isInteger(float) || Number.isSafeInteger(float));
const orNull = (values: fc.Arbitrary<Packable>) => fc.option(values, { freq: 4 });
const COLUMNS = {
  from: { kind: 'number', values: fc.integer({ min: 0, max: 6 }) },
  to: { kind: 'text', values: fc.constantFrom('a', 'b', 'ß', 'twelve bytes', 'and thirteen more') },
  number: { kind: 'number', values: orNull(fc.oneof(sendable, fc.maxSafeInteger(), fc.constant(-0))) },
  time: { kind: 'localDateTime', values: orNull(micros) },
  instant: { kind: 'zonedDateTime', values: orNull(micros) },
  day: { kind: 'localDate', values: orNull(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 2 })) },
  text: { kind: 'text', values: orNull(fc.string({ unit: 'grapheme', maxLength: 20 })) },
  list: { kind: 'list', values: fc.oneof(fc.boolean(), fc.constant(null), fc.string(), fc.bigInt(-5n, 5n)) },
} as const;
const names = Object.keys(COLUMNS) as (keyof typeof COLUMNS)[];
const properties = names.slice(2);

const tables = fc
  .array(fc.record(Object.fromEntries(names.map((name) => [name, COLUMNS[name].values]))), {
    minLength: 1,
    maxLength: 40,
  })
  .map((rows) =>
    tableOf(
      Object.fromEntries(
        names.map((name) => [name, { kind: COLUMNS[name].kind, values: rows.map((row) => row[name]) }]),
      ),
    ),
  );

const from = node('A', { id: 'from' }, { write: 'merge' });
const to = node('B', { id: 'to' }, { write: 'merge' });
const MAPPINGS: Readonly<Record<string, Mapping>> = {
  nodes: node('A', { id: 'from' }, { properties, write: 'merge' }),
  created: relationship('R', { from, to, properties, write: 'create' }),
  merged: relationship('R', { from, to, properties }),
  'merged by a key': relationship('R', { from, to, key: ['list'], properties }),
};

describe('a prepared batch of packed rows', () => {
  it.each(Object.entries(MAPPINGS))('has the bytes of one of objects: %s', (_, mapping) => {
    const compiled = compileMapping(mapping);
    fc.assert(
      fc.property(tables, fc.subarray(['number', 'from']), (table, floats) => {
        const prepared = (batch: Parameters<typeof prepareBatch>[1]) => {
          const { parameters, sent, groupedBy } = prepareBatch(compiled, batch, new Set(floats));
          const packed = Object.entries(parameters).filter(([, value]) => value instanceof PackedRows);
          expect(packed.length).toBeGreaterThan(0);
          const bytes = packed.map(([name, value]) => [name, (value as PackedRows).chunks.toString('hex')]);
          return { bytes, sent, groupedBy };
        };
        const details = { statistics: {} };
        expect(prepared(tableBatch(table, details))).toEqual(prepared({ chunk: table.rows() }));
      }),
    );
  });

  it('has of rows that are one relationship the last', () => {
    const compiled = compileMapping(relationship('R', { from, to, properties: ['number'] }));
    const pair = fc.tuple(fc.nat(30), fc.nat(30));
    fc.assert(
      fc.property(fc.array(pair, { minLength: 1, maxLength: 300 }), (pairs) => {
        const chunk = pairs.map(([a, b], number) => ({ from: a, to: b, number }));
        const { parameters, sent } = prepareBatch(compiled, { chunk }, new Set());
        const last = new Map(chunk.map(({ from: a, to: b, number }) => [`${a} ${b}`, number]));
        expect(sent).toBe(last.size);
        const numbers = [...(parameters.rows as Iterable<{ toNumber(): number }[]>)].map((row) =>
          row.at(-1)!.toNumber(),
        );
        expect(numbers.toSorted((a, b) => a - b)).toEqual([...last.values()].toSorted((a, b) => a - b));
      }),
    );
  });
});
