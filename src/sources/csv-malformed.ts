/**
 * Malformed lines: those that DuckDB's reader refuses (faults) and those whose text is no exact value of its column's type
 * (misfits). They are put in the order of the file, with record, line and whole text, and kept in a table.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { SourceError } from '../core/errors.ts';
import type { ResolvedCsvReadOptions } from './csv-options.ts';
import { CsvRecords } from './csv-records.ts';
import { type DuckDb, type Row, sqlText, streamTables } from './duckdb.ts';

/** A malformed line, as the table has it. */
export interface MalformedLine extends Row {
  /** From 0, counted over records: neither a quoted line break nor a blank line makes one. */
  readonly record: number;
  /** From 1, as an editor counts. */
  readonly line: number;
  readonly text: string;
  readonly message: string;
}

/** What DuckDB says of a line that it refuses. */
interface Fault extends Row {
  /** From 0; counts blank lines. */
  readonly record: number;
  /** Of its first byte, from 0. */
  readonly position: number;
  /** The first {@link MAX_FAULT_BYTES} bytes. */
  readonly text: string;
  readonly message: string;
}

/** A row with a text that its column's type cannot hold. */
interface Misfit extends Row {
  /** From 0, among those that DuckDB does not refuse. */
  readonly row: number;
  readonly text: string;
  readonly message: string;
}

/** A field of the file: SQL for its text, and for its value, which is null where the type has none. */
export interface CsvField {
  readonly name: string;
  readonly type: string;
  readonly text: string;
  readonly value: string;
}

export interface MalformedOptions {
  readonly path: string;
  /** SQL of the file's texts, which keeps what is refused. */
  readonly read: string;
  readonly fields: readonly CsvField[];
  /** Fields that do not fit somewhere. */
  readonly misfits: readonly CsvField[];
  /** Rows that the reader gave, where it kept what it refuses; undefined where it refuses nothing. */
  readonly readable: number | undefined;
  /** Name of the table to make. */
  readonly table: string;
  readonly options: ResolvedCsvReadOptions;
}

/** DuckDB cuts the text of a line there. */
const MAX_FAULT_BYTES = 10_000;
/** Characters of a text that a message shows. */
const MAX_SHOWN = 100;
/** Begins the message of a line that takes others along, though it counts as one. */
export const OPEN_QUOTE = 'A quote does not close';
/** As DuckDB says it of such a record elsewhere in a file. */
const OPEN_END = 'Value with unterminated quote found.';
/** A name that no column has. */
const ROW = '"\u0001row"';

/** Makes the table of a file's malformed lines, of what its scan left behind with the connection. @returns How many are faults, and misfits. */
export async function collectMalformed(
  database: DuckDb,
  connection: DuckDBConnection,
  { path, read, fields, misfits, readable, table, options }: MalformedOptions,
): Promise<{ readonly faults: number; readonly misfits: number }> {
  await connection.run(`CREATE TABLE ${table} (record BIGINT, line BIGINT, text VARCHAR, message VARCHAR)`);
  const isClean = readable === undefined;
  if (!isClean) await makeFaults(connection);
  const counts = { faults: 0, misfits: 0 };
  if (!isClean || misfits.length > 0) {
    const appender = await connection.createAppender(table);
    const records = new CsvRecords(path, options, fields.length);
    try {
      const lines = malformedInOrder(
        records,
        isClean ? none() : rowsOf<Fault>(database, 'FROM faults', path),
        misfits.length > 0
          ? rowsOf<Misfit>(database, misfitRows(read, fields, misfits, options), path)
          : none(),
        readable,
      );
      for await (const { record, line, text, message, isMisfit } of lines) {
        appender.appendBigInt(BigInt(record));
        appender.appendBigInt(BigInt(line));
        appender.appendVarchar(text);
        appender.appendVarchar(message);
        appender.endRow();
        counts[isMisfit ? 'misfits' : 'faults']++;
      }
    } finally {
      records.close();
      appender.closeSync();
    }
  }
  if (!isClean) await connection.run('DROP TABLE faults; DROP TABLE reject_errors; DROP TABLE reject_scans');
  return counts;
}

/** Makes the table of lines that the reader refused, each with all that is wrong with it. */
async function makeFaults(connection: DuckDBConnection): Promise<void> {
  // DuckDB counts the header as line 1; a line with several faults is reported once for each.
  await connection.run(
    `CREATE TABLE faults AS SELECT line::BIGINT - 2 AS record, min(line_byte_position)::BIGINT - 1 AS position,
       first(csv_line) AS text, string_agg(DISTINCT error_message, '; ' ORDER BY error_message) AS message
     FROM reject_errors GROUP BY line ORDER BY line`,
  );
}

/** What the scan of a file found of such lines. */
interface ScannedLines {
  readonly path: string;
  readonly rejectTable: string;
  readonly malformed: number;
}

/** Streams the table's lines. */
export async function* malformedLines(database: DuckDb, file: ScannedLines): AsyncGenerator<MalformedLine> {
  if (file.malformed > 0) yield* rowsOf<MalformedLine>(database, `FROM ${file.rejectTable}`, file.path);
}

