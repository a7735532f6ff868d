/**
 * From the values of a row to parameters of a statement. JavaScript has one kind of number, Neo4j has two, and the
 * driver takes every number for a float; so whole numbers are sent as integers, unless their column is known to be
 * floating point. What cannot be sent without loss is refused, never rounded.
 */
import type { Integer } from 'neo4j-driver';
import { describeRow } from '../core/batch-processor.ts';
import { ValidationError } from '../core/errors.ts';
import { describeValue } from '../core/options.ts';
import type { PackedColumn } from '../core/packed-values.ts';
import {
  civilDate,
  Duration,
  LocalDate,
  LocalDateTime,
  LocalTime,
  ZonedDateTime,
  ZonedTime,
} from '../core/temporal.ts';
import {
  parseLocalDate,
  parseLocalDateTime,
  parseLocalTime,
  parseZonedDateTime,
  parseZonedTime,
} from '../core/temporal-text.ts';
import { isWellFormed } from '../core/text.ts';
import { neo4j, Structure } from './driver.ts';
import { propertyProblem, UnsendableValue } from './property-values.ts';

/**
 * Signatures of Bolt's structures. Handing them over ready spares the driver's own conversion, which does long
 * arithmetic on Integer objects: flights took 1.8 s of client CPU for 300,000 rows instead of 2.4 s.
 * @see https://neo4j.com/docs/bolt/current/bolt/structure-semantics/
 */
export const DATE = 0x44;
const DURATION = 0x45;
const TIME = 0x54;
export const LOCAL_DATE_TIME = 0x64;
const LOCAL_TIME = 0x74;
/** Instants as Bolt has them from 5.0 on; before, and without a patch, they were sent as local times. */
export const INSTANT = 0x49;
export const INSTANT_IN_ZONE = 0x69;

const NANOS_A_SECOND = 1_000_000_000n;
const MIN_INTEGER = -(2n ** 63n);
const MAX_INTEGER = 2n ** 63n - 1n;

/** Integers in this range are built once: most integers of a table are small, and building them showed in profiles. */
const CACHED_FROM = -1_024;
const CACHED_TO = 16_384;
const CACHE: Integer[] = Array.from({ length: CACHED_TO - CACHED_FROM }, (_, i) =>
  neo4j.int(i + CACHED_FROM),
);

/** Classes of the driver that pass as they are. */
const DRIVER_CLASSES = [
  neo4j.Integer,
  neo4j.Point,
  neo4j.DateTime,
  neo4j.LocalDateTime,
  neo4j.Date,
  neo4j.Time,
  neo4j.LocalTime,
  neo4j.Duration,
  neo4j.Vector,
  Structure,
] as const;

/**
 * Makes the list for `$batch`.
 * @param floatColumns Fields whose whole numbers are floats, as their source says.
 * @param describe Names a row in a message.
 * @throws {@link ValidationError} with a `GW_VALUE_…` code, naming row and field.
 */
export function toBatchParameter(
  rows: readonly unknown[],
  floatColumns: ReadonlySet<string>,
  describe = (index: number) => describeRow({ chunk: rows }, index),
): readonly unknown[] {
  return rows.map((row, index) => {
    try {
      return isPlainObject(row) ? toMap(row, floatColumns) : toParameter(row, false);
    } catch (error) {
      throw error instanceof UnsendableValue ? locate(error, row, describe(index), floatColumns) : error;
    }
  });
}

/**
 * Makes the parameters of a statement.
 * @throws {@link ValidationError} with a `GW_VALUE_…` code, naming the parameter.
 */
export function toParameters(parameters: Readonly<Record<string, unknown>>): Record<string, unknown> {
  try {
    return toMap(parameters);
  } catch (error) {
    if (!(error instanceof UnsendableValue)) throw error;
    const parameter = unsendableField(parameters, new Set());
    const message = `In parameter \`${parameter}\`: ${error.message}.`;
    throw new ValidationError(error.code, message, { details: { parameter } });
  }
}

function locate(
  { code, message }: UnsendableValue,
  row: unknown,
  place: string,
  floatColumns: ReadonlySet<string>,
): ValidationError {
  const field = isPlainObject(row) ? unsendableField(row, floatColumns) : undefined;
  const inField = field === undefined ? '' : `, field \`${field}\``;
  return new ValidationError(code, `In ${place}${inField}: ${message}.`, { details: { row: place, field } });
}

