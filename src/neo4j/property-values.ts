/**
 * What a property can hold, so that a mapping can say which row and field cannot: the server names neither, and rolls the
 * whole batch back.
 *
 * | value | as a property |
 * |---|---|
 * | text, number, boolean, date, time, duration, point, bytes | yes |
 * | list of one of these kinds, also an empty one | yes, bytes excepted |
 * | list with null, of several kinds, of lists or of maps | no |
 * | map | no |
 */
import type { ErrorCode } from '../core/errors.ts';
import { describeValue } from '../core/options.ts';
import { Duration, LocalDate, LocalDateTime, LocalTime, ZonedDateTime, ZonedTime } from '../core/temporal.ts';
import { neo4j } from './driver.ts';

type ValueCode = Extract<ErrorCode, `GW_VALUE_${string}`>;

/** Says what is wrong with a value; where it stands is found out afterwards, to keep the hot path free of it. */
export class UnsendableValue extends Error {
  readonly code: ValueCode;
  constructor(code: ValueCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Gives what is wrong with a list or an object as a property; undefined for what can be one, or has no Neo4j type. */
export function propertyProblem(value: object | null, isFloat: boolean): UnsendableValue | undefined {
  if (value === null) return undefined;
  if (Array.isArray(value)) return listProblem(value, isFloat);
  return isMap(value) ? unfit(value, 'a property cannot hold a map') : undefined;
}

function listProblem(list: readonly unknown[], isFloat: boolean): UnsendableValue | undefined {
  const [first] = list;
  const kind = kindOf(first);
  for (const item of list) {
    if (item === null || item === undefined) return unfit(list, 'a list with null cannot be a property');
    const own = kindOf(item);
    if (own === 'list') return unfit(list, 'a property cannot hold lists in a list');
    if (own === 'map') return unfit(list, 'a property cannot hold maps in a list');
    if (own !== kind)
      return unfit(list, `a property cannot hold a list of several kinds, here ${kind} and ${own}`);
  }
  return kind === 'number' ? roundedInteger(list, isFloat) : undefined;
}

/** Neo4j makes floats of the integers beside them, which beyond 2^53 would round them. */
function roundedInteger(list: readonly unknown[], isFloat: boolean): UnsendableValue | undefined {
  const isAFloat = (item: unknown) =>
    typeof item === 'number' && (isFloat || !Number.isInteger(item) || Object.is(item, -0));
  const lossy = list.find((item) => typeof item === 'bigint' && BigInt(Number(item)) !== item);
  if (lossy === undefined || !list.some(isAFloat)) return undefined;
  const message = `the integer ${lossy} cannot be sent without loss: in a list with floats it becomes one`;
  return new UnsendableValue('GW_VALUE_INTEGER', message);
}

/** The kinds that a list may hold only one of. */
function kindOf(value: unknown): string {
  switch (typeof value) {
    case 'bigint':
      return 'number';
    case 'object':
      return value === null ? 'null' : objectKind(value);
    default:
      return typeof value;
  }
}

function objectKind(value: object): string {
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return 'list';
  if (neo4j.isInt(value)) return 'number';
  if (value instanceof LocalDate || neo4j.isDate(value)) return 'date';
  if (value instanceof LocalDateTime || neo4j.isLocalDateTime(value)) return 'local datetime';
  if (value instanceof ZonedDateTime || value instanceof Date || neo4j.isDateTime(value))
    return 'zoned datetime';
  if (value instanceof ZonedTime || neo4j.isTime(value)) return 'zoned time';
  if (value instanceof LocalTime || neo4j.isLocalTime(value)) return 'local time';
  if (value instanceof Duration || neo4j.isDuration(value)) return 'duration';
  if (neo4j.isPoint(value)) return `point of CRS ${value.srid}`;
  return isMap(value) ? 'map' : (value.constructor?.name ?? 'object');
}

function isMap(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || value instanceof Map;
}

function unfit(value: object, why: string): UnsendableValue {
  return new UnsendableValue('GW_VALUE_PROPERTY', `${why}: ${describeValue(value)}`);
}
