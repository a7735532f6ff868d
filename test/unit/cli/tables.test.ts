import { expect, it } from 'vitest';
import { formatTable } from '../../../src/cli/tables.ts';

it('lines up wide characters and cells of several lines, numbers to the right', () => {
  const rows = [
    { n: 1, text: '空港' },
    { n: 22, text: 'a\r\nb' },
    { n: null, text: '' },
  ];
  expect(formatTable(['n', 'text'], rows).split('\n')).toEqual([
    '┌──────┬──────┐',
    '│    n │ text │',
    '├──────┼──────┤',
    '│    1 │ 空港 │',
    '│   22 │ a    │',
    '│      │ b    │',
    '│ null │      │',
    '└──────┴──────┘',
  ]);
  expect(formatTable(['n'], [])).toBe('┌───┐\n│ n │\n└───┘');
});

it('draws more rows than a call takes arguments', () => {
  const rows = Array.from({ length: 200_000 }, (_, n) => ({ n }));
  expect(formatTable(['n'], rows).split('\n')).toHaveLength(200_004);
});
