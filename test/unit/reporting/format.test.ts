import { expect, it } from 'vitest';
import { formatCount } from '../../../src/core/text.ts';
import { formatDuration, formatRate } from '../../../src/reporting/format.ts';

it('formats counts, rates and lengths of time for people', () => {
  expect([0, 999, 1_000, 12_345_678].map(formatCount)).toEqual(['0', '999', '1,000', '12,345,678']);
  expect([0, Number.NaN, 950.4, 1_000, 58_123, 999_400, 999_600, 12_345_678].map(formatRate)).toEqual([
    '0',
    '0',
    '950',
    '1.00k',
    '58.1k',
    '999k',
    '1.00M',
    '12.3M',
  ]);
  expect(
    [-5, 0, 999, 1_000, 59_949, 59_951, 61_000, 3_599_000, 3_600_000, 90_000_000].map(formatDuration),
  ).toEqual([
    '0 ms',
    '0 ms',
    '999 ms',
    '1.0 s',
    '59.9 s',
    '1m 00s',
    '1m 01s',
    '59m 59s',
    '1h 00m',
    '25h 00m',
  ]);
});
