/** The schedules in a simulation: no clock, no database, service times from a seeded log-normal distribution. */
import { describe, expect, it } from 'vitest';
import { ClaimsSchedule } from '../../src/parallel/claims-schedule.ts';
import { WaveSchedule } from '../../src/parallel/wave-schedule.ts';
import { mulberry32 } from '../support/ratings.ts';

interface Setting {
  readonly workers: number;
  readonly tableSize: number;
  readonly batchSize: number;
  readonly rows: number;
  /** Exponent of the power law that the buckets follow; 0 for none. */
  readonly skew: number;
  readonly seed: number;
}

type Pair = readonly [row: number, col: number];

function pairsOf({ tableSize, rows, skew, seed }: Setting): readonly Pair[] {
  const random = mulberry32(seed);
  const weights = Array.from({ length: tableSize }, (_, i) => 1 / (i + 1) ** skew);
  const total = weights.reduce((a, b) => a + b, 0);
  const draw = () => {
    let x = random() * total;
    let i = 0;
    while (i < tableSize - 1 && x >= weights[i]!) x -= weights[i++]!;
    return i;
  };
  return Array.from({ length: rows }, () => [draw(), draw()] as const);
}

/** Time of a batch: by its rows, times exp(0.4 z). */
function serviceTimes(seed: number): (rows: number) => number {
  const random = mulberry32(seed + 1);
  return (rows) => {
    const z = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return rows * Math.exp(0.4 * z - 0.08); // of mean 1 a row
  };
}

/** No schedule is shorter (Gonzalez and Sahni, 1976). */
function bound({ workers, tableSize }: Setting, pairs: readonly Pair[]): number {
  const rows = new Array<number>(tableSize).fill(0);
  const cols = new Array<number>(tableSize).fill(0);
  for (const [row, col] of pairs) {
    rows[row]!++;
    cols[col]!++;
  }
  return Math.max(pairs.length / workers, ...rows, ...cols);
}

function timeOfClaims(setting: Setting, pairs: readonly Pair[]): number {
  const { workers, tableSize, batchSize, seed } = setting;
  const schedule = new ClaimsSchedule<Pair>({ tableSize, batchSize, monopartite: false });
  for (const pair of pairs) schedule.push(...pair, pair);
  const serve = serviceTimes(seed);
  const running: { readonly cell: { row: number; col: number }; readonly ends: number }[] = [];
  let now = 0;
  for (;;) {
    while (running.length < workers) {
      const cell = schedule.start({ partial: true });
      if (!cell) break;
      running.push({ cell, ends: now + serve(cell.items.length) });
    }
    running.sort((a, b) => b.ends - a.ends);
    const next = running.pop();
    if (!next) return now;
    now = next.ends;
    schedule.finish(next.cell);
  }
}

function timeOfWaves(setting: Setting, pairs: readonly Pair[]): number {
  const { workers, tableSize, batchSize, seed } = setting;
  const schedule = new WaveSchedule<Pair>({ tableSize, batchSize, burstFactor: 20, monopartite: false });
  const serve = serviceTimes(seed);
  let now = 0;
  const run = (group: number): void => {
    const free = new Array<number>(workers).fill(now);
    for (const { items } of [...schedule.take(group)].sort((a, b) => b.items.length - a.items.length)) {
      free.sort((a, b) => a - b);
      free[0]! += serve(items.length);
    }
    now = Math.max(...free);
  };
  for (const pair of pairs) {
    const due = schedule.push(...pair, pair);
    if (due !== undefined) run(due);
  }
  for (let group = schedule.nextLeftover(); group !== undefined; group = schedule.nextLeftover()) run(group);
  return now;
}

const SETTINGS: readonly Setting[] = [8, 16].flatMap((workers) =>
  [0, 0.5, 1].map((skew) => ({
    workers,
    tableSize: 3 * workers,
    batchSize: 200,
    rows: 200_000,
    skew,
    seed: 7,
  })),
);

describe('schedules in a simulation', () => {
  it.each(SETTINGS)('claims come near to the bound, and waves do not: %o', (setting) => {
    const pairs = pairsOf(setting);
    const best = bound(setting, pairs);
    const claims = best / timeOfClaims(setting, pairs);
    const waves = best / timeOfWaves(setting, pairs);
    expect(claims).toBeGreaterThan(0.93);
    expect(waves).toBeLessThan(0.92);
    expect(claims).toBeGreaterThan(waves);
  });
});
