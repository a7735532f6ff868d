import { describe, expect, it } from 'vitest';
import { GraphweftError } from '../../../src/core/errors.ts';
import { TaskReturn } from '../../../src/core/task-return.ts';

describe('TaskReturn', () => {
  it('is a success without statistics or error unless told otherwise', () => {
    expect(new TaskReturn()).toMatchObject({ success: true, summary: {}, error: undefined });
  });

  it('keeps its own copy of the statistics', () => {
    const summary = { rows: 1 };
    const result = new TaskReturn({ summary });
    summary.rows = 2;
    expect(result.summary).toEqual({ rows: 1 });
  });

  it('merges statistics by adding', () => {
    const merged = new TaskReturn({ summary: { a: 1 } }).merge(new TaskReturn({ summary: { a: 2, b: 3 } }));
    expect(merged.summary).toEqual({ a: 3, b: 3 });
  });

  it.each([
    [true, true, true],
    [true, false, false],
    [false, true, false],
    [false, false, false],
  ])('merges success %s and %s to %s', (first, second, both) => {
    expect(new TaskReturn({ success: first }).merge(new TaskReturn({ success: second })).success).toBe(both);
  });

  it('keeps the first error when it is merged, from either side', () => {
    const [first, second] = [new Error('first'), new Error('second')];
    const failed = (error: Error) => new TaskReturn({ success: false, error });
    expect(failed(first).merge(failed(second)).error).toBe(first);
    expect(new TaskReturn().merge(failed(second)).error).toBe(second);
    expect(failed(first).merge(new TaskReturn()).error).toBe(first);
  });

  it('gives the code of an error without a cast', () => {
    const { error } = new TaskReturn({ success: false, error: new GraphweftError('GW_INTERNAL', 'x') });
    expect(error?.code).toBe('GW_INTERNAL');
    expect(new TaskReturn({ success: false, error: new Error('of your own') }).error?.code).toBeUndefined();
  });

  it('leaves both sides of a merge as they are', () => {
    const left = new TaskReturn({ summary: { a: 1 } });
    const right = new TaskReturn({ success: false, summary: { a: 2 } });
    left.merge(right);
    expect(left).toMatchObject({ success: true, summary: { a: 1 } });
    expect(right).toMatchObject({ success: false, summary: { a: 2 } });
  });
});
