/**
 * The schedules in a discrete-event simulation: the real planners, workers that take as long as `costs.ts` says, and a
 * source. The time is virtual, so the figures are those of the planner alone and the same on every machine.
 */
import { ClaimsSchedule } from '../../src/parallel/claims-schedule.ts';
import { cellCount } from '../../src/parallel/grid.ts';
import { leastLevel } from '../../src/parallel/split-by-claims.ts';
import { WaveSchedule } from '../../src/parallel/wave-schedule.ts';
import { Arrival, type ArrivalName } from './arrival.ts';
import { Costs } from './costs.ts';
import { GreedyWaves } from './greedy-waves.ts';
import type { Split } from './split.ts';

export const SCHEDULE_NAMES = ['claims', 'waves', 'greedy waves'] as const;
export type ScheduleName = (typeof SCHEDULE_NAMES)[number];

export interface Setting {
  readonly split: Split;
  readonly workers: number;
  readonly batchSize: number;
  readonly maxBufferedRows: number;
  /** With waves. */
  readonly burstFactor: number;
  /** With waves: waves that wait beside the one at work. */
  readonly prefetch: number;
  readonly arrival: ArrivalName;
  readonly seed: number;
}

export interface Outcome {
  /** How near the schedule came to the lower bound of the costs that it was charged; 1 is the bound itself. */
  readonly efficiency: number;
  /** Batches that were written. */
  readonly takes: number;
}

/** As `split-by-claims.ts` waits 100 ms, in which a worker writes some 2,000 rows. */
const PATIENCE = 2_000;

export function simulate(schedule: ScheduleName, setting: Setting): Outcome {
  switch (schedule) {
    case 'claims':
      return claims(setting);
    case 'waves':
      return waves(setting);
    case 'greedy waves':
      return greedyWaves(setting);
    default:
      return schedule satisfies never;
  }
}

interface Running {
  readonly cell: { readonly row: number; readonly col: number };
  readonly endsAt: number;
}

/** By the rules of `split-by-claims.ts`. */
function claims({ split, workers, batchSize, maxBufferedRows, arrival, seed }: Setting): Outcome {
  const { tableSize, monopartite, cells } = split;
  const schedule = new ClaimsSchedule<number>({
    tableSize,
    monopartite,
    batchSize,
    shareRows: maxBufferedRows / cellCount(split),
  });
  const costs = new Costs(split, seed);
  const source = new Arrival(arrival, cells, batchSize, workers);
  const limit = arrival === 'at once' ? Number.POSITIVE_INFINITY : maxBufferedRows;
  /** The last to end first. */
  const running: Running[] = [];
  let takes = 0;
  let now = 0;
  for (let isStarved = false; ; ) {
    if (schedule.rows < limit) source.ask(now);
    if (arrival === 'at once' && !source.isEnded) {
      pushAll(source.take());
      continue;
    }
    while (running.length < workers) {
      const least = leastLevel({
        isEnded: source.isEnded,
        isStarved,
        isFilling: source.read < limit,
      });
      const cell = schedule.start({ least, isLast: source.isEnded });
      isStarved = false;
      if (!cell) break;
      takes++;
      insert(running, { cell, endsAt: now + costs.charge(cell.row, cell.col, cell.items.length) });
    }
    const isIdle = running.length < workers && schedule.rows > 0 && !source.isEnded;
    const patience = isIdle ? now + PATIENCE : Number.POSITIVE_INFINITY;
    const dueAt = source.dueAt ?? Number.POSITIVE_INFINITY;
    const endsAt = running.at(-1)?.endsAt ?? Number.POSITIVE_INFINITY;
    const next = Math.min(patience, dueAt, endsAt);
    if (next === Number.POSITIVE_INFINITY) return { efficiency: costs.lowerBound(workers) / now, takes };
    now = next;
    if (now === endsAt) schedule.finish(running.pop()!.cell);
    else if (now === dueAt) pushAll(source.take());
    else isStarved = true;
  }

  function pushAll(batch: Uint32Array): void {
    for (const cell of batch) schedule.push(Math.floor(cell / tableSize), cell % tableSize, 0);
  }
}

