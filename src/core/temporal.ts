/**
 * Dates and times as tables have them: exact, without a zone where the source has none, and far beyond the range of
 * JavaScript's Date. Seconds and nanoseconds are kept apart because microseconds since 1970 leave the safe integers in
 * the year 2255. They are plain numbers: a load builds millions of them.
 */
const SECONDS_A_DAY = 86_400;

/** A date and a time of day without a zone. */
export class LocalDateTime {
  /** Seconds since 1970-01-01T00:00:00, as if in UTC. */
  readonly epochSecond: number;
  /** 0 to 999,999,999. */
  readonly nanosecond: number;
  constructor(epochSecond: number, nanosecond = 0) {
    this.epochSecond = epochSecond;
    this.nanosecond = nanosecond;
  }
  toString(): string {
    const days = Math.floor(this.epochSecond / SECONDS_A_DAY);
    return `${isoDate(days)}T${isoTime(this.epochSecond - days * SECONDS_A_DAY, this.nanosecond)}`;
  }
  toJSON(): string {
    return this.toString();
  }
  /** The same wall-clock time in UTC, cut to milliseconds. */
  toDate(): Date {
    return new Date(this.epochSecond * 1000 + Math.floor(this.nanosecond / 1e6));
  }
}

/** An instant with the offset at which it is shown, and the name of its zone where that is known. */
export class ZonedDateTime {
  /** Seconds since 1970-01-01T00:00:00Z. */
  readonly epochSecond: number;
  /** 0 to 999,999,999. */
  readonly nanosecond: number;
  /** Seconds east of UTC. Default: 0. */
  readonly offsetSeconds: number;
  /** Name of the zone, such as Europe/Paris. Default: none, the offset alone. */
  readonly zoneId: string | undefined;
  constructor(epochSecond: number, nanosecond = 0, offsetSeconds = 0, zoneId?: string) {
    this.epochSecond = epochSecond;
    this.nanosecond = nanosecond;
    this.offsetSeconds = offsetSeconds;
    this.zoneId = zoneId;
  }
  /** ISO 8601, which has no names of zones. */
  toString(): string {
    const local = new LocalDateTime(this.epochSecond + this.offsetSeconds, this.nanosecond);
    return `${local}${isoOffset(this.offsetSeconds)}`;
  }
  /** The same with the name of the zone in brackets (RFC 9557). */
  toJSON(): string {
    return this.zoneId === undefined ? this.toString() : `${this}[${this.zoneId}]`;
  }
  /** The instant, cut to milliseconds. */
  toDate(): Date {
    return new Date(this.epochSecond * 1000 + Math.floor(this.nanosecond / 1e6));
  }
}

/** A date. */
export class LocalDate {
  /** Days since 1970-01-01 in the proleptic Gregorian calendar. */
  readonly epochDay: number;
  constructor(epochDay: number) {
    this.epochDay = epochDay;
  }
  toString(): string {
    return isoDate(this.epochDay);
  }
  toJSON(): string {
    return this.toString();
  }
  /** Midnight UTC of the date. */
  toDate(): Date {
    return new Date(this.epochDay * SECONDS_A_DAY * 1000);
  }
}

/** A time of day without a zone. */
export class LocalTime {
  /** 0 to 86,399. */
  readonly secondOfDay: number;
  /** 0 to 999,999,999. */
  readonly nanosecond: number;
  constructor(secondOfDay: number, nanosecond = 0) {
    this.secondOfDay = secondOfDay;
    this.nanosecond = nanosecond;
  }
  toString(): string {
    return isoTime(this.secondOfDay, this.nanosecond);
  }
  toJSON(): string {
    return this.toString();
  }
}

/** A time of day at an offset. */
export class ZonedTime extends LocalTime {
  /** Seconds east of UTC. */
  readonly offsetSeconds: number;
  constructor(secondOfDay: number, nanosecond: number, offsetSeconds: number) {
    super(secondOfDay, nanosecond);
    this.offsetSeconds = offsetSeconds;
  }
  override toString(): string {
    return `${super.toString()}${isoOffset(this.offsetSeconds)}`;
  }
}

/** An amount of time; months and days are kept apart because their length varies. */
export class Duration {
  readonly months: number;
  readonly days: number;
  readonly seconds: number;
  /** 0 to 999,999,999. */
  readonly nanoseconds: number;
  constructor(months: number, days: number, seconds: number, nanoseconds = 0) {
    this.months = months;
    this.days = days;
    this.seconds = seconds;
    this.nanoseconds = nanoseconds;
  }
  /** ISO 8601, where a sign counts for the fraction too: half a second less than none is `-0.5`. */
  toString(): string {
    const { months, days, seconds, nanoseconds } = this;
    const isBelow = seconds < 0 && nanoseconds > 0;
    const whole = isBelow ? `-${-(seconds + 1)}` : seconds;
    const fraction = isBelow ? 1e9 - nanoseconds : nanoseconds;
    return `P${months}M${days}DT${whole}${fraction === 0 ? '' : `.${fractionDigits(fraction)}`}S`;
  }
  toJSON(): string {
    return this.toString();
  }
}

function isoTime(secondOfDay: number, nanosecond: number): string {
  const hours = Math.floor(secondOfDay / 3600);
  const minutes = Math.floor((secondOfDay % 3600) / 60);
  const fraction = nanosecond === 0 ? '' : `.${fractionDigits(nanosecond)}`;
  return `${two(hours)}:${two(minutes)}:${two(secondOfDay % 60)}${fraction}`;
}

function isoDate(epochDay: number): string {
  const { year, month, day } = civilDate(epochDay);
  const sign = year < 0 ? '-' : year > 9999 ? '+' : '';
  return `${sign}${String(Math.abs(year)).padStart(4, '0')}-${two(month)}-${two(day)}`;
}

/**
 * Civil date of a day number (Hinnant, "chrono-compatible low-level date algorithms"), for any year.
 * @internal
 */
export function civilDate(epochDay: number): {
  readonly year: number;
  readonly month: number;
  readonly day: number;
} {
  const z = epochDay + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1;
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

function isoOffset(seconds: number): string {
  if (seconds === 0) return 'Z';
  const size = Math.abs(seconds);
  const rest = size % 60 === 0 ? '' : `:${two(size % 60)}`;
  return `${seconds < 0 ? '-' : '+'}${two(Math.floor(size / 3600))}:${two(Math.floor((size % 3600) / 60))}${rest}`;
}

function fractionDigits(nanosecond: number): string {
  return String(nanosecond).padStart(9, '0').replace(/0+$/, '');
}

function two(n: number): string {
  return n < 10 ? `0${n}` : String(n);
}
