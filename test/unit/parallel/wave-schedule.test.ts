import { describe, expect, it } from 'vitest';
import { WaveSchedule } from '../../../src/parallel/wave-schedule.ts';

function schedule(options: Partial<ConstructorParameters<typeof WaveSchedule>[0]> = {}) {
  return new WaveSchedule<string>({
    tableSize: 2,
    monopartite: false,
    batchSize: 2,
    burstFactor: 20,
    ...options,
  });
}

describe('WaveSchedule', () => {
  it('names a group on the push that fills the last of its cells', () => {
    const waves = schedule();
    expect(waves.push(0, 0, 'a')).toBeUndefined();
    expect(waves.push(1, 1, 'b')).toBeUndefined();
    expect(waves.push(0, 0, 'c')).toBeUndefined();
    expect(waves.push(1, 1, 'd')).toBe(0);
    expect(waves.take(0)).toEqual([
      { row: 0, col: 0, from: 0, items: ['a', 'c'] },
      { row: 1, col: 1, from: 0, items: ['b', 'd'] },
    ]);
    expect(waves.rows).toBe(0);
  });

  it('does not count the rows of other groups', () => {
    const waves = schedule({ batchSize: 1 });
    expect(waves.push(0, 0, 'a')).toBeUndefined();
    expect(waves.push(0, 1, 'b')).toBeUndefined();
    expect(waves.push(1, 0, 'c')).toBe(1);
    expect(waves.push(1, 1, 'd')).toBe(0);
  });

  it('names a group only when a cell is past burstFactor x batchSize, not when it is at it', () => {
    const waves = schedule({ burstFactor: 3 });
    for (let i = 0; i < 6; i++) expect(waves.push(0, 1, `${i}`)).toBeUndefined();
    expect(waves.push(0, 1, '6')).toBe(1);
  });

  it('takes at most batchSize rows of a cell, the oldest first, and leaves out empty cells', () => {
    const waves = schedule({ burstFactor: 2 });
    for (let i = 0; i < 5; i++) waves.push(0, 1, `${i}`);
    expect(waves.take(1)).toEqual([{ row: 0, col: 1, from: 0, items: ['0', '1'] }]);
    expect(waves.rows).toBe(3);
    expect(waves.take(1)).toEqual([{ row: 0, col: 1, from: 2, items: ['2', '3'] }]);
    expect(waves.take(1)).toEqual([{ row: 0, col: 1, from: 4, items: ['4'] }]);
    expect(waves.take(1)).toEqual([]);
  });

  it('counts a cell that stays full after a wave as full for the next', () => {
    const waves = schedule();
    for (const item of ['a', 'b', 'c', 'd']) expect(waves.push(0, 0, item)).toBeUndefined();
    waves.push(1, 1, 'e');
    expect(waves.push(1, 1, 'f')).toBe(0);
    waves.take(0);
    waves.push(1, 1, 'g');
    expect(waves.push(1, 1, 'h')).toBe(0);
    expect(waves.take(0)).toEqual([
      { row: 0, col: 0, from: 2, items: ['c', 'd'] },
      { row: 1, col: 1, from: 2, items: ['g', 'h'] },
    ]);
  });

  it('does not count a cell that a wave left short', () => {
    const waves = schedule();
    for (const item of ['a', 'b', 'c']) waves.push(0, 0, item);
    waves.push(1, 1, 'd');
    waves.push(1, 1, 'e');
    waves.take(0);
    waves.push(1, 1, 'f');
    expect(waves.push(1, 1, 'g')).toBeUndefined();
    expect(waves.push(0, 0, 'h')).toBe(0);
  });

  it('folds cells of one node space and keeps the order of arrival across the fold', () => {
    const waves = schedule({ monopartite: true, tableSize: 3, batchSize: 3 });
    waves.push(2, 1, 'a');
    waves.push(1, 2, 'b');
    waves.push(2, 1, 'c');
    expect(waves.take(0)).toEqual([{ row: 1, col: 2, from: 0, items: ['a', 'b', 'c'] }]);
  });

  it('names groups that hold rows until none does', () => {
    const waves = schedule({ tableSize: 3, batchSize: 1 });
    waves.push(0, 2, 'a');
    waves.push(0, 2, 'b');
    waves.push(0, 0, 'c');
    const order: unknown[] = [];
    for (let group = waves.nextLeftover(); group !== undefined; group = waves.nextLeftover()) {
      order.push([group, waves.take(group).flatMap(({ items }) => items)]);
    }
    expect(order).toEqual([
      [0, ['c']],
      [2, ['a']],
      [2, ['b']],
    ]);
    expect(waves.rows).toBe(0);
  });

  it('has one cell of one group in a table of one', () => {
    for (const monopartite of [false, true]) {
      const waves = schedule({ tableSize: 1, monopartite });
      expect(waves.push(0, 0, 'a')).toBeUndefined();
      expect(waves.push(0, 0, 'b')).toBe(0);
    }
  });
});
