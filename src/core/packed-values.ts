/**
 * Values in a fixed number of 32-bit words, outside the heap: garbage collection neither copies nor looks through them. A
 * value is made when it is asked for.
 *
 * | kind | words | of |
 * |---|---|---|
 * | `number` | 2, a double | numbers; whole ones that are safe |
 * | `localDateTime`, `zonedDateTime` | 2, a double | microseconds since 1970, as far as they are safe |
 * | `localDate` | 2, a double | days since 1970 |
 * | `text` | 4: its size in bytes, then UTF-8 and zeros | texts of up to 12 bytes |
 * | | or its hash, where it stands among the table's bytes, and a zero | longer ones |
 *
 * DuckDB holds texts much like this, after Umbra (Neumann and Freitag, "Umbra: a disk-based system with in-memory performance", 2020).
 */
import { type RecentTexts, TEXT_WORDS } from './recent-texts.ts';
import { LocalDate, LocalDateTime, ZonedDateTime } from './temporal.ts';

export const PACKED_WORDS = {
  number: 2,
  localDateTime: 2,
  zonedDateTime: 2,
  localDate: 2,
  text: TEXT_WORDS,
} as const;
export type PackedKind = keyof typeof PACKED_WORDS;

/** Where the values of a column are: that of row `i` at `i * stride + offset`, in words of both. */
export interface PackedPlace {
  readonly words: Int32Array;
  /** The same memory. */
  readonly doubles: Float64Array;
  /** UTF-8 of the texts that are too long for words. */
  readonly bytes: Buffer;
  readonly stride: number;
  readonly offset: number;
}

/** A column of packed values. */
export interface PackedColumn {
  readonly kind: PackedKind;
  readonly place: PackedPlace;
}

/** Gives a value of row `i`. */
export type ValueReader<V = unknown> = (i: number) => V;

/** Bytes of a text that its words have room for. */
export const MAX_INLINE_TEXT = 12;
/** Where a longer text has its hash and its place among the bytes, in words after its size. */
export const TEXT_HASH = 1;
export const TEXT_PLACE = 2;

/** Words of a double. */
export const DOUBLE_WORDS = 2;
/** The upper half of the NaN that stands for null; any other NaN is just that. */
const NULL_HIGH = 0x7ff80bad;
/** The size in place of a text that is not there. */
const NO_TEXT = -1;
/** Microseconds of a second. */
export const MICROS = 1_000_000;
const NANOS_A_MICRO = 1_000;

/** Makes a value null. @param at In words. */
export function setNull(kind: PackedKind, words: Int32Array, at: number): void {
  if (kind === 'text') words[at] = NO_TEXT;
  else {
    words[at] = 0;
    words[at + 1] = NULL_HIGH;
  }
}

/** @param recent Of a column of texts. */
export function packedReader(kind: PackedKind, place: PackedPlace, recent: RecentTexts): ValueReader {
  const { words, doubles } = place;
  const [stride, offset] = [place.stride / DOUBLE_WORDS, place.offset / DOUBLE_WORDS];
  switch (kind) {
    case 'number':
      return (i) => {
        const at = i * stride + offset;
        return isNullNumber(place, at) ? null : doubles[at]!;
      };
    case 'localDateTime':
    case 'zonedDateTime': {
      const DateTime = kind === 'localDateTime' ? LocalDateTime : ZonedDateTime;
      return (i) => {
        const micros = doubles[i * stride + offset]!;
        if (Number.isNaN(micros)) return null;
        return new DateTime(secondsOf(micros), nanosOf(micros));
      };
    }
    case 'localDate':
      return (i) => {
        const days = doubles[i * stride + offset]!;
        return Number.isNaN(days) ? null : new LocalDate(days);
      };
    case 'text':
      return (i) => {
        const at = i * place.stride + place.offset;
        const size = words[at]!;
        if (size > MAX_INLINE_TEXT)
          return recent.longTextAt(place.bytes, words[at + TEXT_PLACE]!, size, words[at + TEXT_HASH]!);
        return size === NO_TEXT ? null : recent.textAt(words, at);
      };
    default:
      return kind satisfies never;
  }
}

/** Says whether null stands in place of a number. @param at In doubles. */
export function isNullNumber({ words, doubles }: PackedPlace, at: number): boolean {
  return Number.isNaN(doubles[at]) && words[DOUBLE_WORDS * at + 1] === NULL_HIGH;
}

/** Says whether null stands in place of a text. @param at In words. */
export function isNullText(words: Int32Array, at: number): boolean {
  return words[at] === NO_TEXT;
}

export function secondsOf(micros: number): number {
  return Math.floor(micros / MICROS);
}

/** Nanoseconds beyond the {@link secondsOf}. */
export function nanosOf(micros: number): number {
  return (micros - secondsOf(micros) * MICROS) * NANOS_A_MICRO;
}

/** Says whether there is no value, or one that is not a number (NaN). */
export function isMissing(value: unknown): boolean {
  return value === null || value === undefined || Number.isNaN(value);
}

/** Says the same of row `i`, without making its value. */
export function missingReader({ kind, place }: PackedColumn): ValueReader<boolean> {
  const { words, doubles } = place;
  if (kind === 'text') return (i) => isNullText(words, i * place.stride + place.offset);
  return (i) => Number.isNaN(doubles[(i * place.stride + place.offset) / DOUBLE_WORDS]);
}