/** @throws {@link SourceError} `GW_SOURCE_ROW` for the first malformed line. */
export async function refuseMalformed(database: DuckDb, file: ScannedLines): Promise<void> {
  for await (const { line, message, text } of malformedLines(database, file))
    throw new SourceError('GW_SOURCE_ROW', `${file.path}:${line} is malformed (${message}): ${text}`, {
      details: { file: file.path, line, malformed: file.malformed },
    });
}

interface FoundLine extends MalformedLine {
  readonly isMisfit: boolean;
}

/**
 * Merges faults and misfits in the order of the file, and finds their lines in it. A quote that is open at the file's end is found
 * here: DuckDB leaves such a record out without a word where one reader goes through the whole file.
 * @param readable Rows that DuckDB gave of a file in which something is wrong; undefined: nothing is.
 */
async function* malformedInOrder(
  records: CsvRecords,
  faults: AsyncGenerator<Fault>,
  misfits: AsyncGenerator<Misfit>,
  readable: number | undefined,
): AsyncGenerator<FoundLine> {
  const next = async <T>(items: AsyncGenerator<T>) => (await items.next()).value as T | undefined;
  let fault = await next(faults);
  let misfit = await next(misfits);
  /** Rows before, -1 at the header, and malformed lines before. */
  let row = -1;
  let passed = 0;
  while (fault || misfit || readable !== undefined) {
    const found = records.next(fault?.position);
    if (!found) {
      if (await records.fill()) continue;
      break;
    }
    const { line } = found;
    if (found.isMalformed && fault) {
      const { text } = records;
      if (found.isLost) row = fault.record - records.blankLines - passed;
      for (; misfit && misfit.row < row; misfit = await next(misfits)) yield byCount(misfit, passed);
      yield { record: row + passed++, line, text, message: toMessage(fault.message, text), isMisfit: false };
      fault = await next(faults);
    } else if (found.isOpen && readable !== undefined && row >= readable) {
      const { text } = records;
      yield { record: row + passed, line, text, message: toMessage(OPEN_END, text), isMisfit: false };
    } else {
      if (misfit?.row === row) {
        yield { record: row + passed, line, text: records.text, message: misfit.message, isMisfit: true };
        misfit = await next(misfits);
      }
      row++;
    }
  }
  while (fault || misfit) {
    if (!misfit || (fault && fault.record - passed <= misfit.row)) {
      yield ofDuckDb(fault!);
      passed++;
      fault = await next(faults);
    } else {
      yield byCount(misfit, passed);
      misfit = await next(misfits);
    }
  }
}

/** A line that was not found in the file: quoted line breaks before it are not counted. */
function byCount({ row, text, message }: Misfit, passed: number): FoundLine {
  return { record: row + passed, line: row + passed + 2, text, message, isMisfit: true };
}

function ofDuckDb({ record, text, message }: Fault): FoundLine {
  const cut = Buffer.byteLength(text) < MAX_FAULT_BYTES ? '' : ` (text cut after ${MAX_FAULT_BYTES} bytes)`;
  // Blank lines before the malformed one come with its text.
  const line = text.replace(/^[\r\n]+|[\r\n]+$/g, '');
  return { record, line: record + 2, text: line, message: toMessage(message, line) + cut, isMisfit: false };
}

function toMessage(message: string, text: string): string {
  if (message.startsWith('Invalid unicode'))
    return 'Bytes that are no text in UTF-8; `encoding` says what the file is in.';
  const taken = message.includes('unterminated quote') ? text.split(/\r\n|\r|\n/).length - 1 : 0;
  return taken > 0 ? `${OPEN_QUOTE}; lines after it that it takes along: ${taken}.` : message.trim();
}

function misfitRows(
  read: string,
  fields: readonly CsvField[],
  misfits: readonly CsvField[],
  { delimiter }: ResolvedCsvReadOptions,
): string {
  const texts = fields.map(({ text }) => `coalesce(${text}, '')`).join(', ');
  const messages = misfits.map(({ name, type, text, value }) => {
    const before = sqlText(`Column ${name} (${type}) cannot hold "`);
    return `CASE WHEN ${isMisfit({ text, value })} THEN ${before} || left(${text}, ${MAX_SHOWN}) || '" exactly.' END`;
  });
  return `SELECT ${ROW} AS row, concat_ws(${sqlText(delimiter)}, ${texts}) AS text, concat_ws(' ', ${messages.join(', ')}) AS message
    FROM (SELECT row_number() OVER () - 1 AS ${ROW}, * FROM ${read}) AS csv WHERE ${misfits.map(isMisfit).join(' OR ')}`;
}

/** SQL for whether a field's text is no value of its type. */
export function isMisfit({ text, value }: Pick<CsvField, 'text' | 'value'>): string {
  return `(${text} IS NOT NULL AND (${value}) IS NULL)`;
}

async function* rowsOf<T extends Row>(database: DuckDb, sql: string, file: string): AsyncGenerator<T> {
  const reading = { file, format: 'CSV', decimals: 'number', size: 1_000 } as const;
  for await (const table of streamTables(await database.connect(), sql, reading))
    yield* table.rows() as Iterable<T>;
}

async function* none(): AsyncGenerator<never> {}
