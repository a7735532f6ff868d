import { describe, expect, it } from 'vitest';
import { cellsOfGroup, type GridShape, groupOf } from '../../../src/parallel/grid.ts';

const SIZES = [...Array.from({ length: 12 }, (_, i) => i + 1), 16, 25];
const groups = ({ tableSize }: GridShape) => Array.from({ length: tableSize }, (_, d) => d);

describe('the bi-partite grid', () => {
  it('has the diagonals as its groups', () => {
    const shape = { tableSize: 3, monopartite: false };
    expect(groups(shape).map((d) => cellsOfGroup(shape, d))).toEqual([
      [
        [0, 0],
        [1, 1],
        [2, 2],
      ],
      [
        [0, 1],
        [1, 2],
        [2, 0],
      ],
      [
        [0, 2],
        [1, 0],
        [2, 1],
      ],
    ]);
  });

  it('has every cell in exactly one group, the one that groupOf names', () => {
    for (const tableSize of SIZES) {
      const shape = { tableSize, monopartite: false };
      const seen = new Set<string>();
      for (const d of groups(shape)) {
        for (const [row, col] of cellsOfGroup(shape, d)) {
          expect(groupOf(shape, row, col)).toBe(d);
          seen.add(`${row},${col}`);
        }
        expect(cellsOfGroup(shape, d)).toHaveLength(tableSize);
      }
      expect(seen.size).toBe(tableSize ** 2);
    }
  });

  it('has no two cells of a group in one row or one column', () => {
    for (const tableSize of SIZES) {
      const shape = { tableSize, monopartite: false };
      for (const d of groups(shape)) {
        const cells = cellsOfGroup(shape, d);
        expect(new Set(cells.map(([row]) => row)).size).toBe(cells.length);
        expect(new Set(cells.map(([, col]) => col)).size).toBe(cells.length);
      }
    }
  });
});

describe('the mono-partite grid', () => {
  it('has the cells i <= j with (i + j) mod tableSize = d as group d', () => {
    const shape = { tableSize: 4, monopartite: true };
    expect(groups(shape).map((d) => cellsOfGroup(shape, d))).toEqual([
      [
        [0, 0],
        [1, 3],
        [2, 2],
      ],
      [
        [0, 1],
        [2, 3],
      ],
      [
        [0, 2],
        [1, 1],
        [3, 3],
      ],
      [
        [0, 3],
        [1, 2],
      ],
    ]);
  });

  it('has every folded cell in exactly one group, the one that groupOf names in either order', () => {
    for (const tableSize of SIZES) {
      const shape = { tableSize, monopartite: true };
      const seen = new Set<string>();
      let cells = 0;
      for (const d of groups(shape)) {
        for (const [row, col] of cellsOfGroup(shape, d)) {
          expect(row).toBeLessThanOrEqual(col);
          expect([groupOf(shape, row, col), groupOf(shape, col, row)]).toEqual([d, d]);
          seen.add(`${row},${col}`);
          cells++;
        }
      }
      expect([seen.size, cells]).toEqual([
        (tableSize * (tableSize + 1)) / 2,
        (tableSize * (tableSize + 1)) / 2,
      ]);
    }
  });

  it('has every bucket in exactly one cell of a group', () => {
    for (const tableSize of SIZES) {
      const shape = { tableSize, monopartite: true };
      for (const d of groups(shape)) {
        const claims = cellsOfGroup(shape, d).flatMap(([row, col]) => (row === col ? [row] : [row, col]));
        expect(claims.toSorted((a, b) => a - b)).toEqual(groups(shape));
      }
    }
  });
});
