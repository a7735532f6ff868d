import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/core/errors.ts';
import {
  Duration,
  LocalDate,
  LocalDateTime,
  LocalTime,
  ZonedDateTime,
  ZonedTime,
} from '../../../src/core/temporal.ts';
import { CSVBatchSink } from '../../../src/sinks/csv-batch-sink.ts';
import { ParquetBatchSink } from '../../../src/sinks/parquet-batch-sink.ts';
import { CSVBatchSource } from '../../../src/sources/csv-batch-source.ts';
import type { Row } from '../../../src/sources/duckdb.ts';
import { ParquetBatchSource } from '../../../src/sources/parquet-batch-source.ts';
import { drain, PLAIN_CONTEXT } from '../../support/batches.ts';
import { makeFolder, useFolder } from '../../support/files.ts';
import { ArraySource } from '../core/array-source.ts';

function failing(rows: readonly object[]) {
  return new ArraySource([rows, rows], {
    before: (batch) => {
      if (batch === 1) throw new Error('the source broke');
    },
  });
}

describe('CSVBatchSink', () => {
  const write = async (file: string, batches: readonly (readonly object[])[], options = {}) =>
    drain(new CSVBatchSink(PLAIN_CONTEXT, { file, predecessor: new ArraySource(batches), ...options }), 100);

  it('writes what CSVBatchSource reads back, whatever the text', async () => {
    const folder = makeFolder();
    const text = fc.oneof(
      fc.constant(null),
      // A blank field is null to the reader, so blank text is no case here; nor is NUL, which ends a text for it.
      fc.string({ unit: 'grapheme', minLength: 1 }).filter((s) => s.trim() !== '' && !s.includes('\0')),
      fc.constantFrom('a,b', '"', '""', 'line\r\nbreak', "it's", ' padded ', '✈', ';', '#x', '1.0'),
    );
    const row = fc
      .record({ 'first, "name"': text, second: text })
      .filter((r) => Object.values(r).some((v) => v !== null));
    let n = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1, maxLength: 12 }),
        fc.constantFrom('', '.gz'),
        async (rows, gz) => {
          const file = folder.path(`x${n++}.csv${gz}`);
          const { statistics } = await write(file, [rows.slice(0, 5), rows.slice(5)]);
          expect(statistics.csv_rows_written).toBe(rows.length);
          const read = await drain(new CSVBatchSource(PLAIN_CONTEXT, { file, rowNumbers: false }), 100);
          expect(read.items).toEqual(rows);
        },
      ),
      { numRuns: 60 },
    );
    folder.remove();
  });

  it('writes the header once, and appends without one, packed too', async () => {
    const folder = useFolder();
    for (const name of ['a.csv', 'a.csv.gz']) {
      const file = folder.path(name);
      await write(file, [[{ a: 1, b: null }]], { append: true });
      await write(file, [[{ a: 2n, b: '' }]], { append: true });
      const bytes = readFileSync(file);
      const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
      expect(text).toBe('a,b\r\n1,\r\n2,""\r\n');
    }
    await write(folder.path('a.csv'), [[{ a: new LocalDate(0), b: [1, new Map([['c', 2n]])] }]], {
      delimiter: ';',
      header: false,
    });
    expect(readFileSync(folder.path('a.csv'), 'utf8')).toBe('1970-01-01;"[1,{""c"":""2""}]"\r\n');
  });

  it('adds rows under the columns that a file has, on lines of their own', async () => {
    const folder = useFolder();
    const header = '"a ""1""","b\nc",d';
    for (const [name, pack] of [
      ['a.csv', (text: string) => text],
      ['a.csv.gz', gzipSync],
    ] as const) {
      const file = folder.write(name, pack(`\ufeff${header}\r\n1,2,3`)); // its last line has no end
      await write(file, [[{ d: 'D', 'a "1"': 'A' }], [{ 'b\nc': 'B' }]], { append: true });
      const bytes = readFileSync(file);
      const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
      expect(text).toBe(`\ufeff${header}\r\n1,2,3\r\nA,,D\r\n,B,\r\n`);
      await expect(write(file, [[{ d: 1, other: 2 }]], { append: true })).rejects.toMatchObject({
        code: 'GW_SINK_FILE',
        message: expect.stringContaining('the rows have also other'),
      });
      expect(readFileSync(file)).toEqual(bytes);
      folder.write(name, pack(''));
      await write(file, [[{ x: 1 }]], { append: true });
      const read = await drain(new CSVBatchSource(PLAIN_CONTEXT, { file, rowNumbers: false }), 10);
      expect(read.items).toEqual([{ x: '1' }]);
    }
    const bare = folder.write('bare.csv', '1,2\n');
    await write(bare, [[{ b: 4, a: 3 }]], { append: true, header: false, columns: ['a', 'b'] });
    expect(readFileSync(bare, 'utf8')).toBe('1,2\n3,4\r\n');
  });

  it('writes numbers, vectors and bytes as they are, and refuses what is no value', async () => {
    const folder = useFolder();
    const file = folder.path('values.csv');
    const values = [-0, [1.5, Number.NaN], Float32Array.of(1, 0.5), [Uint8Array.of(255)], { '\ud800': 1n }];
    await write(file, [values.map((value) => ({ a: 1, value }))]);
    const { items } = await drain(new CSVBatchSource(PLAIN_CONTEXT, { file }), 10);
    const texts = ['-0', '[1.5,"NaN"]', '[1,0.5]', '["/w=="]', '{"\\ud800":"1"}'];
    expect(items.map((row) => (row as Row).value)).toEqual(texts);
    const refused = {
      GW_VALUE_TEXT: ['a\ud800'],
      GW_VALUE_TYPE: [new Date(Number.NaN), Symbol('s'), new (class {})()],
    };
    for (const [code, all] of Object.entries(refused))
      for (const value of all) await expect(write(file, [[{ value }]])).rejects.toMatchObject({ code });
  });

  it.each([{ columns: [] }, { columns: 'ab' }, { delimiter: '' }, { delimiter: '"' }, { apend: true }])(
    'refuses %j',
    (options) => {
      const make = () => new CSVBatchSink(PLAIN_CONTEXT, { file: 'x.csv', ...options } as never);
      expect(make).toThrow(ConfigError);
    },
  );

  it('leaves the file before as it was when the run breaks, and nothing else', async () => {
    const folder = useFolder();
    for (const append of [false, true]) {
      const file = folder.write('kept.csv', 'a\r\nbefore\r\n');
      const sink = new CSVBatchSink(PLAIN_CONTEXT, { file, append, predecessor: failing([{ a: 1 }]) });
      await expect(drain(sink, 10)).rejects.toThrow('the source broke');
      expect(readFileSync(file, 'utf8')).toBe('a\r\nbefore\r\n');
    }
    expect(readdirSync(folder.path('.'))).toEqual(['kept.csv']);
    const blocked = new CSVBatchSink(PLAIN_CONTEXT, {
      file: `${folder.path('kept.csv')}/x.csv`,
      predecessor: new ArraySource([[{ a: 1 }]]),
    });
    await expect(drain(blocked, 10)).rejects.toMatchObject({ code: 'GW_SINK_FILE' });
  });
});

