import stringWidth from 'string-width';
import type { Statistics } from '../core/statistics.ts';
import { formatCount } from '../core/text.ts';
import { padTo } from '../reporting/format.ts';

/** Draws records as a table, in time that grows with their number; numbers to the right. */
export function formatTable(
  columns: readonly string[],
  rows: readonly Readonly<Record<string, unknown>>[],
): string {
  const isRight = columns.map((column) => rows.length > 0 && rows.every((row) => isNumber(row[column])));
  const head = linesOf(columns);
  const body = rows.map((row) => linesOf(columns.map((column) => formatValue(row[column]))));
  const widths = columns.map(() => 0);
  for (const line of [head, ...body].flat())
    for (const [i, cell] of line.entries()) widths[i] = Math.max(widths[i]!, stringWidth(cell));
  const draw = (line: readonly string[]): string => {
    const cells = line.map((cell, i) => padTo(cell, widths[i]!, isRight[i]));
    return `│ ${cells.join(' │ ')} │`;
  };
  const rule = ([left, cross, right]: readonly [string, string, string]): string =>
    left + widths.map((width) => '─'.repeat(width + 2)).join(cross) + right;
  return [
    rule(['┌', '┬', '┐']),
    ...head.map(draw),
    ...(rows.length > 0 ? [rule(['├', '┼', '┤'])] : []),
    ...body.flat().map(draw),
    rule(['└', '┴', '┘']),
  ].join('\n');
}

/** Gives a row's lines of text, each with a cell of every column; a cell may have several. */
function linesOf(texts: readonly string[]): readonly (readonly string[])[] {
  const cells = texts.map((text) => text.split(/\r\n?|\n/));
  const height = cells.reduce((most, { length }) => Math.max(most, length), 0);
  return Array.from({ length: height }, (_, i) => cells.map((cell) => cell[i] ?? ''));
}

/** Shows a value of a result as Cypher would write it, more or less. */
export function formatValue(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return `[${value.map(formatValue).join(', ')}]`;
  if (typeof value !== 'object') return String(value);
  if (value instanceof Int8Array) return Buffer.from(value).toString('base64');
  const { labels, type, properties } = value as { labels?: string[]; type?: string; properties?: object };
  if (labels && properties) return `(:${labels.join(':')} ${formatMap(properties)})`;
  if (type && properties) return `[:${type} ${formatMap(properties)}]`;
  return Object.getPrototypeOf(value) === Object.prototype ? formatMap(value) : String(value);
}

/** Lists statistics as words: "3,376 nodes created". */
export function describeStatistics(statistics: Statistics): readonly string[] {
  return Object.entries(statistics).map(
    ([name, count]) => `${formatCount(count)} ${name.replaceAll('_', ' ')}`,
  );
}

function formatMap(map: object): string {
  return `{${Object.entries(map)
    .map(([key, value]) => `${key}: ${formatValue(value)}`)
    .join(', ')}}`;
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'bigint' || value === null;
}
