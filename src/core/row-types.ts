/**
 * Rows as JSON that a person can read and mend, and back again without loss: what JSON has no form for goes as text, and
 * its type is noted beside the row, by place (JSON Pointer, RFC 6901).
 */
import { Duration, LocalDate, LocalDateTime, LocalTime, ZonedDateTime, ZonedTime } from './temporal.ts';
import {
  parseDuration,
  parseLocalDate,
  parseLocalDateTime,
  parseLocalTime,
  parseZonedDateTime,
  parseZonedTime,
} from './temporal-text.ts';

/** By place in the row: the type of a value that JSON has no form for. */
export type ValueTypes = Readonly<Record<string, string>>;

/** A kind of value, how it is written as text and how it is read. */
interface TextType {
  readonly name: string;
  readonly matches: (value: unknown) => boolean;
  readonly write: (value: never) => string;
  /** Undefined for a text that is none. */
  readonly read: (text: string) => unknown;
}

const instance = (Class: abstract new (...args: never[]) => unknown) => (value: unknown) =>
  value instanceof Class;
const written = (value: { toJSON(): string }) => value.toJSON();

const TYPES: readonly TextType[] = [
  {
    name: 'bigint',
    matches: (value) => typeof value === 'bigint',
    write: (value: bigint) => String(value),
    read: (text) => (/^-?\d+$/.test(text) ? BigInt(text) : undefined),
  },
  {
    name: 'number',
    matches: (value) => typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0)),
    write: (value: number) => (Object.is(value, -0) ? '-0' : String(value)),
    read: (text) => (text.trim() === '' ? undefined : Number(text)),
  },
  {
    name: 'bytes',
    matches: instance(Uint8Array),
    write: (value: Uint8Array) => Buffer.from(value).toString('base64'),
    read: (text) => new Uint8Array(Buffer.from(text, 'base64')),
  },
  {
    name: 'Date',
    matches: instance(Date),
    write: (value: Date) => (Number.isNaN(value.getTime()) ? 'invalid' : value.toISOString()),
    read: (text) => new Date(text),
  },
  { name: 'LocalDateTime', matches: instance(LocalDateTime), write: written, read: parseLocalDateTime },
  { name: 'ZonedDateTime', matches: instance(ZonedDateTime), write: written, read: zonedDateTime },
  { name: 'LocalDate', matches: instance(LocalDate), write: written, read: parseLocalDate },
  { name: 'ZonedTime', matches: instance(ZonedTime), write: written, read: parseZonedTime }, // is a LocalTime too
  { name: 'LocalTime', matches: instance(LocalTime), write: written, read: parseLocalTime },
  { name: 'Duration', matches: instance(Duration), write: written, read: parseDuration },
];

/** Gives a row as JSON can hold it, and the types of what it cannot. */
export function rowToJson(row: unknown): { readonly row: unknown; readonly types?: ValueTypes } {
  const types: Record<string, string> = {};
  const plain = (value: unknown, place: string): unknown => {
    const type = TYPES.find(({ matches }) => matches(value));
    if (type) {
      types[place] = type.name;
      return type.write(value as never);
    }
    if (Array.isArray(value)) return value.map((item, i) => plain(item, `${place}/${i}`));
    if (typeof value !== 'object' || value === null || !isPlain(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, plain(item, `${place}/${escaped(name)}`)]),
    );
  };
  const made = plain(row, '');
  return Object.keys(types).length === 0 ? { row: made } : { row: made, types };
}

/**
 * Gives a row back that {@link rowToJson} made. A value that was mended to something else than its type's text stays as
 * it is.
 */
export function rowFromJson(row: unknown, types: ValueTypes = {}): unknown {
  const read = (value: unknown, place: string): unknown => {
    const name = types[place];
    if (name !== undefined && typeof value === 'string')
      return TYPES.find((type) => type.name === name)?.read(value) ?? value;
    if (Array.isArray(value)) return value.map((item, i) => read(item, `${place}/${i}`));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, read(item, `${place}/${escaped(key)}`)]),
    );
  };
  return read(row, '');
}

function zonedDateTime(text: string): ZonedDateTime | undefined {
  const [, time = text, zone] = /^(.*?)\[(.+)\]$/.exec(text) ?? [];
  const read = parseZonedDateTime(time);
  return read && new ZonedDateTime(read.epochSecond, read.nanosecond, read.offsetSeconds, zone);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
