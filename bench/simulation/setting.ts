/** What a load task takes when nothing is said, for one case of the simulation. */
import { defaultBufferedRows } from '../../src/parallel/splitting-batch-processor.ts';
import { mostBuckets } from '../../src/tasks/choose-writing.ts';
import { DEFAULT_BATCH_SIZE } from '../../src/tasks/load-options.ts';
import { DEFAULT_LOAD_BURST_FACTOR, DEFAULT_LOAD_PREFETCH } from '../../src/tasks/parallel-writing.ts';
import type { ArrivalName } from './arrival.ts';
import type { Setting } from './simulate.ts';
import { type PlanName, type Split, split } from './split.ts';
import type { Workload } from './workloads.ts';

export interface Case {
  readonly plan: PlanName;
  readonly arrival: ArrivalName;
  readonly workers: number;
  readonly seed: number;
}

export function defaultSplit(workload: Workload, plan: PlanName, workers: number): Split {
  return split(workload, plan, mostBuckets(workers, workload.monopartite, false));
}

export function defaultSetting(
  workload: Workload,
  { plan, arrival, workers, seed }: Case,
  cells = defaultSplit(workload, plan, workers),
): Setting {
  return {
    split: cells,
    arrival,
    workers,
    seed,
    batchSize: DEFAULT_BATCH_SIZE,
    maxBufferedRows: defaultBufferedRows(cells, DEFAULT_BATCH_SIZE),
    burstFactor: DEFAULT_LOAD_BURST_FACTOR,
    prefetch: DEFAULT_LOAD_PREFETCH,
  };
}
