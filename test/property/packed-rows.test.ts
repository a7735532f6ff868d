/** What graphweft packs is byte for byte what the driver would have packed. */
import fc from 'fast-check';
import { alloc } from 'neo4j-driver-bolt-connection/lib/channel/channel-buf.js';
import { Packer } from 'neo4j-driver-bolt-connection/lib/packstream/packstream-v1.js';
import { describe, expect, it } from 'vitest';
import { loadPackage } from '../../src/core/load-package.ts';
import {
  Duration,
  LocalDate,
  LocalDateTime,
  LocalTime,
  ZonedDateTime,
  ZonedTime,
} from '../../src/core/temporal.ts';
import { neo4j } from '../../src/neo4j/driver.ts';
import { PackedRows, packRows, packRowTable } from '../../src/neo4j/packed-rows.ts';
import { toBatchParameter } from '../../src/neo4j/values.ts';
import { tableOfRows } from '../support/row-tables.ts';

type Dehydrate = (value: unknown) => unknown;
const DRIVER = 'neo4j-driver-bolt-connection/lib';

/** What a connection of the driver makes of dates and times. */
function dehydrateOf(version: 'v4x4' | 'v5x0'): Dehydrate {
  const { default: Transformer } = loadPackage(`${DRIVER}/bolt/transformer.js`) as {
    readonly default: new (types: readonly unknown[]) => { readonly toStructure: Dehydrate };
  };
  const { default: types } = loadPackage(`${DRIVER}/bolt/bolt-protocol-${version}.transformer.js`) as {
    readonly default: Readonly<Record<string, (config: object, log: object) => unknown>>;
  };
  const log = { warn: () => expect.unreachable('the driver has to guess') };
  return new Transformer(Object.values(types).map((create) => create({}, log))).toStructure;
}
const BOLT_5 = dehydrateOf('v5x0');

/** Packs with the driver's packer alone, into a buffer that is large enough. */
function packedByDriver(value: unknown, dehydrate = BOLT_5): Buffer {
  const buffer = alloc(Buffer.alloc(4_000_000));
  const packer = new (Packer as unknown as new (channel: object) => Packer)(buffer);
  packer.packable(value, dehydrate)();
  return buffer._buffer.subarray(0, buffer.position);
}

/** What reaches the socket of a connection. */
function sentBy(value: unknown, dehydrate: Dehydrate): Buffer {
  const { Chunker } = loadPackage(`${DRIVER}/channel/chunking.js`) as {
    readonly Chunker: new (channel: object) => { flush(): unknown };
  };
  const parts: Buffer[] = [];
  const chunker = new Chunker({
    write: ({ _buffer, length }: { readonly _buffer: Buffer; readonly length: number }) =>
      parts.push(Buffer.from(_buffer.subarray(0, length))),
  });
  new (Packer as unknown as new (channel: object) => Packer)(chunker).packable(value, dehydrate)();
  chunker.flush();
  return withoutSizes(Buffer.concat(parts));
}

/** What is packed, without the sizes of the chunks. */
function bytesOf(packed: Iterable<unknown>): Buffer {
  return withoutSizes((packed as PackedRows).chunks);
}

function withoutSizes(chunks: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < chunks.length; ) {
    const size = chunks.readUInt16BE(at);
    expect(size).toBeGreaterThan(0); // a chunk of none would end the message
    parts.push(chunks.subarray(at + 2, at + 2 + size));
    at += 2 + size;
  }
  return Buffer.concat(parts);
}

const nano = fc.nat(999_999_999);
const secondOfDay = fc.nat(86_399);
const offset = fc.integer({ min: -64_800, max: 64_800 });
const instant = fc
  .tuple(fc.integer(), nano, offset, fc.constantFrom(undefined, undefined, 'Europe/Paris', 'Etc/UTC'))
  .map((parts) => new ZonedDateTime(...parts));
const scalar = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer({ min: -200, max: 200 }),
  fc.constantFrom(
    -17,
    -16,
    -129,
    -128,
    127,
    128,
    -32_768,
    -32_769,
    32_767,
    32_768,
    -(2 ** 31),
    2 ** 31,
    2 ** 32,
    -(2 ** 53) + 1,
  ),
  fc.double().filter((float) => !Number.isInteger(float) || Number.isSafeInteger(float)),
  fc.constant(-0),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: 'grapheme-ascii', maxLength: 70 }),
  fc.boolean(),
  fc.constant(null),
  fc.constant(undefined),
  fc.tuple(fc.integer(), nano).map((parts) => new LocalDateTime(...parts)),
  fc.integer().map((day) => new LocalDate(day)),
  instant,
  fc.date({ noInvalidDate: true }),
  fc.tuple(secondOfDay, nano).map((parts) => new LocalTime(...parts)),
  fc.tuple(secondOfDay, nano, offset).map((parts) => new ZonedTime(...parts)),
  fc.tuple(fc.integer(), fc.integer(), fc.maxSafeInteger(), nano).map((parts) => new Duration(...parts)),
  fc.uint8Array({ maxLength: 300 }),
  fc.float64Array({ maxLength: 20 }),
);
const value = fc.oneof(
  scalar,
  fc.array(scalar, { maxLength: 20 }),
  fc.dictionary(fc.string(), scalar, { maxKeys: 20, noNullPrototype: true }),
);
const row = fc.dictionary(fc.string(), value, { maxKeys: 18, noNullPrototype: true });

