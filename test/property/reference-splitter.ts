import {
  cellName,
  cellsOfDiagonal,
  diagonalOf,
  type ScenarioRow,
  type SplitScenario,
} from './split-scenario.ts';

export interface ReferenceWave {
  /** Row indexes by cell name. */
  readonly cells: Readonly<Record<string, readonly number[]>>;
  readonly isLast: boolean;
}

/**
 * The specification's splitter, written down a second time and as plainly as it can be: arrays, and every condition
 * tried anew on every row.
 */
export function referenceSplit(scenario: SplitScenario): readonly ReferenceWave[] {
  const { tableSize, batchSize, burstFactor, batches } = scenario;
  const groups = Array.from({ length: tableSize }, (_, d) => cellsOfDiagonal(scenario, d));
  const backlog: Record<string, ScenarioRow[]> = {};
  for (const cell of groups.flat()) backlog[cell] = [];
  const waves: Readonly<Record<string, readonly number[]>>[] = [];

  const emit = (group: number): void => {
    const cells: Record<string, readonly number[]> = {};
    for (const cell of groups[group]!) {
      const rows = backlog[cell]!.splice(0, batchSize);
      if (rows.length > 0) cells[cell] = rows.map(({ index }) => index);
    }
    waves.push(cells);
  };

  for (const row of batches.flat()) {
    const cell = cellName(scenario, row.row, row.col);
    backlog[cell]!.push(row);
    const group = diagonalOf(scenario, row.row, row.col);
    const isFull = groups[group]!.every((name) => backlog[name]!.length >= batchSize);
    const isPastThreshold = backlog[cell]!.length > burstFactor * batchSize;
    if (isFull || isPastThreshold) emit(group);
  }
  const streamed = waves.length;
  for (const group of groups.keys()) {
    while (groups[group]!.some((name) => backlog[name]!.length > 0)) emit(group);
  }
  if (waves.length === streamed) waves.push({});
  return waves.map((cells, i) => ({ cells, isLast: i === waves.length - 1 }));
}
