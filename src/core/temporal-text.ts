/** From the texts in which databases give dates and times to the classes of `temporal.ts`, exactly. */
import {
  civilDate,
  Duration,
  LocalDate,
  LocalDateTime,
  LocalTime,
  ZonedDateTime,
  ZonedTime,
} from './temporal.ts';

const DATE = /^([+-]?\d{4,})-(\d\d)-(\d\d)( BC)?$/;
const TIME = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)?$/;
const ISO_DURATION =
  /^P(?:(-?\d+)Y)?(?:(-?\d+)M)?(?:(-?\d+)D)?(?:T(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?)(\d+)(?:\.(\d{1,9}))?S)?)?$/;

/**
 * `2001-01-01`, also before Christ (`0044-03-15 BC`, or a negative year); undefined for anything else, days that no
 * calendar has (`2001-02-30`, `2001-00-00`) among it.
 */
export function parseLocalDate(text: string): LocalDate | undefined {
  const match = DATE.exec(text);
  if (!match) return undefined;
  const [year, month, day] = match.slice(1, 4).map(Number) as [number, number, number];
  const date = new LocalDate(epochDay(match[4] ? 1 - year : year, month, day));
  const found = civilDate(date.epochDay);
  // A day that is not in its month would be one of the next, or of another year.
  return found.month === month && found.day === day ? date : undefined;
}

/** `2001-01-01 10:00:00.5`, with a blank or a T between; undefined for anything else. */
export function parseLocalDateTime(text: string): LocalDateTime | undefined {
  const parts = splitDateTime(text);
  return parts && parts.offset === undefined
    ? new LocalDateTime(parts.epochSecond, parts.nanosecond)
    : undefined;
}

/** The same with an offset (`+02`, `+05:30`, `Z`). */
export function parseZonedDateTime(text: string): ZonedDateTime | undefined {
  const parts = splitDateTime(text);
  if (!parts || parts.offset === undefined) return undefined;
  return new ZonedDateTime(parts.epochSecond - parts.offset, parts.nanosecond, parts.offset);
}

/** `10:00:00.5`; undefined for anything else, `24:00:00` among it. */
export function parseLocalTime(text: string): LocalTime | undefined {
  const time = splitTime(text);
  return time && time.offset === undefined ? new LocalTime(time.secondOfDay, time.nanosecond) : undefined;
}

/** The same with an offset. */
export function parseZonedTime(text: string): ZonedTime | undefined {
  const time = splitTime(text);
  return time?.offset === undefined
    ? undefined
    : new ZonedTime(time.secondOfDay, time.nanosecond, time.offset);
}

/** ISO 8601, each part with a sign of its own: `P1Y2M-3DT4H5M6.7S`. */
export function parseDuration(text: string): Duration | undefined {
  const match = text === 'P' ? null : ISO_DURATION.exec(text);
  if (!match) return undefined;
  const [years, months, days, hours, minutes] = match.slice(1, 6).map((part) => Number(part ?? 0));
  const [sign, whole = '0', fraction = ''] = match.slice(6);
  const nanos = Number(fraction.padEnd(9, '0'));
  const isNegative = sign === '-';
  let seconds = hours! * 3600 + minutes! * 60 + (isNegative ? -Number(whole) : Number(whole));
  if (isNegative && nanos > 0) seconds -= 1;
  return new Duration(years! * 12 + months!, days!, seconds, isNegative && nanos > 0 ? 1e9 - nanos : nanos);
}

function splitDateTime(
  text: string,
):
  | { readonly epochSecond: number; readonly nanosecond: number; readonly offset: number | undefined }
  | undefined {
  const isBc = text.endsWith(' BC');
  const at = text.search(/[ T]/);
  if (at < 0) return undefined;
  const date = parseLocalDate(`${text.slice(0, at)}${isBc ? ' BC' : ''}`);
  const time = splitTime(text.slice(at + 1, isBc ? -3 : undefined));
  if (!date || !time) return undefined;
  const epochSecond = date.epochDay * 86_400 + time.secondOfDay;
  if (!Number.isSafeInteger(epochSecond)) return undefined; // beyond the year 285,000,000 a number would round it
  return {
    epochSecond,
    nanosecond: time.nanosecond,
    offset: time.offset,
  };
}

function splitTime(
  text: string,
):
  | { readonly secondOfDay: number; readonly nanosecond: number; readonly offset: number | undefined }
  | undefined {
  const match = TIME.exec(text);
  if (!match) return undefined;
  const [, hours, minutes, seconds = '0', fraction = '', zone] = match;
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return undefined;
  return {
    secondOfDay: Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds),
    nanosecond: Number(fraction.padEnd(9, '0')),
    offset: zone === undefined ? undefined : offsetSeconds(zone),
  };
}

function offsetSeconds(zone: string): number {
  if (zone === 'Z') return 0;
  const digits = zone.slice(1).replaceAll(':', '').padEnd(6, '0');
  const [hours, minutes, seconds] = [0, 2, 4].map((at) => Number(digits.slice(at, at + 2)));
  return (zone.startsWith('-') ? -1 : 1) * (hours! * 3600 + minutes! * 60 + seconds!);
}

/** Day number of a civil date (Hinnant, "chrono-compatible low-level date algorithms"), for any year. */
function epochDay(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}
