/**
 * Buckets that fit skewed keys. Heavy keys go one by one, the heaviest first, into the bucket that has least (longest
 * processing time first: Graham, "Bounds on multiprocessing timing anomalies", 1969); the tail goes by hash, which
 * spreads what is many and light evenly. The same counts give the same buckets.
 */
import { keyBucket, type NodeKey, type PlainKey, plainKey } from './id-extractors.ts';

/** A key and its rows; an integer that no number holds exactly is text. */
export type KeyRows = readonly [key: PlainKey, rows: number];

/** How often the keys of one node space occur, as far as they were counted. */
export interface KeyCounts {
  /** Keys and their rows, the heaviest first. */
  readonly heavy: readonly KeyRows[];
  /** Rows of all keys, those that are not listed included. */
  readonly totalRows: number;
  /** Of this many rows or more are the keys that have 99 % of all rows. Default: not known. */
  readonly usualRows?: number;
}

/** Share of the rows that may belong to keys with fewer than `usualRows`. */
export const RARE_SHARE = 0.01;

/** Counts more keys than this by hash; a heavy list of this size is a megabyte. */
export const MAX_HEAVY_KEYS = 10_000;

export class BalancedBuckets {
  readonly tableSize: number;
  /** By bucket: rows that it will have, of those that were counted. */
  readonly loads: readonly number[];
  readonly #byKey: ReadonlyMap<PlainKey, number>;

  constructor({ heavy, totalRows }: KeyCounts, tableSize: number) {
    this.tableSize = tableSize;
    const listed = heavy.slice(0, MAX_HEAVY_KEYS).sort(heavierFirst);
    const tail = totalRows - listed.reduce((sum, [, rows]) => sum + rows, 0);
    const loads = new Array<number>(tableSize).fill(Math.max(0, tail) / tableSize);
    const placed = listed.map(([key, rows]) => {
      let emptiest = 0;
      for (let bucket = 1; bucket < tableSize; bucket++)
        if (loads[bucket]! < loads[emptiest]!) emptiest = bucket;
      loads[emptiest]! += rows;
      return [key, emptiest] as const;
    });
    this.#byKey = new Map(placed);
    this.loads = loads;
  }

  /** Gives the bucket of a key, from 0 to tableSize − 1. */
  bucketOf(key: NodeKey): number {
    return this.#byKey.get(plainKey(key)) ?? keyBucket(key, this.tableSize);
  }
}

function heavierFirst([a, rowsOfA]: KeyRows, [b, rowsOfB]: KeyRows): number {
  const isBefore = typeof a === typeof b ? a < b : typeof a === 'number';
  return rowsOfB - rowsOfA || (isBefore ? -1 : 1);
}

/** Counts keys as they come, up to a bound of distinct ones. */
export class KeyCounter {
  readonly #rows = new Map<PlainKey, number>();
  #total = 0;

  add(key: NodeKey): void {
    const plain = plainKey(key);
    this.#total++;
    const rows = this.#rows.get(plain);
    if (rows !== undefined || this.#rows.size < 20 * MAX_HEAVY_KEYS) this.#rows.set(plain, (rows ?? 0) + 1);
  }

  counts(): KeyCounts {
    const sorted = [...this.#rows].sort(heavierFirst);
    let rare = RARE_SHARE * this.#total - (this.#total - sorted.reduce((sum, [, rows]) => sum + rows, 0));
    const usual = sorted.findLast(([, rows]) => {
      rare -= rows;
      return rare < 0;
    });
    return {
      heavy: sorted.slice(0, MAX_HEAVY_KEYS),
      totalRows: this.#total,
      ...(usual && { usualRows: usual[1] }),
    };
  }
}

/** A key that carries many rows, and on which end. */
export interface PlannedKey {
  readonly side: 'start' | 'end' | 'both';
  readonly key: PlainKey;
  readonly rows: number;
}

/** What a split can reach at best, and what limits it. */
export interface SplitPlan {
  readonly totalRows: number;
  readonly workers: number;
  readonly tableSize: number;
  readonly buckets: 'hash' | 'balanced';
  /** No schedule is shorter than this many rows written one after the other (Gonzalez and Sahni, 1976). */
  readonly lowerBoundRows: number;
  /** The bucket that limits it, or undefined where the number of workers does. */
  readonly limitingBucket: { readonly side: 'start' | 'end' | 'both'; readonly bucket: number } | undefined;
  /** Against one writer, at best: totalRows / lowerBoundRows. */
  readonly expectedSpeedup: number;
  /** Keys that alone carry more than a worker's share of the rows, the heaviest first. */
  readonly hubs: readonly (PlannedKey & {
    /** Whether its rows are written side by side, so that it limits nothing. */
    readonly isShared: boolean;
  })[];
  /**
   * Every key whose rows need no claim, the heaviest first: together with the settings above it says in which cell a row
   * lands, so a split can be described and repeated.
   */
  readonly sharedKeys: readonly PlannedKey[];
}

/** One side of the grid, or both where they are one node space. */
export interface PlannedSide {
  readonly side: 'start' | 'end' | 'both';
  readonly counts: KeyCounts;
  readonly bucketOf: (key: PlainKey) => number;
  /** Keys that need no claim. Default: none. */
  readonly shared?: readonly KeyRows[];
}

/** Says what a split can reach. Pure; from counts, without the rows. */
export function planSplit(
  sides: readonly PlannedSide[],
  {
    workers,
    tableSize,
    totalRows,
    buckets,
  }: Pick<SplitPlan, 'workers' | 'tableSize' | 'totalRows' | 'buckets'>,
): SplitPlan {
  let lowerBoundRows = Math.ceil(totalRows / workers);
  let limitingBucket: SplitPlan['limitingBucket'];
  const hubs: SplitPlan['hubs'][number][] = [];
  const sharedKeys: PlannedKey[] = [];
  for (const { side, counts, bucketOf, shared = [] } of sides) {
    const sharedHere = new Set(shared.map(([key]) => key));
    sharedKeys.push(...shared.map(([key, rows]) => ({ side, key, rows })));
    const listed = counts.heavy.reduce((sum, [, rows]) => sum + rows, 0);
    const loads = new Array<number>(tableSize).fill(Math.max(0, counts.totalRows - listed) / tableSize);
    for (const [key, rows] of counts.heavy) {
      const isShared = sharedHere.has(key);
      // Rows between two shared keys also load a bucket, which a count of single keys does not show: a bound all the same.
      if (!isShared) loads[bucketOf(key)]! += rows;
      if (rows > totalRows / workers) hubs.push({ side, key, rows, isShared });
    }
    for (const [bucket, load] of loads.entries()) {
      if (load <= lowerBoundRows) continue;
      lowerBoundRows = Math.ceil(load);
      limitingBucket = { side, bucket };
    }
  }
  return {
    totalRows,
    workers,
    tableSize,
    buckets,
    lowerBoundRows,
    limitingBucket,
    expectedSpeedup: lowerBoundRows === 0 ? 1 : totalRows / lowerBoundRows,
    hubs: hubs.sort((a, b) => b.rows - a.rows),
    sharedKeys: sharedKeys.sort((a, b) => b.rows - a.rows),
  };
}
