/** The schedules in the simulation of `bench/simulation`, at a fifth of its size: no clock, no database, seeded. */
import { describe, expect, it } from 'vitest';
import { ARRIVAL_NAMES } from '../../bench/simulation/arrival.ts';
import { defaultSetting } from '../../bench/simulation/setting.ts';
import { simulate } from '../../bench/simulation/simulate.ts';
import { PLAN_NAMES } from '../../bench/simulation/split.ts';
import { workload } from '../../bench/simulation/workloads.ts';

const SEEDS = [1, 2];
const SIZE = { rows: 200_000, batchSize: 1_000, maxBufferedRows: 100_000 };

describe.each(['uniform', 'zipf 1.0'] as const)('schedules in a simulation with %s keys', (name) => {
  it.each([4, 8, 16])('claims come to 0.97 of the bound, and waves do not: %i workers', async (workers) => {
    for (const seed of SEEDS) {
      const keys = await workload(name, SIZE.rows, seed);
      for (const plan of PLAN_NAMES) {
        for (const arrival of ARRIVAL_NAMES) {
          const setting = { ...defaultSetting(keys, { plan, arrival, workers, seed }), ...SIZE };
          const claims = simulate('claims', setting).efficiency;
          expect(claims, `${plan} ${arrival} seed ${seed}`).toBeGreaterThanOrEqual(0.97);
          expect(simulate('waves', setting).efficiency).toBeLessThan(Math.min(0.97, claims));
        }
      }
    }
  });
});
