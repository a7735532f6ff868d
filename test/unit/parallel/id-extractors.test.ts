import { describe, expect, it } from 'vitest';
import { ConfigError, ValidationError } from '../../../src/core/errors.ts';
import {
  dictIdExtractor,
  keyBucket,
  MAX_TABLE_SIZE,
  type NodeKey,
  tupleIdExtractor,
} from '../../../src/parallel/id-extractors.ts';

const SIZES = [...Array.from({ length: 64 }, (_, i) => i + 1), 100, 256, 1000];

/**
 * How far bucket counts are from those of an ideal random hash, in standard deviations: the chi-square statistic as a
 * normal one (Wilson and Hilferty 1931). The keys are fixed, so a result never changes between runs.
 */
function unevenness(keys: readonly NodeKey[], tableSize: number): number {
  if (tableSize === 1) return 0;
  const counts = new Float64Array(tableSize);
  for (const key of keys) {
    const bucket = keyBucket(key, tableSize);
    counts[bucket] = counts[bucket]! + 1;
  }
  const expected = keys.length / tableSize;
  const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  const freedom = tableSize - 1;
  const variance = 2 / (9 * freedom);
  return (Math.cbrt(chiSquare / freedom) - (1 - variance)) / Math.sqrt(variance);
}

const KEYS = 10_000;
const integers = (make: (i: number) => NodeKey) => Array.from({ length: KEYS }, (_, i) => make(i));

