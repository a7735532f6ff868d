import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { referenceSplit } from './reference-splitter.ts';
import {
  cellName,
  cellsOfDiagonal,
  claims,
  diagonalOf,
  type ScenarioRow,
  type SplitScenario,
  split,
  splitScenario,
} from './split-scenario.ts';

const RUNS = { numRuns: 200 };

function check(property: (scenario: SplitScenario) => Promise<void>): Promise<void> {
  return fc.assert(fc.asyncProperty(splitScenario({ maxRows: 300 }), property), RUNS) as Promise<void>;
}

/** Rows that wait in a cell: those that the splitter took in less those that it gave out. */
class Backlog {
  readonly #counts = new Map<string, number>();
  readonly #scenario: SplitScenario;
  readonly #groups: readonly (readonly string[])[];
  constructor(scenario: SplitScenario) {
    this.#scenario = scenario;
    this.#groups = Array.from({ length: scenario.tableSize }, (_, d) => cellsOfDiagonal(scenario, d));
  }
  add({ row, col }: Pick<ScenarioRow, 'row' | 'col'>, count: number): void {
    const name = cellName(this.#scenario, row, col);
    this.#counts.set(name, this.of(name) + count);
  }
  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }
  get largest(): number {
    return Math.max(0, ...this.#counts.values());
  }
  group(d: number): readonly number[] {
    return this.#groups[d]!.map((name) => this.of(name));
  }
  isFull(d: number): boolean {
    return this.group(d).every((count) => count >= this.#scenario.batchSize);
  }
}

describe('the splitter, for any grid, sizes, rows and upstream batches', () => {
  it('never lets two cells of a wave share a bucket', () =>
    check(async (scenario) => {
      for (const { chunk } of await split(scenario)) {
        const claimed = chunk.flatMap((cell) => claims(scenario, cell));
        expect(new Set(claimed).size).toBe(claimed.length);
      }
    }));

  it('emits every row exactly once, in its cell and in order', () =>
    check(async (scenario) => {
      const out = new Map<string, number[]>();
      for (const { chunk } of await split(scenario)) {
        for (const { row, col, items } of chunk) {
          if (scenario.monopartite) expect(row).toBeLessThanOrEqual(col);
          const name = `${row},${col}`;
          out.set(name, [...(out.get(name) ?? []), ...items.map(({ index }) => index)]);
        }
      }
      const expected = new Map<string, number[]>();
      for (const { row, col, index } of scenario.batches.flat()) {
        const name = cellName(scenario, row, col);
        expected.set(name, [...(expected.get(name) ?? []), index]);
      }
      expect(out).toEqual(expected);
    }));

  it('emits a single group a wave, and at most batchSize rows of each cell, none empty', () =>
    check(async (scenario) => {
      for (const { chunk, batchSize } of await split(scenario)) {
        expect(new Set(chunk.map(({ row, col }) => diagonalOf(scenario, row, col))).size).toBeLessThanOrEqual(
          1,
        );
        const sizes = chunk.map(({ items }) => items.length);
        expect(sizes.every((size) => size >= 1 && size <= scenario.batchSize)).toBe(true);
        expect(batchSize).toBe(sizes.reduce((a, b) => a + b, 0));
      }
    }));

  it('takes min(batchSize, backlog) of every cell of the group', () =>
    check(async (scenario) => {
      const backlog = new Backlog(scenario);
      await split(scenario, {
        onRow: (row) => backlog.add(row, 1),
        onWave: ({ chunk }) => {
          if (chunk.length === 0) return;
          const group = diagonalOf(scenario, chunk[0]!.row, chunk[0]!.col);
          const taken = new Map(
            chunk.map(({ row, col, items }) => [cellName(scenario, row, col), items.length]),
          );
          const names = cellsOfDiagonal(scenario, group);
          expect(names.map((name) => taken.get(name) ?? 0)).toEqual(
            names.map((name) => Math.min(scenario.batchSize, backlog.of(name))),
          );
          for (const cell of chunk) backlog.add(cell, -cell.items.length);
        },
      });
      expect(backlog.largest).toBe(0);
    }));

  it('lets no cell hold more than burstFactor x batchSize rows after a wave, nor when the next row comes', () =>
    check(async (scenario) => {
      const limit = scenario.burstFactor * scenario.batchSize;
      const backlog = new Backlog(scenario);
      await split(scenario, {
        onRow: (row) => {
          expect(backlog.largest).toBeLessThanOrEqual(limit);
          backlog.add(row, 1);
        },
        onWave: ({ chunk }) => {
          for (const cell of chunk) backlog.add(cell, -cell.items.length);
          expect(backlog.largest).toBeLessThanOrEqual(limit);
        },
      });
    }));

  it('emits while streaming only when all cells of the group are full or one is past the threshold', () =>
    check(async (scenario) => {
      const limit = scenario.burstFactor * scenario.batchSize;
      const backlog = new Backlog(scenario);
      await split(scenario, {
        onRow: (row) => backlog.add(row, 1),
        onWave: ({ chunk }, isFinalPhase) => {
          if (!isFinalPhase) {
            const group = diagonalOf(scenario, chunk[0]!.row, chunk[0]!.col);
            const isBurst = backlog.group(group).some((count) => count > limit);
            expect(backlog.isFull(group) || isBurst).toBe(true);
          }
          for (const cell of chunk) backlog.add(cell, -cell.items.length);
        },
      });
    }));

  it('never lets a row in while a full group waits', () =>
    check(async (scenario) => {
      const backlog = new Backlog(scenario);
      let touched: number | undefined;
      const expectNoneFull = () => {
        if (touched !== undefined) expect(backlog.isFull(touched)).toBe(false);
      };
      await split(scenario, {
        onRow: (row) => {
          expectNoneFull();
          backlog.add(row, 1);
          touched = diagonalOf(scenario, row.row, row.col);
        },
        onWave: ({ chunk }, isFinalPhase) => {
          if (isFinalPhase) expectNoneFull();
          for (const cell of chunk) backlog.add(cell, -cell.items.length);
        },
      });
    }));

  it('emits leftovers in as few waves as the fullest cell of each group allows', () =>
    check(async (scenario) => {
      const { tableSize, batchSize } = scenario;
      const backlog = new Backlog(scenario);
      let finalWaves = 0;
      let expected: number | undefined;
      await split(scenario, {
        onRow: (row) => backlog.add(row, 1),
        onWave: ({ chunk }, isFinalPhase) => {
          if (isFinalPhase) {
            expected ??= Array.from({ length: tableSize }, (_, d) =>
              Math.ceil(Math.max(...backlog.group(d)) / batchSize),
            ).reduce((a, b) => a + b, 0);
            if (chunk.length > 0) finalWaves++;
          }
          for (const cell of chunk) backlog.add(cell, -cell.items.length);
        },
      });
      expect(finalWaves).toBe(expected);
    }));

  it('carries statistics on the last wave only, and ends with a wave without cells only when nothing is left', () =>
    check(async (scenario) => {
      const finals: number[] = [];
      const waves = await split(scenario, {
        onWave: ({ chunk }, isFinalPhase) => {
          if (isFinalPhase) finals.push(chunk.length);
        },
      });
      const rows = scenario.batches.flat().length;
      expect(waves.at(-1)?.statistics).toEqual({ rows_read: rows });
      for (const { statistics } of waves.slice(0, -1)) expect(statistics).toEqual({});
      expect(finals.length).toBeGreaterThanOrEqual(1);
      if (finals.length > 1) expect(finals).not.toContain(0);
    }));

  it('gives the very waves of a plain splitter that follows the specification word for word', () =>
    check(async (scenario) => {
      const waves = (await split(scenario)).map(({ chunk, statistics }) => ({
        cells: Object.fromEntries(
          chunk.map(({ row, col, items }) => [`${row},${col}`, items.map(({ index }) => index)]),
        ),
        isLast: Object.keys(statistics).length > 0,
      }));
      expect(waves).toEqual(referenceSplit(scenario));
    }));

  it('gives the same waves however its rows come in batches', () =>
    check(async (scenario) => {
      const oneByOne = { ...scenario, batches: scenario.batches.flat().map((row) => [row]) };
      const chunks = async (s: SplitScenario) => (await split(s)).map(({ chunk }) => chunk);
      expect(await chunks(oneByOne)).toEqual(await chunks(scenario));
    }));

  it('reaches every kind of wave in these scenarios', async () => {
    const seen = { full: 0, burst: 0, leftover: 0, empty: 0 };
    await check(async (scenario) => {
      const backlog = new Backlog(scenario);
      await split(scenario, {
        onRow: (row) => backlog.add(row, 1),
        onWave: ({ chunk }, isFinalPhase) => {
          if (chunk.length === 0) seen.empty++;
          else if (isFinalPhase) seen.leftover++;
          else if (backlog.isFull(diagonalOf(scenario, chunk[0]!.row, chunk[0]!.col))) seen.full++;
          else seen.burst++;
          for (const cell of chunk) backlog.add(cell, -cell.items.length);
        },
      });
    });
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(2);
  });
});
