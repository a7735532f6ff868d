/** Malformed lines of CSV files, read again after somebody mended them, as their load would read them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TaskContext } from '../core/context.ts';
import { SourceError } from '../core/errors.ts';
import type { RejectedRow } from '../sinks/rejected-rows.ts';
import { CSVBatchSource } from './csv-batch-source.ts';
import type { CsvReadOptions } from './csv-options.ts';
import type { Row } from './duckdb.ts';
import { rejectedLines } from './rejected-lines.ts';

/** Options of a load that say how a line is read. */
export const LINE_OPTION_NAMES = [
  'delimiter',
  'quote',
  'escape',
  'blankAsNull',
  'columns',
  'decimals',
] as const satisfies readonly (keyof CsvReadOptions)[];
export type LineOptions = Pick<CsvReadOptions, (typeof LINE_OPTION_NAMES)[number]>;

/** A line with its columns. */
export type MendedLine = RejectedRow & Required<Pick<RejectedRow, 'text' | 'columns'>>;

/** Whether a rejected row is a line that can be read again. */
export function isLine(row: RejectedRow): row is MendedLine {
  return row.row === undefined && row.text !== undefined && row.columns !== undefined;
}

/**
 * Reads lines of the same columns again. Lines without quotes and breaks are read together; of the others each alone, since one
 * whose quote does not end would take the next ones in.
 * @returns By line: its row, or what is still wrong with it.
 */
export async function readLines(
  context: TaskContext,
  lines: readonly MendedLine[],
  options: LineOptions,
): Promise<readonly (Row | string)[]> {
  const { quote = '"' } = options;
  const isPlain = ({ text }: MendedLine) => !/[\r\n]/.test(text) && (quote === '' || !text.includes(quote));
  const results: (Row | string)[] = [];
  const read = async (indexes: readonly number[]) => {
    const found = await readFile(
      context,
      indexes.map((i) => lines[i]!),
      options,
    );
    for (const [place, i] of indexes.entries()) results[i] = found[place] ?? 'It is no line with one row.';
  };
  const plain = [...lines.keys()].filter((i) => isPlain(lines[i]!));
  if (plain.length > 0) await read(plain);
  for (const i of lines.keys()) if (!isPlain(lines[i]!)) await read([i]);
  return results;
}

/** Reads lines from a file of their own; a line that gives no row of its own is not there. */
async function readFile(
  context: TaskContext,
  lines: readonly MendedLine[],
  options: LineOptions,
): Promise<readonly (Row | string | undefined)[]> {
  const { quote = '"', delimiter = ',' } = options;
  const folder = await mkdtemp(join(tmpdir(), 'graphweft-lines-'));
  try {
    const [{ columns }] = lines as [MendedLine];
    const quoted = (name: string) => `${quote}${quote && name.replaceAll(quote, quote + quote)}${quote}`;
    const header = columns.map(([name]) => (quote === '' ? name : quoted(name))).join(delimiter);
    const file = join(folder, 'lines.csv');
    await writeFile(file, [header, ...lines.map(({ text }) => text), ''].join('\n'));
    const rejectedFile = join(folder, 'rejected.jsonl');
    const types = Object.fromEntries(columns);
    const source = new CSVBatchSource(context, { file, ...options, types, rejectedFile });
    const results: (Row | string | undefined)[] = [];
    let rows = 0;
    for await (const { chunk } of source.getBatch(lines.length)) {
      rows += chunk.length;
      for (const row of chunk) results[row._row as number] = { ...row, _row: null };
    }
    if (rows > lines.length) return [];
    if (rows < lines.length)
      for await (const [, { lineNumber, message }] of rejectedLines(rejectedFile))
        results[lineNumber! - 2] ??= message;
    return results;
  } catch (error) {
    if (error instanceof SourceError) return lines.map(() => error.message);
    throw error;
  } finally {
    await rm(folder, { recursive: true });
  }
}
