import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cell } from '../../src/parallel/cell-backlog.ts';
import { CELL_LEVELS, type CellLevel, ClaimsSchedule } from '../../src/parallel/claims-schedule.ts';

interface Item {
  readonly row: number;
  readonly col: number;
  readonly index: number;
}

type Step =
  | { readonly kind: 'push'; readonly row: number; readonly col: number }
  | {
      readonly kind: 'start';
      readonly least: CellLevel;
      readonly isLast: boolean;
      readonly maxRows: number | undefined;
    }
  | { readonly kind: 'finish'; readonly which: number };

interface Scenario {
  readonly tableSize: number;
  readonly monopartite: boolean;
  readonly batchSize: number;
  readonly shareRows: number;
  readonly steps: readonly Step[];
}

const scenario: fc.Arbitrary<Scenario> = fc
  .record({
    tableSize: fc.integer({ min: 1, max: 5 }),
    monopartite: fc.boolean(),
    batchSize: fc.integer({ min: 1, max: 9 }),
    shareRows: fc.integer({ min: 0, max: 10 }),
  })
  .chain((shape) => {
    const bucket = fc.nat(shape.tableSize); // tableSize itself is the shared bucket
    const step: fc.Arbitrary<Step> = fc.oneof(
      { weight: 5, arbitrary: fc.record({ kind: fc.constant('push'), row: bucket, col: bucket }) },
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant('start'),
          least: fc.constantFrom(...CELL_LEVELS),
          isLast: fc.boolean(),
          maxRows: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
        }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('finish'), which: fc.nat(9) }) },
    );
    return fc.record({
      tableSize: fc.constant(shape.tableSize),
      monopartite: fc.constant(shape.monopartite),
      batchSize: fc.constant(shape.batchSize),
      shareRows: fc.constant(shape.shareRows),
      steps: fc.array(step, { maxLength: 120, size: 'max' }),
    });
  });

/** The same rules, by looking at every row: what waits, what runs, what may start and what is best. */
class Model {
  readonly #scenario: Scenario;
  readonly waiting: Item[] = [];
  readonly running: Cell<Item>[] = [];

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  claims(row: number, col: number): readonly string[] {
    const { tableSize, monopartite } = this.#scenario;
    const named = monopartite ? [`${row}`, `${col}`] : [`row ${row}`, `col ${col}`];
    return [...new Set(named.filter((_, side) => [row, col][side] !== tableSize))];
  }

  fold({ row, col }: { readonly row: number; readonly col: number }): readonly [number, number] {
    return this.#scenario.monopartite && row > col ? [col, row] : [row, col];
  }

  rowsOf(row: number, col: number): readonly Item[] {
    return this.waiting.filter((item) => String(this.fold(item)) === String([row, col]));
  }

  /** Rows left of a bucket; the shared one is on no critical path. */
  weight(name: string): number {
    return this.waiting.filter((item) => this.claims(...this.fold(item)).includes(name)).length;
  }

  startable(minRows: number): readonly (readonly [number, number])[] {
    const claimed = new Set(this.running.flatMap(({ row, col }) => this.claims(row, col)));
    const cells = new Map(this.waiting.map((item) => [String(this.fold(item)), this.fold(item)]));
    return [...cells.values()].filter(
      ([row, col]) =>
        this.rowsOf(row, col).length >= minRows &&
        !this.claims(row, col).some((name) => claimed.has(name)) &&
        !this.running.some((cell) => cell.row === row && cell.col === col),
    );
  }

  /** Rows left of the fuller and of the emptier bucket that a cell claims. */
  priority([row, col]: readonly [number, number]): readonly number[] {
    return this.claims(row, col)
      .map((name) => this.weight(name))
      .sort((a, b) => b - a);
  }
}

function walk(walked: Scenario): void {
  const { tableSize, monopartite, batchSize, shareRows, steps } = walked;
  const schedule = new ClaimsSchedule<Item>({ tableSize, monopartite, batchSize, shareRows });
  const model = new Model(walked);
  const left: Item[] = [];
  const share = Math.max(1, Math.min(batchSize, shareRows));
  const least = { any: 1, early: 1, share, full: batchSize };
  const start = (level: CellLevel, isLast: boolean, maxRows = batchSize): boolean => {
    const full = model.startable(batchSize);
    const allowed = full.length > 0 ? full : model.startable(least[level]);
    const heaviest = Math.max(-1, ...allowed.map((cell) => model.priority(cell)[0] ?? -1));
    const cell = schedule.start({ least: level, isLast, maxRows });
    expect(cell !== undefined).toBe(allowed.length > 0);
    if (!cell) return false;
    expect(allowed).toContainEqual([cell.row, cell.col]);
    expect(model.priority([cell.row, cell.col])[0] ?? -1).toBe(heaviest);
    const rows = model.rowsOf(cell.row, cell.col);
    const most = Math.min(rows.length, batchSize, maxRows);
    // The last takes may be smaller, but not without end.
    expect(cell.items.length).toBeGreaterThanOrEqual(isLast ? Math.min(most, Math.ceil(share / 4)) : most);
    expect(cell.items).toEqual(rows.slice(0, Math.min(most, cell.items.length)));
    for (const item of cell.items) model.waiting.splice(model.waiting.indexOf(item), 1);
    model.running.push(cell);
    left.push(...cell.items);
    return true;
  };
  const finish = (which: number): void => {
    const [cell] = model.running.splice(which, 1);
    schedule.finish(cell!);
  };
  let pushed = 0;
  for (const step of steps) {
    if (step.kind === 'push') {
      const item = { row: step.row, col: step.col, index: pushed++ };
      model.waiting.push(item);
      schedule.push(item.row, item.col, item);
    } else if (step.kind === 'start') start(step.least, step.isLast, step.maxRows);
    else if (model.running.length > 0) finish(step.which % model.running.length);
    expect(schedule.rows).toBe(model.waiting.length);
  }
  while (model.running.length > 0) finish(0);
  while (start('any', true)) finish(0);
  expect(left.map(({ index }) => index).sort((a, b) => a - b)).toEqual(
    Array.from({ length: pushed }, (_, i) => i),
  );
}

describe('ClaimsSchedule', () => {
  it('starts exactly what may start, the heaviest bucket first, and gives every row once, in order', () => {
    fc.assert(fc.property(scenario, walk), { numRuns: 400 });
  });
});
