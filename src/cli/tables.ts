import Table from 'cli-table3';
import type { Statistics } from '../core/statistics.ts';

/** Draws records as a table; numbers to the right. */
export function formatTable(
  columns: readonly string[],
  rows: readonly Readonly<Record<string, unknown>>[],
): string {
  const isNumeric = (column: string) => rows.length > 0 && rows.every((row) => isNumber(row[column]));
  const table = new Table({
    head: [...columns],
    colAligns: columns.map((column) => (isNumeric(column) ? 'right' : 'left')),
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows) table.push(columns.map((column) => formatValue(row[column])));
  return table.toString();
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
    ([name, count]) => `${count.toLocaleString('en-US')} ${name.replaceAll('_', ' ')}`,
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
