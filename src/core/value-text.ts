/** Values as text, for what has no types of its own or not all of them: CSV, text columns, parameters of SQL. */
import { ValidationError } from './errors.ts';
import { describeValue } from './options.ts';
import { isWellFormed } from './text.ts';

/**
 * Gives a value as text: dates and times as ISO 8601 has them, bytes as base64, lists, objects and maps as JSON.
 * @throws {@link ValidationError} `GW_VALUE_TEXT` for half of a surrogate pair, `GW_VALUE_TYPE` for what is no value.
 */
export function textOf(value: unknown): string {
  if (typeof value === 'string') {
    if (isWellFormed(value)) return value;
    const message = `The text ${describeValue(value)} holds half of a surrogate pair, which no file and no table can hold.`;
    throw new ValidationError('GW_VALUE_TEXT', message);
  }
  if (Object.is(value, -0)) return '-0';
  if (typeof value === 'function' || typeof value === 'symbol') throw noValue(value);
  if (typeof value !== 'object' || value === null) return String(value);
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw noValue(value);
    return value.toISOString();
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = prototype === Object.prototype || prototype === null;
  if (isPlain || listOf(value) || value instanceof Map) return JSON.stringify(value, jsonValue);
  if (value.toString === Object.prototype.toString) throw noValue(value);
  return String(value);
}

/** Gives the items of a list, a vector of floats among them; undefined for anything else. */
export function listOf(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  return value instanceof Float32Array || value instanceof Float64Array ? Array.from(value) : undefined;
}

function jsonValue(_: string, value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(value);
  const hasNoForm = typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value));
  return hasNoForm || value instanceof Uint8Array ? textOf(value) : (listOf(value) ?? value);
}

function noValue(value: unknown): ValidationError {
  const what = value instanceof Date ? 'An invalid date' : describeValue(value);
  return new ValidationError('GW_VALUE_TYPE', `${what} is no value that a file or a table can hold.`);
}
