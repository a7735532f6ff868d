import fc from 'fast-check';
import type { BatchResults } from '../../src/core/batch-processor.ts';
import type { Cell } from '../../src/parallel/cell-backlog.ts';
import { SplittingBatchProcessor } from '../../src/parallel/splitting-batch-processor.ts';
import { ArraySource } from '../unit/core/array-source.ts';
import { testContext } from '../unit/core/test-context.ts';

export interface ScenarioRow {
  readonly row: number;
  readonly col: number;
  /** Position in the source. */
  readonly index: number;
}

export interface SplitScenario {
  readonly tableSize: number;
  readonly monopartite: boolean;
  readonly batchSize: number;
  readonly burstFactor: number;
  readonly batches: readonly (readonly ScenarioRow[])[];
}

/** Where rows fall: anywhere, mostly in low buckets, nearly all in one cell, or round the cells in turn. */
const DISTRIBUTIONS = ['uniform', 'skewed', 'hot', 'even'] as const;

function bucketPair(distribution: (typeof DISTRIBUTIONS)[number], tableSize: number) {
  const uniform = fc.nat(tableSize - 1);
  switch (distribution) {
    case 'uniform':
      return fc.tuple(uniform, uniform);
    case 'skewed': {
      const low = fc.nat(999).map((x) => Math.floor(tableSize * (x / 1000) ** 4));
      return fc.tuple(low, low);
    }
    case 'hot':
      return fc.oneof(
        { weight: 9, arbitrary: fc.constant([0, tableSize - 1] as [number, number]) },
        { weight: 1, arbitrary: fc.tuple(uniform, uniform) },
      );
    case 'even':
      return fc.constant(undefined);
    default:
      return distribution satisfies never;
  }
}

/** Random grids, sizes and rows, cut into random upstream batches, some of them empty. */
export function splitScenario({ maxRows }: { readonly maxRows: number }): fc.Arbitrary<SplitScenario> {
  return fc
    .record({
      tableSize: fc.integer({ min: 1, max: 9 }),
      monopartite: fc.boolean(),
      batchSize: fc.integer({ min: 1, max: 6 }),
      burstFactor: fc.integer({ min: 1, max: 6 }),
      distribution: fc.constantFrom(...DISTRIBUTIONS),
    })
    .chain(({ distribution, ...shape }) =>
      fc
        .record({
          pairs: fc.array(bucketPair(distribution, shape.tableSize), { maxLength: maxRows, size: 'max' }),
          cuts: fc.array(fc.nat(40), { minLength: 1, maxLength: 12 }),
        })
        .map(({ pairs, cuts }) => {
          const rows = pairs.map((pair, index) => {
            const [row, col] = pair ?? [
              index % shape.tableSize,
              Math.floor(index / shape.tableSize) % shape.tableSize,
            ];
            return { row, col, index };
          });
          return { ...shape, batches: cut(rows, cuts) };
        }),
    );
}

function cut<T>(rows: readonly T[], sizes: readonly number[]): readonly (readonly T[])[] {
  const batches: (readonly T[])[] = [];
  let from = 0;
  for (const size of sizes) {
    batches.push(rows.slice(from, from + size));
    from += size;
  }
  batches.push(rows.slice(from));
  return batches;
}

/** A cell's name; in one node space the same in either order. */
export function cellName({ monopartite }: SplitScenario, row: number, col: number): string {
  return monopartite && row > col ? `${col},${row}` : `${row},${col}`;
}

/** The buckets that a cell claims: of two node spaces, or of one. */
export function claims({ monopartite }: SplitScenario, { row, col }: Cell): readonly string[] {
  if (!monopartite) return [`row ${row}`, `col ${col}`];
  return row === col ? [`${row}`] : [`${row}`, `${col}`];
}

/** The number of a cell's group, from its definition. */
export function diagonalOf({ monopartite, tableSize }: SplitScenario, row: number, col: number): number {
  for (let d = 0; d < tableSize; d++) {
    if (monopartite ? (row + col) % tableSize === d : (row + d) % tableSize === col) return d;
  }
  throw new Error(`cell (${row}, ${col}) is in no group`);
}

/** Names all cells of a group, by trying every cell of the grid. */
export function cellsOfDiagonal(scenario: SplitScenario, group: number): readonly string[] {
  const names = new Set<string>();
  for (let row = 0; row < scenario.tableSize; row++) {
    for (let col = 0; col < scenario.tableSize; col++) {
      if (diagonalOf(scenario, row, col) === group) names.add(cellName(scenario, row, col));
    }
  }
  return [...names];
}

export interface SplitObserver {
  /** Is told of each row before the splitter puts it into its cell. */
  readonly onRow?: (row: ScenarioRow) => void;
  /** Is told of each wave, and whether the source had ended by then. */
  readonly onWave?: (wave: BatchResults<Cell<ScenarioRow>>, isFinalPhase: boolean) => void;
}

/** Runs the splitter on a scenario and gives its waves. */
export async function split(
  scenario: SplitScenario,
  { onRow, onWave }: SplitObserver = {},
): Promise<readonly BatchResults<Cell<ScenarioRow>>[]> {
  const { tableSize, monopartite, burstFactor, batchSize, batches } = scenario;
  const source = new ArraySource(batches);
  const splitter = new SplittingBatchProcessor<ScenarioRow>(testContext(), {
    predecessor: source,
    tableSize,
    monopartite,
    burstFactor,
    idExtractor: (item) => {
      onRow?.(item);
      return [item.row, item.col];
    },
  });
  const waves: BatchResults<Cell<ScenarioRow>>[] = [];
  for await (const wave of splitter.getBatch(batchSize)) {
    onWave?.(wave, source.isExhausted);
    waves.push(wave);
  }
  return waves;
}