describe.each([CSVBatchSink, ParquetBatchSink])('%o, where something is in the place of its file', (Sink) => {
  const write = (file: string, rows: readonly object[]) =>
    drain(new Sink(PLAIN_CONTEXT, { file, predecessor: new ArraySource([rows]) }), 100);

  it('keeps a link and who may read the file, and replaces nothing that is no file', async () => {
    const folder = useFolder();
    const [file, link] = [folder.write('a.file', 'before'), folder.path('link')];
    chmodSync(file, 0o600);
    symlinkSync(file, link);
    await write(link, [{ a: 1 }]);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).not.toBe('before');
    execFileSync('mkfifo', [folder.path('pipe')]);
    for (const name of ['pipe', '.'])
      await expect(write(folder.path(name), [{ a: 1 }])).rejects.toMatchObject({ code: 'GW_SINK_FILE' });
    expect(lstatSync(folder.path('pipe')).isFIFO()).toBe(true);
    expect(readdirSync(folder.path('.')).sort()).toEqual(['a.file', 'link', 'pipe']);
  });

  it('refuses a later row with a value that has no column, unless the columns are given', async () => {
    const folder = useFolder();
    const batches = (b: unknown) => new ArraySource<object>([[{ a: 1 }], [{ a: 2, b }]]);
    const file = folder.write('file', 'before');
    const write = (b: unknown, options = {}) =>
      drain(new Sink(PLAIN_CONTEXT, { file, predecessor: batches(b), ...options }), 100);
    await expect(write(3)).rejects.toMatchObject({ code: 'GW_SINK_TYPE', details: { column: 'b' } });
    expect(readFileSync(file, 'utf8')).toBe('before');
    await write(null);
    await write(3, Sink === CSVBatchSink ? { columns: ['a'] } : { types: { b: 'integer' } });
  });

  it('is not mixed with another one that writes the same file', async () => {
    const file = useFolder().path('both');
    const rows = (n: number) => Array.from({ length: 5_000 }, () => ({ n }));
    await Promise.all([write(file, rows(1)), write(file, rows(2))]);
    const Source = Sink === CSVBatchSink ? CSVBatchSource : ParquetBatchSource;
    const { items } = await drain(new Source(PLAIN_CONTEXT, { file }), 10_000);
    expect(items).toHaveLength(5_000);
    expect(new Set(items.map((row) => String((row as Row).n))).size).toBe(1);
  });
});