function unsendableField(
  row: Readonly<Record<string, unknown>>,
  floatColumns: ReadonlySet<string>,
): string | undefined {
  return Object.keys(row).find((key) => {
    try {
      toMap({ [key]: row[key] }, floatColumns);
      return false;
    } catch {
      return true; // this is the field that could not be sent
    }
  });
}

/** One place of rows that travel as lists. */
export interface TableColumn {
  /** For messages. */
  readonly name: string;
  /** Whether whole numbers are floats. */
  readonly isFloat: boolean;
  /**
   * Whether it is a key of nodes, of which -0 is sent as 0. An index tells them apart, and a transaction's own nodes are
   * compared by `=`, which does not: as they are, what they find depends on where a batch ends. Default: false.
   */
  readonly isKey?: boolean;
  readonly valueAt: (row: number) => unknown;
  /** The same values as they are packed, and the row of each where that is another. Default: they are not. */
  readonly packed?: (PackedColumn & { readonly rows?: ArrayLike<number> | undefined }) | undefined;
}

/** Gives what is sent of a column's value. */
export function sentValue(value: unknown, isKey: boolean | undefined): unknown {
  return isKey && value === 0 ? 0 : value;
}

/**
 * Makes a list of lists: `count` rows with a value for each column, which is a property of a node or a relationship.
 * @param describeRow Names a row in a message.
 * @throws {@link ValidationError} with a `GW_VALUE_…` code, naming row and column; also for what no property can hold.
 */
export function toTableParameter(
  count: number,
  columns: readonly TableColumn[],
  describeRow: (row: number) => string,
): readonly (readonly unknown[])[] {
  return Array.from({ length: count }, (_, row) =>
    columns.map(({ name, isFloat, isKey, valueAt }) => {
      try {
        const value = sentValue(valueAt(row), isKey);
        const problem = typeof value === 'object' ? propertyProblem(value, isFloat) : undefined;
        if (problem) throw problem;
        return toParameter(value, isFloat);
      } catch (error) {
        if (!(error instanceof UnsendableValue)) throw error;
        const place = describeRow(row);
        const message = `In ${place}, field \`${name}\`: ${error.message}.`;
        throw new ValidationError(error.code, message, { details: { item: row, row: place, field: name } });
      }
    }),
  );
}

function toMap(
  object: Readonly<Record<string, unknown>>,
  floatColumns?: ReadonlySet<string>,
): Record<string, unknown> {
  const map: Record<string, unknown> = {};
  for (const key in object) {
    const value = object[key];
    if (value === undefined) continue;
    if (!isWellFormed(key)) throw textError(key, 'the name');
    const parameter = toParameter(value, floatColumns?.has(key) ?? false);
    if (key === '__proto__') defineField(map, key, parameter);
    else map[key] = parameter;
  }
  return map;
}

/** Sets a field whose name an assignment would take for something else. */
function defineField(map: object, key: string, value: unknown): void {
  Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
}

function toParameter(value: unknown, isFloat: boolean): unknown {
  switch (typeof value) {
    case 'string':
      if (isWellFormed(value)) return value;
      throw textError(value, 'the text');
    case 'boolean':
      return value;
    case 'number':
      return toNumber(value, isFloat);
    case 'bigint':
      if (isInteger64(value)) return neo4j.int(value);
      throw integerError(value, 'Neo4j integers have 64 bits');
    case 'undefined':
      return null;
    case 'object':
      return value === null ? null : toObject(value, isFloat);
    default:
      throw typeError(value);
  }
}

/** Days from 1970 of the first and the last date that Neo4j has: the years −999,999,999 and 999,999,999. */
const MIN_EPOCH_DAY = -365_243_219_162;
const MAX_EPOCH_DAY = 365_241_780_471;
const SECONDS_A_DAY = 86_400;
const NANOS_MAX = 999_999_999;
const MAX_OFFSET_SECONDS = 18 * 60 * 60;

/** Whether Neo4j has a date of this number. */
export function isSendableDay(epochDay: number): boolean {
  return isBetween(epochDay, MIN_EPOCH_DAY, MAX_EPOCH_DAY);
}

/** Whether Neo4j has this date and time. */
export function isSendableLocal({
  epochSecond,
  nanosecond,
}: Pick<LocalDateTime, 'epochSecond' | 'nanosecond'>): boolean {
  const last = (MAX_EPOCH_DAY + 1) * SECONDS_A_DAY - 1;
  return isBetween(epochSecond, MIN_EPOCH_DAY * SECONDS_A_DAY, last) && isBetween(nanosecond, 0, NANOS_MAX);
}

