import { describe, expect, it } from 'vitest';
import { ClaimsSchedule } from '../../../src/parallel/claims-schedule.ts';
import { leastLevel } from '../../../src/parallel/split-by-claims.ts';

function filled(
  cells: readonly (readonly [row: number, col: number, rows: number])[],
): ClaimsSchedule<number> {
  const schedule = new ClaimsSchedule<number>({
    tableSize: 8,
    monopartite: false,
    batchSize: 80,
    shareRows: 40,
  });
  for (const [row, col, rows] of cells) for (let i = 0; i < rows; i++) schedule.push(row, col, i);
  return schedule;
}

describe('ClaimsSchedule', () => {
  it('starts a cell that holds as many rows as the level asks for', () => {
    for (const [least, rows] of [
      ['any', 1],
      ['early', 10],
      ['share', 40],
      ['full', 80],
    ] as const) {
      expect(filled([[0, 0, rows - 1]]).start({ least, isLast: false })).toBeUndefined();
      expect(filled([[0, 0, rows]]).start({ least, isLast: false })?.items).toHaveLength(rows);
    }
  });

  it('starts the fullest cell of the heaviest bucket', () => {
    const cells = [
      [0, 0, 30],
      [0, 1, 50],
      [1, 1, 10],
      [2, 2, 70],
    ] as const;
    expect(filled(cells).start({ least: 'any', isLast: false })).toMatchObject({ row: 0, col: 1 });
  });

  it('gives the last rows in smaller takes, none smaller than half a share, with what would be left of a cell', () => {
    const schedule = filled([
      [0, 0, 80],
      [1, 1, 80],
    ]);
    const takes: number[] = [];
    for (;;) {
      const cell = schedule.start({ least: 'any', isLast: true });
      if (!cell) break;
      takes.push(cell.items.length);
      schedule.finish(cell);
    }
    expect(takes).toEqual([32, 26, 21, 20, 33, 28]);
  });
});

describe('leastLevel', () => {
  it('asks for less while the first rows come, and for nothing once no more do', () => {
    const none = { isEnded: false, isStarved: false, isFilling: false };
    expect(leastLevel(none)).toBe('share');
    expect(leastLevel({ ...none, isFilling: true })).toBe('early');
    expect(leastLevel({ ...none, isFilling: true, isStarved: true })).toBe('any');
    expect(leastLevel({ ...none, isEnded: true })).toBe('any');
  });
});