describe('ParquetBatchSink', () => {
  const write = async (file: string, batches: readonly (readonly object[])[], options = {}) =>
    drain(
      new ParquetBatchSink(PLAIN_CONTEXT, { file, predecessor: new ArraySource(batches), ...options }),
      100,
    );

  it('writes every kind of value so that ParquetBatchSource reads it back', async () => {
    const file = useFolder().path('all.parquet');
    const rows = [
      {
        yes: true,
        n: 7,
        big: 2n ** 62n,
        f: 0.5,
        text: '✈ "so"',
        day: new LocalDate(-800_000),
        at: new LocalDateTime(1_600_000_000, 123_456_000),
        zoned: new ZonedDateTime(1_600_000_000, 5_000),
        time: new LocalTime(86_399, 1_000),
        length: new Duration(14, 3, 61, 5_000_000),
        bytes: Uint8Array.of(0, 255),
        list: [1, null, 3],
        texts: ['a', 'b'],
      },
      Object.fromEntries(
        [
          'yes',
          'n',
          'big',
          'f',
          'text',
          'day',
          'at',
          'zoned',
          'time',
          'length',
          'bytes',
          'list',
          'texts',
        ].map((name) => [name, null]),
      ),
    ];
    const { statistics } = await write(file, [rows, [{ ...rows[0], n: -1 }]]);
    expect(statistics.parquet_rows_written).toBe(3);
    const read = await drain(new ParquetBatchSource(PLAIN_CONTEXT, { file }), 100);
    expect(read.items).toEqual([...rows, { ...rows[0], n: -1 }]);
  });

  it('writes as text what Parquet has no type for', async () => {
    const file = useFolder().path('text.parquet');
    const map = new Map<string, unknown>([['k', [1n, Uint8Array.of(0)]]]);
    const row = { time: new ZonedTime(3600, 0, -7200), map, nested: [[1], [2]], mixed: 'x' };
    await write(file, [[row, { mixed: new Date(0) }]]);
    const read = await drain(new ParquetBatchSource(PLAIN_CONTEXT, { file }), 100);
    expect(read.items).toEqual([
      { time: '01:00:00-02:00', map: '{"k":["1","AA=="]}', nested: ['[1]', '[2]'], mixed: 'x' },
      { time: null, map: null, nested: null, mixed: '1970-01-01T00:00:00.000Z' },
    ]);
  });

  it('keeps vectors, negative zeros and integers beside floats, or says what does not fit', async () => {
    const folder = useFolder();
    const file = folder.path('floats.parquet');
    const rows = [{ v: Float32Array.of(1, 2), z: -0, f: 2n ** 62n }, { f: 0.5 }];
    await write(file, [rows], { types: { f: 'float' } });
    const source = new ParquetBatchSource(PLAIN_CONTEXT, { file });
    expect(await source.floatColumns()).toEqual(['v', 'z', 'f']);
    expect((await drain(source, 10)).items).toEqual([
      { v: [1, 2], z: -0, f: 2 ** 62 },
      { v: null, z: null, f: 0.5 },
    ]);
    await expect(write(file, [[{ f: 0.5 }], [{ f: 2n ** 53n + 1n }]])).rejects.toMatchObject({
      code: 'GW_SINK_TYPE',
      message: expect.stringContaining('Column `f` is of type float, and 9007199254740993n'),
    });
  });

  it('has the columns of the first batch and of the types, also without a row', async () => {
    const file = useFolder().path('columns.parquet');
    await write(file, [[{ a: 1 }, { b: 'x' }], [{ c: 2.5 }]], { types: { c: 'float' } });
    const read = await drain(new ParquetBatchSource(PLAIN_CONTEXT, { file }), 100);
    expect(read.items).toEqual([
      { a: 1, b: null, c: null },
      { a: null, b: 'x', c: null },
      { a: null, b: null, c: 2.5 },
    ]);
    await write(file, [[]], { types: { c: 'float' } });
    expect((await drain(new ParquetBatchSource(PLAIN_CONTEXT, { file }), 100)).items).toEqual([]);
  });

  it.each([
    ['an integer beyond 64 bits', 2n ** 63n, 'integer'],
    ['a negative duration', new Duration(0, 0, -61, 5), 'duration'],
    ['a duration of more milliseconds than 32 bits', new Duration(0, 0, 4_294_968), 'duration'],
    ['a duration of more days than 31 bits', new Duration(0, 2 ** 31, 0), 'duration'],
    ['a zoned date-time beyond the calendar', new ZonedDateTime(-(2 ** 50), 0), 'zoned datetime'],
    ['a date beyond the calendar of the format', new LocalDate(2 ** 40), 'date'],
    ['a date-time beyond it', new LocalDateTime(2 ** 50, 0), 'local datetime'],
    ['a time with a zone', new ZonedTime(0, 0, 3600), 'time'],
  ])('refuses %s', async (_, x, type) => {
    const file = useFolder().path('x.parquet');
    await expect(write(file, [[{ x }]], { types: { x: type } })).rejects.toMatchObject({
      code: 'GW_SINK_TYPE',
      message: expect.stringContaining(`Column \`x\` is of type ${type}`),
    });
    await write(file, [[{ x }]], { types: { x: 'text' } });
    const read = await drain(new ParquetBatchSource(PLAIN_CONTEXT, { file }), 100);
    expect(read.items).toEqual([{ x: String(x) }]);
  });

  it('keeps the utmost values', async () => {
    const file = useFolder().path('utmost.parquet');
    const at = (sign: number) => ({
      n: sign < 0 ? -(2n ** 63n) : 2n ** 63n - 1n,
      f: sign * Number.MAX_VALUE,
      day: new LocalDate(sign * 2_147_483_645),
      at: new LocalDateTime(sign * 9_223_372_022_400, 0),
      zoned: new ZonedDateTime(sign * 9_223_372_022_400, 0),
      length:
        sign < 0 ? new Duration(0, 0, 0) : new Duration(2 ** 31 - 1, 2 ** 31 - 1, 4_294_967, 295_000_000),
    });
    await write(file, [[at(1), at(-1)]]);
    const read = await drain(new ParquetBatchSource(PLAIN_CONTEXT, { file }), 100);
    expect(read.items).toEqual([at(1), at(-1)]);
  });

  it('says which value does not fit which column, and takes the type that is given', async () => {
    const folder = useFolder();
    const batches = [[{ x: 1, y: null }], [{ x: 1.5, y: 3 }]];
    writeFileSync(folder.path('a.parquet'), 'before');
    await expect(write(folder.path('a.parquet'), batches)).rejects.toMatchObject({
      code: 'GW_SINK_TYPE',
      message: expect.stringContaining('Column `x` is of type integer, and 1.5 (number) does not fit'),
    });
    expect(readFileSync(folder.path('a.parquet'), 'utf8')).toBe('before');
    await write(folder.path('a.parquet'), batches, { types: { x: 'float', y: 'integer' } });
    const read = await drain(new ParquetBatchSource(PLAIN_CONTEXT, { file: folder.path('a.parquet') }), 10);
    expect(read.items).toEqual([
      { x: 1, y: null },
      { x: 1.5, y: 3 },
    ]);
    expect(readdirSync(folder.path('.'))).toEqual(['a.parquet']);
    expect(statSync(folder.path('a.parquet')).size).toBeGreaterThan(100);
  });
});