function isSendableTime({ secondOfDay, nanosecond }: LocalTime): boolean {
  return isBetween(secondOfDay, 0, SECONDS_A_DAY - 1) && isBetween(nanosecond, 0, NANOS_MAX);
}

function isSendableOffset(seconds: number): boolean {
  return isBetween(seconds, -MAX_OFFSET_SECONDS, MAX_OFFSET_SECONDS);
}

/** No for a fraction and for what is no number, too. */
function isBetween(value: number, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= min && value <= max;
}

/** Whether a bigint fits into Neo4j's integers. */
export function isInteger64(value: bigint): boolean {
  return value >= MIN_INTEGER && value <= MAX_INTEGER;
}

function toNumber(value: number, isFloat: boolean): unknown {
  if (isFloat || !Number.isInteger(value) || Object.is(value, -0)) return value;
  if (value >= CACHED_FROM && value < CACHED_TO) return CACHE[value - CACHED_FROM];
  if (Number.isSafeInteger(value)) return neo4j.int(value);
  throw integerError(value, 'JavaScript holds whole numbers exactly only up to 2^53; use a bigint');
}

/** Whether Neo4j has this instant, and the date and time that it is shown as. */
export function isSendableInstant(value: ZonedDateTime): boolean {
  const { epochSecond, nanosecond, offsetSeconds } = value;
  return (
    isSendableOffset(offsetSeconds) &&
    isSendableLocal(value) &&
    isSendableLocal({ epochSecond: epochSecond + offsetSeconds, nanosecond })
  );
}

/** @throws {@link UnsendableValue} for a date that is none. */
export function instantOf(date: Date): ZonedDateTime {
  if (Number.isNaN(date.getTime())) throw typeError(date);
  return new ZonedDateTime(Math.floor(date.getTime() / 1000), date.getUTCMilliseconds() * 1e6);
}

/**
 * Makes what the driver is given for an object: structures, integers and lists of its own.
 * @throws {@link UnsendableValue}
 */
export function toObject(value: object, isFloat: boolean): unknown {
  if (value instanceof LocalDateTime) {
    if (!isSendableLocal(value)) throw rangeError(value);
    return new Structure(LOCAL_DATE_TIME, [neo4j.int(value.epochSecond), neo4j.int(value.nanosecond)]);
  }
  if (value instanceof LocalDate) {
    if (!isSendableDay(value.epochDay)) throw rangeError(value);
    return new Structure(DATE, [neo4j.int(value.epochDay)]);
  }
  if (Array.isArray(value)) return value.map((item) => toParameter(item, isFloat));
  if (value instanceof ZonedDateTime) return toDateTime(value);
  if (value instanceof Date) return toDateTime(instantOf(value));
  if (value instanceof ZonedTime) {
    if (!isSendableTime(value) || !isSendableOffset(value.offsetSeconds)) throw rangeError(value);
    return new Structure(TIME, [nanosOfDay(value), neo4j.int(value.offsetSeconds)]);
  }
  if (value instanceof LocalTime) {
    if (!isSendableTime(value)) throw rangeError(value);
    return new Structure(LOCAL_TIME, [nanosOfDay(value)]);
  }
  if (value instanceof Duration) {
    const { months, days, seconds, nanoseconds } = value;
    if (![months, days, seconds].every(Number.isSafeInteger) || !isBetween(nanoseconds, 0, NANOS_MAX))
      throw rangeError(value);
    return new Structure(
      DURATION,
      [months, days, seconds, nanoseconds].map((part) => neo4j.int(part)),
    );
  }
  if (value instanceof Uint8Array) return new Int8Array(value.buffer, value.byteOffset, value.byteLength);
  if (value instanceof Int8Array || DRIVER_CLASSES.some((Class) => value instanceof Class)) return value;
  // Vectors of numbers, such as embeddings; the driver takes plain numbers for floats.
  if (value instanceof Float32Array || value instanceof Float64Array) return Array.from(value);
  if (value instanceof Map) {
    if (![...value.keys()].every((key) => typeof key === 'string')) throw typeError(value);
    return toMap(Object.fromEntries(value));
  }
  if (isPlainObject(value)) return toMap(value);
  throw typeError(value);
}

