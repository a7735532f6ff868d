import { describe, expect, it } from 'vitest';
import {
  chooseWriting,
  describeChoice,
  fittingTableSize,
  type GridCells,
  type WritingFacts,
} from '../../../src/tasks/choose-writing.ts';

const plan = { expectedSpeedup: 7.4, totalRows: 1_000_000, limitingBucket: undefined, hubs: [] };
const facts: WritingFacts = {
  rows: 1_000_000,
  batchSize: 5_000,
  maxWorkers: 8,
  keys: 2,
  merges: false,
  plan,
};

describe('chooseWriting', () => {
  it.each<[string, Partial<WritingFacts>, string, string]>([
    [
      'the grid',
      {},
      'grid',
      '1,000,000 rows share nodes, and the split allows up to 7.4 times the rate of one writer',
    ],
    ['one worker', { maxWorkers: 1 }, 'sequential', 'maxWorkers is 1'],
    [
      'few rows',
      { rows: 19_999 },
      'sequential',
      '19,999 rows are fewer than the 20,000 that are worth a split',
    ],
    [
      'few rows for large batches',
      { rows: 39_999, batchSize: 20_000 },
      'sequential',
      '39,999 rows are fewer than the 40,000 that are worth a split',
    ],
    ['one row', { rows: 1 }, 'sequential', '1 row is fewer than the 20,000 that are worth a split'],
    [
      'three keys',
      { keys: 3 },
      'sequential',
      'the mapping finds 3 nodes a row by key, and a grid has two sides',
    ],
    [
      'a hub',
      {
        plan: {
          ...plan,
          expectedSpeedup: 1.111,
          hubs: [{ side: 'end', key: 'ATL', rows: 900_000, isShared: false }],
        },
      },
      'sequential',
      'key "ATL" has 90 % of the rows, so no split can be more than 1.1 times as fast',
    ],
    ['no keys', { keys: 0, plan: undefined }, 'parallel', 'the rows share no node'],
    ['one key', { keys: 1 }, 'parallel', 'a row has one node, and all rows of a node are kept together'],
    [
      'keys that were not counted',
      { plan: undefined, rows: undefined },
      'grid',
      'the rows share nodes, and their keys could not be counted',
    ],
    [
      'an extractor',
      { keys: undefined, plan: undefined },
      'grid',
      '1,000,000 rows share nodes, and they are split by an extractor of your own',
    ],
  ])('knows what to do with %s', (_, some, kind, reason) => {
    expect(chooseWriting({ ...facts, ...some })).toEqual({ kind, reason });
  });

  it('takes a grid whose cells hold a batch each, or fewer rows where something is merged', () => {
    const size = (rows: number | undefined, cells: GridCells = 'all') =>
      fittingTableSize({ ...facts, rows }, cells);
    expect(size(undefined)).toBe(16);
    expect(size(100_000_000)).toBe(16);
    expect(size(500_000)).toBe(10);
    expect(size(500_000, 'folded')).toBe(13);
    expect(size(60_000, 'diagonal')).toBe(12);
    expect(size(20_000)).toBe(4);
    const merged = (rows: number, batchSize: number) =>
      fittingTableSize({ ...facts, rows, batchSize, merges: true }, 'all');
    expect([20_000, 300_000, 3_000_000].map((rows) => merged(rows, 20_000))).toEqual([4, 6, 16]);
    expect(merged(100_000, 1_000)).toBe(10);
  });

  it('has the grid of four workers at least where something is merged, as far as the rows fill it', () => {
    const size = (merges: boolean, rows = 1_000_000, cells: GridCells = 'all') =>
      fittingTableSize({ ...facts, rows, maxWorkers: 2, merges }, cells);
    expect([size(false), size(true)]).toEqual([4, 8]);
    expect([size(false, 1_000_000, 'folded'), size(true, 1_000_000, 'folded')]).toEqual([6, 12]);
    expect(size(true, 60_000)).toBe(4);
  });

  it('keeps a cell free for each of the workers that were asked for', () => {
    const size = (rows: number, least: number) => fittingTableSize({ ...facts, rows }, 'all', least);
    expect([size(50_000, 8), size(50_000, 4), size(50_000, 100)]).toEqual([8, 4, 16]);
  });

  it('names the choice', () => {
    expect(describeChoice({ kind: 'grid', reason: 'why' }, 8)).toBe('grid of 8 × 8: why');
    expect(describeChoice({ kind: 'parallel', reason: 'why' }, 8)).toBe('8 cells without a grid: why');
    expect(describeChoice({ kind: 'sequential', reason: 'why' }, 8)).toBe('one writer: why');
  });
});
