/**
 * Keys whose rows need no claim. A key with a large share of all rows makes its bucket the critical path; where the
 * server lets several writers work on its node at once (which statements, the mapping knows), its rows go to the shared
 * bucket, `tableSize`, and are told apart by the other end's bucket. Which keys those are follows from the counts alone:
 * the same input and settings give the same cells, whatever the database holds.
 */
import type { KeyCounts, KeyRows } from './balanced-buckets.ts';
import { keyBucket, type NodeKey } from './id-extractors.ts';

/** Keys of one side, heaviest first, each with its rows. */
export type HeavyKeys = readonly KeyRows[];

/**
 * Gives the keys with more rows than a bucket's fair share. A bucket without one of them has, with two buckets a worker, at
 * most that key's half and as much of others: a worker's share, which limits nothing. The number of workers itself does
 * not matter, so that a load may go on with another one.
 */
export function hubsOf({ heavy }: KeyCounts, totalRows: number, tableSize: number): HeavyKeys {
  return heavy.filter(([, rows]) => rows > totalRows / tableSize);
}

/** Leaves keys out of a count, so that no bucket is kept free for them. */
export function withoutKeys(
  { heavy, totalRows }: KeyCounts,
  left: HeavyKeys,
): Pick<KeyCounts, 'heavy' | 'totalRows'> {
  const keys = new Set(left.map(([key]) => key));
  return {
    heavy: heavy.filter(([key]) => !keys.has(key)),
    totalRows: totalRows - left.reduce((sum, [, rows]) => sum + rows, 0),
  };
}

/**
 * Gives the bucket that stands for the other end of a row whose both ends are shared. The server needs no claim there;
 * a pair of nodes still stays in one cell, in either direction, and other pairs run beside it.
 */
export function pairBucket(start: NodeKey, end: NodeKey, tableSize: number): number {
  const [a, b] = [String(start), String(end)];
  return keyBucket(a < b ? `${a}\n${b}` : `${b}\n${a}`, tableSize);
}
