/**
 * The grid and its groups. Invariant: every cell is in exactly one group, and no two cells of a group share a bucket.
 *
 * Bi-partite: rows and columns are buckets of two node spaces, and group d holds the cells (i, (i + d) mod tableSize).
 * Mono-partite: both are the same buckets, the cell is folded to row ≤ col, and group d holds the cells with
 * (row + col) mod tableSize = d. For a given d each bucket has one partner, (d − i) mod tableSize, so the cells of the
 * group are disjoint; some pair a bucket with itself.
 */
export interface GridShape {
  readonly tableSize: number;
  /** Whether rows and columns are buckets of one node space. */
  readonly monopartite: boolean;
}

/** Gives the group, from 0 to tableSize − 1, of a cell; mono-partite in either order. */
export function groupOf({ tableSize, monopartite }: GridShape, row: number, col: number): number {
  return monopartite ? (row + col) % tableSize : (col - row + tableSize) % tableSize;
}

/** Gives the number of cells. */
export function cellCount({ tableSize, monopartite }: GridShape): number {
  return monopartite ? (tableSize * (tableSize + 1)) / 2 : tableSize * tableSize;
}

/** Lists the cells of a group, mono-partite folded to row ≤ col. */
export function cellsOfGroup(
  { tableSize, monopartite }: GridShape,
  group: number,
): readonly (readonly [row: number, col: number])[] {
  const cells: (readonly [number, number])[] = [];
  for (let row = 0; row < tableSize; row++) {
    const col = monopartite ? (group - row + tableSize) % tableSize : (row + group) % tableSize;
    if (!monopartite || row <= col) cells.push([row, col]);
  }
  return cells;
}
