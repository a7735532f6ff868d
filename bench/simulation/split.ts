/** Which cell each row falls into, under either plan of buckets, with the real classes. */
import { BalancedBuckets, KeyCounter } from '../../src/parallel/balanced-buckets.ts';
import type { GridShape } from '../../src/parallel/grid.ts';
import { keyBucket, type NodeKey } from '../../src/parallel/id-extractors.ts';
import type { Workload } from './workloads.ts';

export const PLAN_NAMES = ['hash', 'balanced'] as const;
export type PlanName = (typeof PLAN_NAMES)[number];

/** The rows of a workload in the order in which they come, each as the cell that it falls into. */
export interface Split extends GridShape {
  /** By row: row bucket × tableSize + column bucket; mono-partite folded to row ≤ column. */
  readonly cells: Uint32Array;
}

export function split(workload: Workload, plan: PlanName, tableSize: number): Split {
  const { monopartite, starts, ends } = workload;
  const [rows, cols] = bucketsOf(workload, plan, tableSize);
  const cells = new Uint32Array(starts.length);
  for (let i = 0; i < cells.length; i++) {
    const row = rows[starts[i]!]!;
    const col = cols[ends[i]!]!;
    cells[i] = monopartite && row > col ? col * tableSize + row : row * tableSize + col;
  }
  return { tableSize, monopartite, cells };
}

type BucketByKey = readonly number[];

function bucketsOf(
  workload: Workload,
  plan: PlanName,
  tableSize: number,
): readonly [BucketByKey, BucketByKey] {
  const { monopartite, startKeys, endKeys, starts, ends } = workload;
  if (plan === 'hash') {
    const byHash = (keys: readonly NodeKey[]) => keys.map((key) => keyBucket(key, tableSize));
    return [byHash(startKeys), byHash(endKeys)];
  }
  const balance = (keys: readonly NodeKey[], ...sides: readonly Uint32Array[]): BucketByKey => {
    const counter = new KeyCounter();
    for (const side of sides) for (const index of side) counter.add(keys[index]!);
    const buckets = new BalancedBuckets(counter.counts(), tableSize);
    return keys.map((key) => buckets.bucketOf(key));
  };
  if (!monopartite) return [balance(startKeys, starts), balance(endKeys, ends)];
  const both = balance(startKeys, starts, ends);
  return [both, both];
}

/** Rows by cell. */
export function rowsByCell({ tableSize, cells }: Split): Uint32Array {
  const counts = new Uint32Array(tableSize * tableSize);
  for (const cell of cells) counts[cell]!++;
  return counts;
}
