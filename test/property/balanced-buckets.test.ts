import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BalancedBuckets, KeyCounter, type KeyRows, planSplit } from '../../src/parallel/balanced-buckets.ts';
import { keyBucket, type NodeKey } from '../../src/parallel/id-extractors.ts';

const counts = fc
  .uniqueArray(fc.oneof(fc.string({ minLength: 1, maxLength: 6 }), fc.integer({ min: 0, max: 99 })), {
    maxLength: 40,
  })
  .chain((keys) =>
    fc.record({
      heavy: fc.tuple(...keys.map((key) => fc.nat(10_000).map((rows): KeyRows => [key, rows + 1]))),
      tail: fc.nat(50_000),
    }),
  )
  .map(({ heavy, tail }) => ({
    heavy: [...heavy].sort((a, b) => b[1] - a[1]),
    totalRows: tail + heavy.reduce((sum, [, rows]) => sum + rows, 0),
  }));

describe('BalancedBuckets', () => {
  it('is never worse than the mean and the heaviest key together (Graham), whatever the keys', () => {
    fc.assert(
      fc.property(counts, fc.integer({ min: 1, max: 32 }), (given, tableSize) => {
        const { loads } = new BalancedBuckets(given, tableSize);
        const total = loads.reduce((a, b) => a + b, 0);
        expect(total).toBeCloseTo(given.totalRows, 3);
        const heaviest = given.heavy[0]?.[1] ?? 0;
        expect(Math.max(...loads)).toBeLessThanOrEqual(given.totalRows / tableSize + heaviest + 1e-6);
      }),
    );
  });

  it('gives the same bucket for the same counts in any order, and for equal numbers of any type, however they were counted', () => {
    fc.assert(
      fc.property(counts, fc.integer({ min: 1, max: 32 }), fc.string(), (given, tableSize, other) => {
        const buckets = new BalancedBuckets(given, tableSize);
        const again = new BalancedBuckets({ ...given, heavy: [...given.heavy].reverse() }, tableSize);
        for (const key of [...given.heavy.map(([key]) => key), other]) {
          const bucket = buckets.bucketOf(key);
          expect(bucket).toBe(again.bucketOf(key));
          expect(Number.isInteger(bucket) && bucket >= 0 && bucket < tableSize).toBe(true);
        }
      }),
    );
    const large = 2n ** 60n + 1n;
    const counter = new KeyCounter();
    for (const key of [7, 7n, -0, 0, 0n, 0, large, large, large, '7']) counter.add(key);
    const { heavy } = counter.counts();
    expect(heavy).toEqual([
      [0, 4],
      [String(large), 3],
      [7, 2],
      ['7', 1],
    ]);
    const buckets = new BalancedBuckets({ heavy, totalRows: 10 }, 4);
    const ofEach = [[-0, 0, 0n], [large], [7, 7n], ['7']].map((keys) =>
      keys.map((key) => buckets.bucketOf(key)),
    );
    expect(ofEach).toEqual([[0, 0, 0], [1], [2, 2], [3]]);
  });

  it('reaches the bound that the heaviest key sets under a power law, where hashing falls far short', () => {
    const heavy = Array.from({ length: 10_000 }, (_, i) => [`k${i}`, Math.round(1e6 / (i + 1))] as const);
    const counter = new KeyCounter();
    for (const key of ['a', 7, 7n]) counter.add(key);
    expect(counter.counts()).toEqual({
      heavy: [
        [7, 2],
        ['a', 1],
      ],
      totalRows: 3,
      usualRows: 1,
    });
    const totalRows = 12_000_000; // the rest are keys beyond the count
    const given = { heavy, totalRows };
    const [workers, tableSize] = [16, 48];
    const plan = (bucketOf: (key: NodeKey) => number, buckets: 'hash' | 'balanced') =>
      planSplit([{ side: 'both', counts: given, bucketOf }], { workers, tableSize, totalRows, buckets });
    const byHash = plan((key) => keyBucket(key, tableSize), 'hash');
    const fitted = new BalancedBuckets(given, tableSize);
    const balanced = plan((key) => fitted.bucketOf(key), 'balanced');
    expect(balanced.lowerBoundRows).toBeLessThan(1.05 * Math.max(1e6, totalRows / tableSize + 1));
    expect(byHash.expectedSpeedup).toBeLessThan(0.85 * balanced.expectedSpeedup);
    expect(balanced.hubs).toEqual([{ side: 'both', key: 'k0', rows: 1e6, isShared: false }]);
  });
});

describe('planSplit', () => {
  it('names the bound, what sets it, and the hubs', () => {
    const given = {
      heavy: [
        ['hub', 60],
        ['b', 10],
      ] as [string, number][],
      totalRows: 100,
    };
    const plan = planSplit([{ side: 'end', counts: given, bucketOf: (key) => (key === 'hub' ? 3 : 0) }], {
      workers: 4,
      tableSize: 8,
      totalRows: 100,
      buckets: 'hash',
    });
    expect(plan).toMatchObject({
      lowerBoundRows: 64, // the hub and an eighth of the tail
      limitingBucket: { side: 'end', bucket: 3 },
      hubs: [{ side: 'end', key: 'hub', rows: 60 }],
    });
    expect(plan.expectedSpeedup).toBeCloseTo(100 / 64);
  });
});
