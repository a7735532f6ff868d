import { describe, expect, it } from 'vitest';
import { node } from '../../../src/mapping/patterns.ts';
import { describeLoad } from '../../../src/tasks/load-description.ts';

describe('the description of a load', () => {
  it.each([
    ['an arrow', (row: Readonly<Record<string, unknown>>) => row.id],
    [
      'a method',
      {
        of(row: Readonly<Record<string, unknown>>) {
          return row.id;
        },
      }.of,
    ],
  ])('says that it lacks the functions of a mapping: %s', (_what, id) => {
    expect(describeLoad({ mapping: node('Place', { id }) }, []).lacks).toEqual(['functions']);
  });

  it('takes a column for what it is, whatever its name', () => {
    const mapping = node('Place', { id: 'function => x' });
    expect(describeLoad({ mapping }, [])).toMatchObject({ lacks: [], options: { mapping } });
  });
});
