import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Duration,
  LocalDate,
  LocalDateTime,
  LocalTime,
  ZonedDateTime,
  ZonedTime,
} from '../../../src/core/temporal.ts';
import { parseDuration, parseLocalDate, parseLocalDateTime } from '../../../src/core/temporal-text.ts';

describe('temporal values', () => {
  it('shows every instant that JavaScript can hold as JavaScript does', () => {
    const limit = 8.64e15;
    fc.assert(
      fc.property(fc.integer({ min: -limit, max: limit }), (ms) => {
        const second = Math.floor(ms / 1000);
        const shown = new ZonedDateTime(second, (ms - second * 1000) * 1e6).toString();
        // JavaScript pads years outside 0000–9999 to six digits and always shows milliseconds.
        const withPlainYear = (iso: string) => iso.replace(/^([+-])0*(\d{4,})/, '$1$2');
        const expected = new Date(ms).toISOString().replace(/\.?0*Z$/, 'Z');
        return withPlainYear(shown) === withPlainYear(expected);
      }),
      { examples: [[0], [-1], [1000], [-limit], [limit]] },
    );
  });

  it('takes no day that no calendar has for another one, and no second that a number would round', () => {
    for (const day of ['2020-02-30', '2021-02-29', '2020-00-10', '2020-13-01', '2020-01-00', '2020-04-31']) {
      expect(parseLocalDate(day)).toBeUndefined();
      expect(parseLocalDateTime(`${day} 10:00:00`)).toBeUndefined();
    }
    expect(parseLocalDate('2020-02-29')).toEqual(new LocalDate(18_321));
    expect(parseLocalDate('0001-02-29 BC')).toEqual(parseLocalDate('0000-02-29'));
    expect(parseLocalDateTime('+285000000-01-01T00:00:00')).toBeInstanceOf(LocalDateTime);
    expect(parseLocalDateTime('+999999999-01-01T00:00:00')).toBeUndefined();
  });

  it('shows fractions only as far as they go, offsets and lengths', () => {
    expect(String(new LocalDateTime(0, 120_000_000))).toBe('1970-01-01T00:00:00.12');
    expect(String(new LocalDate(-1))).toBe('1969-12-31');
    expect(String(new LocalTime(86_399, 1))).toBe('23:59:59.000000001');
    expect(String(new ZonedTime(3_600, 0, -19_800))).toBe('01:00:00-05:30');
    expect(String(new ZonedDateTime(0, 0, 3_600))).toBe('1970-01-01T01:00:00+01:00');
    expect(JSON.stringify(new Duration(14, 3, 61, 500_000_000))).toBe('"P14M3DT61.5S"');
    expect(String(new Duration(-1, 2, -3_600))).toBe('P-1M2DT-3600S');
    for (const text of ['P0M0DT-0.5S', 'P0M0DT-1.000000001S', 'P0M0DT-14706.7S', 'P0M0DT0.25S'])
      expect(String(parseDuration(text))).toBe(text);
    expect(new LocalDateTime(1, 999_999_999).toDate().getTime()).toBe(1_999);
  });
});