describe('keyBucket', () => {
  it.each<[string, (i: number) => NodeKey]>([
    ['sequential ids', (i) => i],
    ['sequential ids from a million', (i) => 1_000_000 + i],
    ['sequential negative ids', (i) => -1 - i],
    ['even ids', (i) => 2 * i],
    ['every tenth id', (i) => 10 * i],
    ['every 64th id', (i) => 64 * i],
    ['every hundredth id', (i) => 100 * i + 7],
    ['every thousandth id', (i) => 1000 * i],
    ['every 1024th id', (i) => 1024 * i],
    ['every 65,536th id', (i) => 65_536 * i],
    ['ids above 32 bits', (i) => 2 ** 40 + i],
    ['ids that differ above 32 bits only', (i) => 2 ** 32 * i],
    ['sequential bigints', (i) => BigInt(i)],
    ['bigints of 64 bits with a time in front', (i) => (1_700_000_000_000n + BigInt(i)) << 22n],
    ['fractions', (i) => i + 0.5],
    ['numeric strings', (i) => String(i)],
    ['strided numeric strings', (i) => String(100 * i)],
    ['padded numeric strings', (i) => String(i).padStart(12, '0')],
    ['strings with a prefix', (i) => `user-${i}`],
    ['strings with a suffix', (i) => `${i}@example.org`],
  ])('spreads %s evenly at any table size', (_, make) => {
    const keys = integers(make);
    const worst = Math.max(...SIZES.map((size) => unevenness(keys, size)));
    expect(worst).toBeLessThan(4.5);
  });

  it('spreads ids whose stride is the table size', () => {
    for (const size of SIZES)
      expect(
        unevenness(
          integers((i) => i * size),
          size,
        ),
      ).toBeLessThan(5);
  });

  it('spreads neighbours over the cells of the grid', () => {
    const counts = new Float64Array(100);
    for (let i = 0; i < KEYS; i++) {
      const cell = keyBucket(i, 10) * 10 + keyBucket(i + 1, 10);
      counts[cell] = counts[cell]! + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(0.6 * (KEYS / 100));
    expect(Math.max(...counts)).toBeLessThan(1.4 * (KEYS / 100));
  });

  it('gives integers from 0 to tableSize - 1, and uses all of them', () => {
    for (const size of SIZES) {
      const buckets = new Set(integers((i) => i).map((key) => keyBucket(key, size)));
      expect([...buckets].toSorted((a, b) => a - b)).toEqual(Array.from({ length: size }, (_, i) => i));
    }
  });

  it('gives equal keys equal buckets: a number, the bigint of the same value, and both zeros', () => {
    for (const key of [0, 1, -1, 7, 2 ** 31, 2 ** 32 - 1, -(2 ** 32), 2 ** 53, -(2 ** 53), 2 ** 60, 1e300]) {
      expect(keyBucket(BigInt(key), 4096)).toBe(keyBucket(key, 4096));
    }
    expect(keyBucket(-0, 4096)).toBe(keyBucket(0, 4096));
  });

  it('is MurmurHash3 of an integer and FNV-1a of a string, scaled to the table size', () => {
    // 0x514e28b7 is the published MurmurHash3 finaliser of 1; both hashes are pinned by their first bits here.
    expect(keyBucket(1, 4096)).toBe(0x514);
    expect(keyBucket(1, 16)).toBe(0x5);
    expect(keyBucket('a', 4096)).toBe(fmix32(0xe40c292c) >>> 20); // published: FNV-1a of "a"
    expect(keyBucket('foobar', 4096)).toBe(fmix32(0xbf9cf968) >>> 20); // published: FNV-1a of "foobar"
  });

  it('never changes: a resumed load splits as the first run did', () => {
    const keys: NodeKey[] = [
      0,
      1,
      2,
      3,
      42,
      -1,
      123_456_789,
      2 ** 40,
      2 ** 53 - 1,
      0.5,
      10n ** 18n,
      -(10n ** 18n),
    ];
    const texts = [
      '',
      '0',
      '1',
      '42',
      'JFK',
      'São Paulo',
      '東京',
      '😀',
      'a1b2c3d4-0000-4000-8000-000000000000',
    ];
    expect(keys.map((key) => keyBucket(key, 1000))).toEqual([
      0, 317, 191, 523, 33, 358, 728, 508, 496, 906, 817, 434,
    ]);
    expect(texts.map((key) => keyBucket(key, 1000))).toEqual([668, 394, 332, 159, 74, 972, 173, 416, 139]);
  });
});

/** MurmurHash3's 32-bit finaliser, written down a second time. */
function fmix32(word: number): number {
  let h = BigInt(word);
  h = ((h ^ (h >> 16n)) * 0x85ebca6bn) & 0xffffffffn;
  h = ((h ^ (h >> 13n)) * 0xc2b2ae35n) & 0xffffffffn;
  return Number(h ^ (h >> 16n));
}

describe('tupleIdExtractor', () => {
  it('gives the buckets of start and end', () => {
    const extract = tupleIdExtractor({ tableSize: 100 });
    expect(extract([17, 'JFK'])).toEqual([keyBucket(17, 100), keyBucket('JFK', 100)]);
    expect(extract(['JFK', 17])).toEqual([keyBucket('JFK', 100), keyBucket(17, 100)]);
  });

  it('has a table of 10 by default', () => {
    const extract = tupleIdExtractor();
    const rows = Array.from({ length: 1000 }, (_, i) => extract([i, i]));
    expect(rows).toEqual(rows.map((_, i) => [keyBucket(i, 10), keyBucket(i, 10)]));
  });

  it('names the key and the row when a key is missing or null', () => {
    const extract = tupleIdExtractor();
    expect(() => extract([1] as never)).toThrow(ValidationError);
    expect(() => extract([1] as never)).toThrow(/Key `1` is missing.*\[1\]/);
    expect(() => extract([null, 'JFK'])).toThrow(/Key `0` is null.*\[null,"JFK"\]/);
    expect(() => extract([undefined, 'JFK'])).toThrow(/Key `0` is missing/);
  });
});

describe('dictIdExtractor', () => {
  it('takes the fields start and end, and a table of 10, by default', () => {
    const extract = dictIdExtractor();
    expect(extract({ start: 5, end: 'x', other: 1 })).toEqual([keyBucket(5, 10), keyBucket('x', 10)]);
  });

  it('takes the fields that it is told', () => {
    const extract = dictIdExtractor({ tableSize: 64, startKey: 'origin', endKey: 'dest' });
    expect(extract({ origin: 'JFK', dest: 'SFO', start: 1 })).toEqual([
      keyBucket('JFK', 64),
      keyBucket('SFO', 64),
    ]);
  });

  it('keeps the order of start and end for two node spaces', () => {
    const extract = dictIdExtractor({ tableSize: 64 });
    const [row, col] = extract({ start: 1, end: 2 });
    expect(row).not.toBe(col);
    expect(extract({ start: 2, end: 1 })).toEqual([col, row]);
    expect(extract.monopartite).toBe(false);
  });

  it('folds start and end of one node space to row <= col', () => {
    const extract = dictIdExtractor({ tableSize: 64, monopartite: true });
    expect(extract.monopartite).toBe(true);
    for (let i = 0; i < 200; i++) {
      const [row, col] = extract({ start: i, end: i * 7 + 1 });
      expect(row).toBeLessThanOrEqual(col);
      expect(extract({ start: i * 7 + 1, end: i })).toEqual([row, col]);
    }
  });

  it.each([
    [{ end: 1 }, /Key `start` is missing.*\{"end":1\}/],
    [{ start: undefined, end: 1 }, /Key `start` is missing/],
    [{ start: 1, end: null }, /Key `end` is null.*\{"start":1,"end":null\}/],
    [{ start: 1, end: true }, /Key `end` is true \(boolean\)/],
    [{ start: Number.NaN, end: 1 }, /Key `start` is NaN/],
    [{ start: 1, end: [1] }, /Key `end` is \[1\] \(array\)/],
    [{ start: new Date(0), end: 1 }, /Key `start` is "1970.*object/],
  ])('names key and row for %o', (row, message) => {
    const extract = dictIdExtractor();
    expect(() => extract(row)).toThrow(message);
    expect(() => extract(row)).toThrow(
      expect.objectContaining({ name: 'ValidationError', code: 'GW_SPLIT_KEY' }),
    );
  });

  it('gives key and row in the details, and the row number in the message where there is one', () => {
    const item = { _row: 812, start: 1 };
    expect(() => dictIdExtractor({ endKey: 'dest' })(item)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining('row 812'),
        details: { key: 'dest', item },
      }),
    );
  });

  it('takes blank strings, zero and negative keys for what they are: keys', () => {
    expect(() => dictIdExtractor()({ start: '', end: 0 })).not.toThrow();
    expect(() => dictIdExtractor()({ start: -1n, end: -0.5 })).not.toThrow();
  });
});

describe('the options of extractors', () => {
  it.each([0, -1, 2.5, MAX_TABLE_SIZE + 1, '10', Number.NaN])('refuse %s as tableSize', (tableSize) => {
    for (const make of [tupleIdExtractor, dictIdExtractor]) {
      const act = () => make({ tableSize: tableSize as number });
      expect(act).toThrow(ConfigError);
      expect(act).toThrow(/`tableSize` must be an integer from 1 to 4096, got /);
    }
  });

  it('refuse blank field names', () => {
    expect(() => dictIdExtractor({ startKey: '' })).toThrow(/`startKey` must be a non-blank string/);
    expect(() => dictIdExtractor({ endKey: 5 as never })).toThrow(
      /`endKey` must be a non-blank string, got 5/,
    );
  });
});