/** A Bolt connection may speak of instants in two ways, so here the driver has to build the structure. */
function toDateTime(value: ZonedDateTime): unknown {
  if (!isSendableInstant(value)) throw rangeError(value);
  const { epochSecond, nanosecond, offsetSeconds, zoneId } = value;
  const localSecond = epochSecond + offsetSeconds;
  const epochDay = Math.floor(localSecond / SECONDS_A_DAY);
  const { year, month, day } = civilDate(epochDay);
  const secondOfDay = localSecond - epochDay * SECONDS_A_DAY;
  return new neo4j.types.DateTime(
    year,
    month,
    day,
    Math.floor(secondOfDay / 3600),
    Math.floor((secondOfDay % 3600) / 60),
    secondOfDay % 60,
    nanosecond,
    offsetSeconds, // beside a name too, or a time that comes twice in autumn could be the other one
    zoneId ?? null,
  );
}

function nanosOfDay({ secondOfDay, nanosecond }: LocalTime): Integer {
  return neo4j.int(BigInt(secondOfDay) * NANOS_A_SECOND + BigInt(nanosecond));
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function integerError(value: number | bigint, why: string): UnsendableValue {
  return new UnsendableValue('GW_VALUE_INTEGER', `the integer ${value} cannot be sent without loss: ${why}`);
}

function textError(text: string, what: string): UnsendableValue {
  return new UnsendableValue(
    'GW_VALUE_TEXT',
    `${what} ${describeValue(text)} holds half of a surrogate pair, which is no character`,
  );
}

/** A date, time or duration that Neo4j has not, or whose parts are no whole numbers below 2^53. */
function rangeError(value: object): UnsendableValue {
  const { name } = value.constructor;
  return new UnsendableValue(
    'GW_VALUE_TYPE',
    `the ${name} ${value} is none that Neo4j has, or can be sent exactly`,
  );
}

function typeError(value: unknown): UnsendableValue {
  const isObject = typeof value === 'object' && value !== null;
  const what = isObject ? `a ${value.constructor?.name} (${String(value)})` : describeValue(value);
  return new UnsendableValue('GW_VALUE_TYPE', `Neo4j has no type for ${what}`);
}

/** Turns a value of a result into plain JavaScript: integers to numbers, or bigints beyond 2^53; lists and maps deep. */
export function fromResultValue(value: unknown): unknown {
  if (neo4j.isInt(value)) return neo4j.integer.inSafeRange(value) ? value.toNumber() : value.toBigInt();
  if (Array.isArray(value)) return value.map(fromResultValue);
  if (isPlainObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fromResultValue(item)]));
  }
  return value;
}

/**
 * Turns a value of a record into that of a row: as {@link fromResultValue}, nodes and relationships into their
 * properties, paths into the properties of their nodes, dates and times into the classes of `core/temporal`, bytes into
 * a Uint8Array. What has no other form (points, vectors, durations beyond 2^53) stays as the driver has it, and can be
 * sent back.
 */
export function fromRecordValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (neo4j.isInt(value)) return fromResultValue(value);
  if (Array.isArray(value)) return value.map(fromRecordValue);
  if (value instanceof Int8Array)
    return Uint8Array.from(new Uint8Array(value.buffer, value.byteOffset, value.length));
  if (isPlainObject(value)) return fromRecordMap(value);
  if (neo4j.isNode(value) || neo4j.isRelationship(value)) return fromRecordMap(value.properties);
  if (neo4j.isPath(value)) {
    return [value.start, ...value.segments.map(({ end }) => end)].map(({ properties }) =>
      fromRecordMap(properties),
    );
  }
  if (neo4j.isLocalDateTime(value)) return parseLocalDateTime(value.toString()) ?? value;
  if (neo4j.isDateTime(value)) {
    const at = parseZonedDateTime(value.toString().replace(/\[.*\]$/, ''));
    return at && value.timeZoneId
      ? new ZonedDateTime(at.epochSecond, at.nanosecond, at.offsetSeconds, value.timeZoneId)
      : (at ?? value);
  }
  if (neo4j.isDate(value)) return parseLocalDate(value.toString()) ?? value;
  if (neo4j.isLocalTime(value)) return parseLocalTime(value.toString()) ?? value;
  if (neo4j.isTime(value)) return parseZonedTime(value.toString()) ?? value;
  if (neo4j.isDuration(value)) {
    const { months, days, seconds, nanoseconds } = value;
    const duration = new Duration(Number(months), Number(days), Number(seconds), Number(nanoseconds));
    const isExact = [duration.months, duration.days, duration.seconds].every(Number.isSafeInteger);
    return isExact ? duration : value;
  }
  return value;
}

function fromRecordMap(map: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(map).map(([key, item]) => [key, fromRecordValue(item)]));
}
