import { type BatchResults, tableOf } from '../core/batch-processor.ts';
import { ValidationError } from '../core/errors.ts';
import { isMissing } from '../core/packed-values.ts';
import type { RowTable } from '../core/row-table.ts';
import { describeItem } from '../parallel/id-extractors.ts';
import type { PropertySource } from './patterns.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Gives a value of a row. */
export type RowReader = (row: Fields) => unknown;

const READERS = new Map<string, RowReader>();
/** Names beyond so many are read the plain way. */
const MAX_READERS = 1_000;

/**
 * Gives the function that reads a source. A column's is compiled from its name, one for each: the engine then knows where
 * in a row the value is, while a function shared by all columns looks the name up for every value.
 */
export function readerOf(source: PropertySource['source']): RowReader {
  if (typeof source === 'function') return (row) => callSource(source, row);
  let reader = READERS.get(source);
  if (!reader) {
    if (READERS.size >= MAX_READERS) return (row) => row[source];
    reader = new Function('row', `return row[${JSON.stringify(source)}];`) as RowReader;
    READERS.set(source, reader);
  }
  return reader;
}

/** @throws {@link ValidationError} `GW_VALUE_FUNCTION` for whatever the function throws. */
export function callSource(source: RowReader, row: Fields): unknown {
  try {
    return source(row);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ValidationError(
      'GW_VALUE_FUNCTION',
      `A function of the mapping failed for ${describeItem(row)}: ${reason}`,
      { cause, details: { item: row } },
    );
  }
}

/** Gives the table that a source's column is in; undefined for a function, and for rows that are objects. */
export function columnTable(
  batch: Pick<BatchResults, 'chunk'>,
  source: PropertySource['source'],
): { readonly table: RowTable; readonly name: string } | undefined {
  if (typeof source !== 'string') return undefined;
  const table = tableOf(batch);
  return table && { table, name: source };
}

/** Gives what reads a source in row `i` of a batch; only functions make objects of rows that come by column. */
export function valuesOf(
  batch: Pick<BatchResults, 'chunk'>,
  source: PropertySource['source'],
): (i: number) => unknown {
  const column = columnTable(batch, source);
  if (column) return column.table.values(column.name) ?? (() => undefined);
  const read = readerOf(source);
  const rows = batch.chunk as readonly Fields[];
  return (i) => read(rows[i]!);
}

/** Gives what says of row `i` of a batch that it has no value there, or one that is not a number (NaN). */
export function missingOf(
  batch: Pick<BatchResults, 'chunk'>,
  source: PropertySource['source'],
): (i: number) => boolean {
  const column = columnTable(batch, source);
  if (column) return column.table.missing(column.name);
  const valueAt = valuesOf(batch, source);
  return (i) => isMissing(valueAt(i));
}
