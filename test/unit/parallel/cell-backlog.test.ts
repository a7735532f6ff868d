import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CellBacklog } from '../../../src/parallel/cell-backlog.ts';

describe('CellBacklog', () => {
  it('gives rows in order, with their place and origin, whatever the size of a take', () => {
    const step = fc.oneof(
      fc.record({ push: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ take: fc.integer({ min: 1, max: 5 }) }),
    );
    fc.assert(
      fc.property(fc.nat(6), fc.array(step, { maxLength: 60 }), (committed, steps) => {
        const backlog = new CellBacklog<number>(0, 0, 5, committed);
        let pushed = 0;
        let given = committed;
        for (const todo of steps) {
          if ('push' in todo) {
            for (let i = 0; i < todo.push; i++, pushed++) backlog.push(pushed, 'rows.csv', 10 * pushed);
            continue;
          }
          const waiting = Math.max(0, pushed - Math.max(given, committed));
          expect(backlog.count).toBe(waiting);
          const { items, from, origin } = backlog.take(todo.take);
          expect(items).toHaveLength(Math.min(todo.take, waiting));
          if (items.length === 0) continue;
          expect(from).toBe(given);
          expect(items).toEqual(items.map((_, i) => given + i));
          expect(origin).toEqual({
            files: items.map(() => 'rows.csv'),
            rowNumbers: items.map((item) => 10 * item),
          });
          given += items.length;
        }
      }),
    );
  });

  it('says nothing of origins that it does not know for all rows', () => {
    const backlog = new CellBacklog<string>(0, 0, 4);
    backlog.push('a', 'rows.csv', 1);
    backlog.push('b');
    backlog.push('c', 'rows.csv', 3);
    expect(backlog.take(2)).toEqual({ row: 0, col: 0, items: ['a', 'b'], from: 0 });
    backlog.push('d', 'rows.csv', 4);
    expect(backlog.take().origin).toBeUndefined();
  });
});
