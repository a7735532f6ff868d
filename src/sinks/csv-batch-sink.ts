import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { BatchProcessor, type BatchProcessorOptions, type BatchResults } from '../core/batch-processor.ts';
import type { TaskContext } from '../core/context.ts';
import { GraphweftError } from '../core/errors.ts';
import { beginEvent, endSinkWrite } from '../core/events.ts';
import {
  booleanOption,
  integerOption,
  optionError,
  refuseUnknownKeys,
  stringOption,
} from '../core/options.ts';
import { mergeStatistics } from '../core/statistics.ts';
import { textOf } from '../core/value-text.ts';
import { csvFileShape } from './csv-file-shape.ts';
import { PendingFile } from './file-sink.ts';
import { refuseOtherFields } from './other-fields.ts';

/** What a {@link CSVBatchSink} is told. */
export interface CSVBatchSinkOptions<T> extends BatchProcessorOptions<T> {
  /** Path of the file; with `.gz` it is packed. */
  readonly file: string;
  /**
   * Whether rows are added to a file that is there, in the order of its columns; otherwise it is replaced. Default: false.
   */
  readonly append?: boolean;
  /** Fields to write, in this order. Default: those of the first row. */
  readonly columns?: readonly string[];
  /** One character. Default: ','. */
  readonly delimiter?: string;
  /** Whether a file begins with the names of the columns. Default: true. */
  readonly header?: boolean;
}

/**
 * Writes rows to a CSV file as RFC 4180 has it: fields quoted where they must be, lines ended by CR LF. Null is an empty
 * field and empty text a quoted one. The file is put in its place at the end, so that a broken run leaves the one before
 * as it was (with `append` too). Statistic: `csv_rows_written`.
 *
 * Dates and times are ISO text, bytes base64, lists and objects JSON.
 *
 * @throws {@link GraphweftError} `GW_SINK_FILE` when it cannot be written, or rows have a field that the file added to
 * has not; `GW_SINK_TYPE` where a later row has a field without a column.
 */
export class CSVBatchSink<T = unknown> extends BatchProcessor<T, T> {
  readonly #options: Required<Pick<CSVBatchSinkOptions<T>, 'append' | 'delimiter' | 'header' | 'file'>> & {
    readonly columns: readonly string[] | undefined;
  };

  constructor(context: TaskContext, options: CSVBatchSinkOptions<T>) {
    const known = ['file', 'append', 'columns', 'delimiter', 'header', 'predecessor', 'task'];
    refuseUnknownKeys('CSVBatchSink', options, known);
    super(context, options);
    const { file, append = false, columns, delimiter = ',', header = true } = options;
    stringOption('file', file);
    if (typeof delimiter !== 'string' || delimiter.length !== 1 || /["\r\n]/.test(delimiter)) {
      throw optionError('delimiter', 'one character, no quote and no line break', delimiter);
    }
    const areNames = Array.isArray(columns) && columns.every((name) => typeof name === 'string');
    if (columns !== undefined && !(areNames && columns.length > 0))
      throw optionError('columns', 'a list of one name or more', columns);
    booleanOption('append', append);
    booleanOption('header', header);
    this.#options = { file, append, columns, delimiter, header };
  }

  override async *getBatch(maxBatchSize: number): AsyncGenerator<BatchResults<T>> {
    integerOption('maxBatchSize', maxBatchSize, { min: 1 });
    const { file, append, delimiter, header } = this.#options;
    const pending = new PendingFile(file);
    await pending.prepare();
    const present =
      append && pending.exists ? await pending.guard(() => csvFileShape(pending.path, delimiter)) : undefined;
    const output = createWriteStream(pending.temporaryPath);
    const failed = once(output, 'error').then(([error]) => Promise.reject(error as Error));
    failed.catch(() => undefined); // it is thrown where the next lines are written
    let columns = this.#options.columns;
    let isWhole = false;
    try {
      // Packed files are a sequence of members, so what is appended is one more.
      if (present)
        await pending.guard(() => pipeline(createReadStream(pending.path), output, { end: false }));
      const target = file.endsWith('.gz') ? createGzip() : undefined;
      target?.pipe(output);
      const stream = target ?? output;
      const write = (text: string) =>
        pending.guard(async () => {
          if (!stream.write(text)) await Promise.race([once(stream, 'drain'), failed]);
        });
      let isFirst = true;
      for await (const batch of this.predecessor.getBatch(maxBatchSize)) {
        const begun = beginEvent('sink');
        const rows = batch.chunk as readonly Readonly<Record<string, unknown>>[];
        if (rows.length > 0) {
          columns ??= Object.keys(rows[0]!);
          if (isFirst && present && header) columns = sameColumns(pending.path, present.columns, columns);
          const names = columns;
          if (!this.#options.columns) refuseOtherFields(rows, names, 'columns');
          if (isFirst && present && !present.endsWithLineBreak) await write('\r\n');
          if (isFirst && header && !present) await write(line(names, delimiter));
          isFirst = false;
          await write(
            rows
              .map((row) =>
                line(
                  names.map((name) => row[name]),
                  delimiter,
                ),
              )
              .join(''),
          );
          endSinkWrite(this, begun, rows.length);
        }
        yield { ...batch, statistics: mergeStatistics(batch.statistics, { csv_rows_written: rows.length }) };
      }
      if (isFirst && header && !present && columns) await write(line(columns, delimiter));
      await pending.guard(async () => {
        const closed = once(output, 'close');
        stream.end();
        await Promise.race([closed, failed]);
      });
      await pending.keep();
      isWhole = true;
    } finally {
      output.destroy();
      // A file that is still being opened would be there again after it is removed.
      if (!output.closed) await new Promise<void>((resolve) => output.once('close', () => resolve()));
      if (!isWhole) await pending.discard();
    }
  }
}

/** Gives the columns of a file that is added to. @throws {@link GraphweftError} `GW_SINK_FILE` when it has not all of them. */
function sameColumns(path: string, present: readonly string[], wanted: readonly string[]): readonly string[] {
  const missing = wanted.filter((name) => !present.includes(name));
  if (missing.length === 0) return present;
  throw new GraphweftError(
    'GW_SINK_FILE',
    `Nothing can be added to ${path}: it has the columns ${present.join(', ')}, and the rows have also ${missing.join(', ')}.`,
    { details: { file: path, columns: missing } },
  );
}

function line(values: readonly unknown[], delimiter: string): string {
  // A line of one null would be a blank line, which readers skip.
  if (values.length === 1 && (values[0] === null || values[0] === undefined)) return '""\r\n';
  return `${values.map((value) => field(value, delimiter)).join(delimiter)}\r\n`;
}

function field(value: unknown, delimiter: string): string {
  if (value === null || value === undefined) return '';
  const text = textOf(value);
  const mustQuote = text === '' || text.includes(delimiter) || /["\r\n]|^\s|\s$/.test(text);
  return mustQuote ? `"${text.replaceAll('"', '""')}"` : text;
}