function insert(running: Running[], one: Running): void {
  let at = running.length;
  while (at > 0 && running[at - 1]!.endsAt < one.endsAt) at--;
  running.splice(at, 0, one);
}

/** By the rules of `splitting-batch-processor.ts` and `read-ahead.ts`. */
function waves({ split, workers, batchSize, burstFactor, prefetch, arrival, seed }: Setting): Outcome {
  const { tableSize, monopartite, cells } = split;
  const schedule = new WaveSchedule<number>({ tableSize, monopartite, batchSize, burstFactor });
  const costs = new Costs(split, seed);
  const source = new Arrival(arrival, cells, batchSize, workers);
  const begun: number[] = [];
  let readAt = 0;
  let endedAt = 0;
  let takes = 0;
  const run = (group: number): void => {
    const wave = schedule.take(group);
    const startsAt = Math.max(readAt, endedAt);
    begun.push(startsAt);
    takes += wave.length;
    endedAt =
      startsAt +
      waveTime(
        costs,
        wave.map(({ row, col, items }) => [row, col, items.length]),
        workers,
      );
    // The next wave is read while this one is written, but only so many may wait.
    readAt = Math.max(readAt, begun.at(-1 - prefetch) ?? 0);
  };
  while (!source.isEnded) {
    source.ask(readAt);
    readAt = source.dueAt!;
    for (const cell of source.take()) {
      const due = schedule.push(Math.floor(cell / tableSize), cell % tableSize, 0);
      if (due !== undefined) run(due);
    }
  }
  for (let group = schedule.nextLeftover(); group !== undefined; group = schedule.nextLeftover()) run(group);
  return { efficiency: costs.lowerBound(workers) / endedAt, takes };
}

/** The fullest cells whose buckets are free make a wave, as soon as there are enough full ones for all workers. */
function greedyWaves({ split, workers, batchSize, maxBufferedRows, arrival, seed }: Setting): Outcome {
  const schedule = new GreedyWaves(split, batchSize);
  const costs = new Costs(split, seed);
  const source = new Arrival(arrival, split.cells, batchSize, workers);
  const limit = arrival === 'at once' ? Number.POSITIVE_INFINITY : maxBufferedRows;
  let endsAt = 0;
  let takes = 0;
  for (let now = 0; ; ) {
    const isLate = source.isEnded || schedule.rows >= limit;
    if (!isLate) source.ask(now);
    const mayStart = now >= endsAt && (arrival === 'streaming' || source.isEnded);
    const wave = mayStart ? schedule.take(isLate ? 1 : workers, isLate ? 1 : batchSize) : [];
    if (wave.length > 0) {
      takes += wave.length;
      endsAt = now + waveTime(costs, wave, workers);
      continue;
    }
    const dueAt = source.dueAt ?? Number.POSITIVE_INFINITY;
    if (now >= endsAt && dueAt === Number.POSITIVE_INFINITY)
      return { efficiency: costs.lowerBound(workers) / now, takes };
    if (now < endsAt && endsAt <= dueAt) now = endsAt;
    else {
      now = dueAt;
      for (const cell of source.take()) schedule.push(cell);
    }
  }
}

type Take = readonly [row: number, col: number, rows: number];

/** As `parallel-batch-processor.ts` does: the fullest cell first, each to the worker that is free first. */
function waveTime(costs: Costs, wave: readonly Take[], workers: number): number {
  const freeAt = new Array<number>(Math.min(workers, wave.length)).fill(0);
  for (const [row, col, rows] of wave.toSorted((a, b) => b[2] - a[2])) {
    let first = 0;
    for (let worker = 1; worker < freeAt.length; worker++)
      if (freeAt[worker]! < freeAt[first]!) first = worker;
    freeAt[first]! += costs.charge(row, col, rows);
  }
  return Math.max(0, ...freeAt);
}
