/** What the planner itself takes, on the clock of this machine: the one figure here that is not simulated. */
import { ClaimsSchedule } from '../../src/parallel/claims-schedule.ts';
import { cellCount } from '../../src/parallel/grid.ts';
import { leastLevel } from '../../src/parallel/split-by-claims.ts';
import { type Split, split } from './split.ts';
import type { Workload } from './workloads.ts';

const TABLE_SIZE = 256;
const WORKERS = TABLE_SIZE / 2;
const BATCH_SIZE = 500;

export interface PlannerCost {
  readonly tableSize: number;
  readonly workers: number;
  readonly rows: number;
  readonly decisions: number;
  readonly pushMicros: number;
  /** Of starting a cell or finding none, and of finishing it. */
  readonly decisionMicros: number;
}

/** Pushes all rows, then starts and finishes cells in turn with all workers busy until nothing is left. */
export function plannerCost(workload: Workload): PlannerCost {
  run(split(workload, 'hash', TABLE_SIZE)); // warms the compiler up
  return run(split(workload, 'hash', TABLE_SIZE));
}

function run({ tableSize, monopartite, cells }: Split): PlannerCost {
  const grid = { tableSize, monopartite };
  const shareRows = cells.length / cellCount(grid);
  const schedule = new ClaimsSchedule<number>({ ...grid, batchSize: BATCH_SIZE, shareRows });
  const pushedAt = performance.now();
  for (const cell of cells) schedule.push(Math.floor(cell / tableSize), cell % tableSize, 0);
  const startedAt = performance.now();
  const running: { readonly row: number; readonly col: number }[] = [];
  let decisions = 0;
  for (;;) {
    const least = leastLevel({ isEnded: decisions > 1_000, isStarved: false, isFilling: false });
    const cell = running.length < WORKERS ? schedule.start({ least, isLast: least === 'any' }) : undefined;
    if (running.length < WORKERS) decisions++;
    if (cell) running.push(cell);
    else if (running.length > 0) schedule.finish(running.shift()!);
    else if (least === 'any') break;
  }
  const endedAt = performance.now();
  return {
    tableSize,
    workers: WORKERS,
    rows: cells.length,
    decisions,
    pushMicros: ((startedAt - pushedAt) * 1000) / cells.length,
    decisionMicros: ((endedAt - startedAt) * 1000) / decisions,
  };
}
