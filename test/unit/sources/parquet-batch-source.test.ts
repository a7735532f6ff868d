import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { Duration, LocalDate, LocalDateTime, LocalTime, ZonedDateTime } from '../../../src/core/temporal.ts';
import {
  ParquetBatchSource,
  type ParquetBatchSourceOptions,
} from '../../../src/sources/parquet-batch-source.ts';
import { drain, PLAIN_CONTEXT } from '../../support/batches.ts';
import { useFolder } from '../../support/files.ts';
import { writeParquet } from '../../support/parquet.ts';

function source(file: string, options: Omit<ParquetBatchSourceOptions, 'file'> = {}): ParquetBatchSource {
  return new ParquetBatchSource(PLAIN_CONTEXT, { file, ...options });
}

async function only(select: string, options: Omit<ParquetBatchSourceOptions, 'file'> = {}): Promise<unknown> {
  const file = await writeParquet(useFolder().path('a.parquet'), select);
  return (await drain(source(file, options), 10)).items[0];
}

describe('ParquetBatchSource', () => {
  it('reads rows in order, in batches of the size asked for, and knows how many there are', async () => {
    const file = await writeParquet(useFolder().path('a.parquet'), 'SELECT range AS id FROM range(5001)');
    const parquet = source(file);
    await expect(parquet.countRows()).resolves.toBe(5_001);
    const { items, batches, statistics } = await drain(parquet, 2_000);
    expect(items.map(({ id }) => id)).toEqual(Array.from({ length: 5_001 }, (_, i) => i));
    expect(batches.map(({ batchSize }) => batchSize)).toEqual([2_000, 2_000, 1_001]);
    expect(statistics).toEqual({ parquet_rows_read: 5_001 });
  });

  it('keeps 64-bit integers whole: numbers where that is safe, bigints beyond', async () => {
    expect(
      await only(
        'SELECT 9007199254740991::BIGINT a, 9007199254740993::BIGINT b, (-9223372036854775808)::BIGINT c',
      ),
    ).toEqual({
      a: 9007199254740991,
      b: 9007199254740993n,
      c: -9223372036854775808n,
    });
    expect(await only('SELECT 18446744073709551615::UBIGINT a')).toEqual({ a: 18446744073709551615n });
  });

  it('refuses whole decimals that no float equals', async () => {
    const of = (number: string) => `SELECT ${number}::DECIMAL(20,2) AS d`;
    await expect(only(of('9007199254740993'))).rejects.toMatchObject({
      code: 'GW_SOURCE_FORMAT',
      message: expect.stringContaining('the number 9007199254740993.00, which no float holds'),
    });
    expect(await only(of('9007199254740993'), { decimals: 'text' })).toEqual({ d: '9007199254740993.00' });
    expect(await only(of('9007199254740994'))).toEqual({ d: 9007199254740994 });
    expect(await only(of('-9007199254740993.25'))).toEqual({ d: -9007199254740994 });
  });

  it('keeps dates and times exact, also before 1582, after 9999 and with microseconds', async () => {
    const row = (await only(`SELECT TIMESTAMP '2001-02-03 04:05:06.789012' AS ts, DATE '0044-03-15' AS ides,
      TIMESTAMP '12345-01-01 00:00:00' AS far, TIME '23:59:59.000001' AS t,
      TIMESTAMPTZ '2001-02-03 04:05:06+02' AS z, TIMESTAMP_NS '2001-02-03 04:05:06.123456789' AS ns`)) as Record<
      string,
      unknown
    >;
    expect(row.ts).toBeInstanceOf(LocalDateTime);
    expect(row.ides).toBeInstanceOf(LocalDate);
    expect(row.t).toBeInstanceOf(LocalTime);
    expect(row.z).toBeInstanceOf(ZonedDateTime);
    expect(Object.values(row).map(String)).toEqual([
      '2001-02-03T04:05:06.789012',
      '0044-03-15',
      '+12345-01-01T00:00:00',
      '23:59:59.000001',
      '2001-02-03T02:05:06Z',
      '2001-02-03T04:05:06.123456789',
    ]);
  });

  it('reads intervals, lists, structs, blobs, UUIDs, booleans and nulls', async () => {
    expect(
      await only(`SELECT INTERVAL 14 MONTH AS i, [1, NULL, 3] AS l, {'a': 1, 'b': 'x'} AS s, '\\xAA'::BLOB AS b,
        'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::UUID AS u, true AS t, NULL::INTEGER AS n`),
    ).toEqual({
      i: new Duration(14, 0, 0, 0),
      l: [1, null, 3],
      s: { a: 1, b: 'x' },
      b: new Uint8Array([0xaa]),
      u: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
      t: true,
      n: null,
    });
  });

  it('gives decimals as numbers, or exact as text, and names the floating columns', async () => {
    const select = "SELECT 12345678901234567.89::DECIMAL(20,2) AS d, 1.0::DOUBLE AS f, 1 AS i, 'x' AS s";
    const file = await writeParquet(useFolder().path('a.parquet'), select);
    await expect(source(file).floatColumns()).resolves.toEqual(['d', 'f']);
    expect((await drain(source(file), 10)).items[0]).toMatchObject({
      d: Number('12345678901234567.89'),
      f: 1,
    });
    expect((await drain(source(file, { decimals: 'text' }), 10)).items[0]).toMatchObject({
      d: '12345678901234567.89',
    });
  });

  it('reads chosen columns and the first rows of several files', async () => {
    const folder = useFolder();
    await writeParquet(folder.path('1.parquet'), 'SELECT range AS id, range * 2 AS twice FROM range(3)');
    await writeParquet(folder.path('2.parquet'), 'SELECT range + 3 AS id, 0 AS twice FROM range(3)');
    const parquet = source(folder.path('*.parquet'), { columns: ['id'], maxRows: 4 });
    await expect(parquet.countRows()).resolves.toBe(4);
    expect((await drain(parquet, 10)).items).toEqual([{ id: 0 }, { id: 1 }, { id: 2 }, { id: 3 }]);
  });

  it('refuses files of a pattern that have other columns', async () => {
    const folder = useFolder();
    await writeParquet(folder.path('1.parquet'), 'SELECT 1 AS id, 2 AS n');
    await writeParquet(folder.path('2.parquet'), "SELECT 'b' AS n, 3 AS id");
    const warnings: string[] = [];
    const reporter = { ...PLAIN_CONTEXT.reporter, warn: (message: string) => void warnings.push(message) };
    const both = new ParquetBatchSource({ ...PLAIN_CONTEXT, reporter }, { file: folder.path('*.parquet') });
    expect((await drain(both, 10)).items).toEqual([
      { id: 1, n: 2 },
      { id: 3, n: 'b' },
    ]);
    expect(warnings).toEqual([expect.stringMatching(/^Column n is INTEGER in .*1\.parquet and VARCHAR in /)]);
    await writeParquet(folder.path('3.parquet'), 'SELECT 1 AS id, 2 AS m');
    const files = source(folder.path('*.parquet'));
    await expect(files.countRows()).rejects.toMatchObject({
      code: 'GW_SOURCE_FORMAT',
      message: expect.stringContaining('3.parquet has no column n'),
    });
    const { items } = await drain(source(folder.path('*.parquet'), { columns: ['id'] }), 10);
    expect(items).toEqual([{ id: 1 }, { id: 3 }, { id: 1 }]);
  });

  it('refuses an infinite timestamp, a missing file, a missing column and what is not Parquet', async () => {
    await expect(only("SELECT 'infinity'::TIMESTAMP AS t")).rejects.toMatchObject({
      code: 'GW_SOURCE_FORMAT',
    });
    const folder = useFolder();
    await expect(drain(source(folder.path('no.parquet')), 1)).rejects.toMatchObject({
      code: 'GW_SOURCE_MISSING',
    });
    const text = folder.write('text.parquet', 'id\n1\n');
    await expect(drain(source(text), 1)).rejects.toMatchObject({
      code: 'GW_SOURCE_FORMAT',
      message: expect.stringMatching(/text\.parquet cannot be read as Parquet: .+/),
    });
    const file = await writeParquet(folder.path('a.parquet'), 'SELECT 1 AS id');
    await expect(drain(source(file, { columns: ['idd'] }), 1)).rejects.toMatchObject({
      code: 'GW_SOURCE_FORMAT',
      message: expect.stringContaining('has no column idd; it has id.'),
    });
  });

  it('counts keys as long as the memory does, and gives up instead of failing', async () => {
    const folder = useFolder();
    const keys = 'SELECT range AS a, hash(range) AS b FROM range';
    const counted = async (rows: number) => {
      const file = await writeParquet(folder.path(`${rows}.parquet`), `${keys}(${rows})`);
      const counts = await source(file, { memoryLimitMb: 64 }).countKeys([['a'], ['b']]);
      return counts?.map(({ totalRows }) => totalRows);
    };
    expect(await counted(500_000)).toEqual([500_000, 500_000]);
    expect(await counted(8_000_000)).toBeUndefined();
  });

  it('says which file is broken in its midst, and which one needs more memory', async () => {
    const folder = useFolder();
    const texts = Array.from({ length: 4 }, (_, c) => `range || repeat('x', 500) AS c${c}`).join(', ');
    const file = await writeParquet(folder.path('wide.parquet'), `SELECT ${texts} FROM range(20000)`);
    await expect(drain(source(file, { memoryLimitMb: 64 }), 1_000)).rejects.toMatchObject({
      code: 'GW_SOURCE_MEMORY',
      message: expect.stringMatching(/wide\.parquet .*`memoryLimitMb`/),
    });
    expect((await drain(source(file), 1_000)).items).toHaveLength(20_000);
    const bytes = await readFile(file);
    bytes.fill(0xff, 50_000, 60_000);
    const broken = folder.write('broken.parquet', bytes);
    await expect(drain(source(broken), 1_000)).rejects.toMatchObject({
      code: 'GW_SOURCE_FORMAT',
      message: expect.stringMatching(/broken\.parquet cannot be read as Parquet: .+/),
    });
  });
});
