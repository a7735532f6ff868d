import { ZonedDateTime } from '../core/temporal.ts';

/**
 * Gives a text that is equal for equal keys and never for others: two rows whose texts are equal become one node or one
 * relationship. Lengths stand before the parts, so that no value can look like two.
 */
export function identityText(value: unknown): string {
  const text = textOf(value);
  return `${typeof value} ${text.length} ${text}`;
}

function textOf(value: unknown): string {
  if (value instanceof Date) return String(value.getTime()); // its own text ends with the seconds, and ISO's throws for one that is none
  if (value instanceof ZonedDateTime) return value.toJSON(); // with its zone
  if (Array.isArray(value)) return value.map(identityText).join(' ');
  return String(value);
}
