/** How near each plan of buckets lets any schedule come to all rows divided by the workers. */
import { defaultSplit } from './setting.ts';
import { PLAN_NAMES, type PlanName, rowsByCell, type Split } from './split.ts';
import type { Workload } from './workloads.ts';

/** By plan, and what the heaviest key alone allows any plan; 1 is the ideal. */
export type BucketPlans = Readonly<Record<PlanName | 'heaviest key', number>>;

export function bucketPlans(workload: Workload, workers: number): BucketPlans {
  const plans = PLAN_NAMES.map(
    (plan) => [plan, reach(defaultSplit(workload, plan, workers), workers)] as const,
  );
  const ideal = workload.starts.length / workers;
  const limit = Math.min(1, ideal / heaviestKeyRows(workload));
  return { ...(Object.fromEntries(plans) as Record<PlanName, number>), 'heaviest key': limit };
}

/** The ideal by the bound: the fullest bucket, or the ideal itself. */
function reach(cells: Split, workers: number): number {
  const { tableSize, monopartite } = cells;
  const rows = new Float64Array(tableSize);
  const cols = monopartite ? rows : new Float64Array(tableSize);
  for (const [cell, count] of rowsByCell(cells).entries()) {
    const [row, col] = [Math.floor(cell / tableSize), cell % tableSize];
    rows[row]! += count;
    if (!monopartite || row !== col) cols[col]! += count;
  }
  const ideal = cells.cells.length / workers;
  return ideal / Math.max(ideal, ...rows, ...cols);
}

function heaviestKeyRows({ monopartite, startKeys, endKeys, starts, ends }: Workload): number {
  const ofStarts = new Uint32Array(startKeys.length);
  const ofEnds = monopartite ? ofStarts : new Uint32Array(endKeys.length);
  for (const [i, start] of starts.entries()) {
    ofStarts[start]!++;
    if (!monopartite || start !== ends[i]) ofEnds[ends[i]!]!++;
  }
  return [ofStarts, ofEnds].flatMap((counts) => [...counts]).reduce((most, rows) => Math.max(most, rows), 0);
}