describe('packRows', () => {
  it('gives the bytes of the driver for rows of every kind', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 30 }), fc.subarray(['a', 'b', 'id']), (rows, floats) => {
        const floatColumns = new Set(floats);
        const packed = packRows(rows, floatColumns);
        expect(packed).toBeInstanceOf(PackedRows);
        const own = bytesOf(packed);
        expect(own.equals(packedByDriver(toBatchParameter(rows, floatColumns)))).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  it('gives the same bytes for rows that are packed as for rows that are objects', () => {
    const rowOf = fc
      .tuple(
        fc.integer(),
        fc.double({ noNaN: true, min: -1e9, max: 1e9 }),
        fc.string({ maxLength: 4 }),
        fc.oneof(scalar, fc.array(scalar, { maxLength: 5 })),
      )
      .map(([id, b, name, any]) => ({ id, b, name, any: any ?? null }));
    fc.assert(
      fc.property(
        fc.array(rowOf, { minLength: 1, maxLength: 30 }),
        fc.subarray(['any', 'b', 'id']),
        (rows, floats) => {
          const table = tableOfRows(rows);
          const packed = packRowTable(table, new Set(floats));
          expect(bytesOf(packed).equals(bytesOf(packRows(rows, new Set(floats))))).toBe(true);
          expect([...packed]).toEqual([...packRows(rows, new Set(floats))]);
        },
      ),
    );
    const unsendable = tableOfRows([{ n: 1 }, { n: 2n ** 63n }]);
    expect(() => packRowTable(unsendable, new Set())).toThrow('64 bits');
  });

  it('writes large lists, maps and texts with the sizes of the driver', () => {
    const wide = Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`k${i}`, i]));
    for (const rows of [
      Array.from({ length: 70_000 }, (_, i) => ({ i })),
      [wide],
      [
        { text: 'é'.repeat(40_000) },
        { text: 'a'.repeat(70_000) },
        { text: 'a'.repeat(255) },
        { text: 'ß'.repeat(24) },
      ],
    ]) {
      const own = bytesOf(packRows(rows, new Set()));
      expect(own.equals(packedByDriver(toBatchParameter(rows, new Set())))).toBe(true);
    }
  });

  it('writes bigints whole, in eight bytes', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (big) => {
        const bytes = bytesOf(packRows([big], new Set()));
        expect(bytes[1]).toBe(0xcb);
        expect(bytes.readBigInt64BE(2)).toBe(big);
      }),
    );
  });

  it('leaves what only the driver can write to the driver, and refuses what nobody can', () => {
    for (const other of [new neo4j.types.Point(4326, 1, 2), new Map([['a', 1]])]) {
      expect(packRows([{ other }], new Set())).not.toBeInstanceOf(PackedRows);
    }
    expect(() => packRows([{ _row: 3, n: 2 ** 60 }], new Set())).toThrow('In row 3, field `n`');
    expect(() => packRows([{ n: 2n ** 63n }], new Set())).toThrow('64 bits');
  });

  it('is sent as it is packed, and packed by the driver where a connection has another form of instants', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ a: fc.oneof(instant, scalar) }), { maxLength: 30 }), (rows) => {
        const packed = packRows(rows, new Set()) as PackedRows;
        const parameter = toBatchParameter(rows, new Set());
        for (const dehydrate of [BOLT_5, dehydrateOf('v4x4')])
          expect(sentBy(packed, dehydrate).equals(packedByDriver(parameter, dehydrate))).toBe(true);
        expect(packed.hasInstants).toBe(
          rows.some(({ a }) => a instanceof ZonedDateTime || a instanceof Date),
        );
      }),
    );
  });

  it('is a list of rows to a driver that does not know it', () => {
    const packed = packRows([{ a: 1.5 }, { a: 'x' }], new Set());
    expect([...packed]).toEqual([{ a: 1.5 }, { a: 'x' }]);
    // A packer without a socket below it, as in this test, packs the list itself.
    expect(packedByDriver(packed).equals(bytesOf(packed))).toBe(true);
  });
});
