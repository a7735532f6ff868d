import { describe, expect, it } from 'vitest';
import { mergeStatistics } from '../../../src/core/statistics.ts';

describe('mergeStatistics', () => {
  it('adds counters by name and keeps those that only one side has', () => {
    expect(mergeStatistics({ a: 1, b: 2 }, { b: 3, c: 4 }, { a: 5 })).toEqual({ a: 6, b: 5, c: 4 });
  });

  it('is empty for nothing', () => {
    expect(mergeStatistics()).toEqual({});
    expect(mergeStatistics({}, {})).toEqual({});
  });

  it('leaves its inputs as they are', () => {
    const first = Object.freeze({ a: 1 });
    const second = Object.freeze({ a: 2 });
    const merged = mergeStatistics(first, second);
    expect(merged).not.toBe(first);
    expect([first, second]).toEqual([{ a: 1 }, { a: 2 }]);
  });

  it('keeps a counter that is zero', () => {
    expect(mergeStatistics({ a: 0 }, {})).toEqual({ a: 0 });
  });

  it('counts under names that every object inherits', () => {
    expect(mergeStatistics({ constructor: 1 }, { constructor: 2, toString: 3 } as never)).toEqual({
      constructor: 3,
      toString: 3,
    });
  });
});
