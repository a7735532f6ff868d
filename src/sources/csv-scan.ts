/**
 * The first pass over CSV files: columns, row count and malformed lines, before the first row is written. DuckDB
 * counts 3 M rows in 0.4 s, a small part of what their load takes, and the second pass can then number its rows
 * exactly, show how far it is, and be refused (`strict`) while nothing has been written.
 */
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { SourceError } from '../core/errors.ts';
import { type CsvField, collectMalformed, isMisfit } from './csv-malformed.ts';
import type { ResolvedCsvReadOptions } from './csv-options.ts';
import {
  all,
  type ColumnInfo,
  chosenColumns,
  columnsOf,
  type DuckDb,
  type Row,
  sqlFile,
  sqlName,
  sqlText,
  THREADS,
  unreadable,
} from './duckdb.ts';
import { duckdb } from './duckdb-api.ts';
import { exactCast } from './exact-casts.ts';

/** Of one of the reader's buffers; with the default of 32 MB the scan alone took 70 MB more, no faster. */
const BUFFER_BYTES = 8_000_000;
/** Each has buffers of its own. */
const MAX_READERS = 4;
/** What a reader is worth starting for: a file of 5 MB (300,000 ratings) takes two of them 83 ms, and one 111. */
const MIN_READER_BYTES = 1_000_000;

export interface CsvFile {
  readonly path: string;
  /** Those that are read. */
  readonly columns: readonly ColumnInfo[];
  /** All that its lines have; the others are text. */
  readonly allColumns: readonly ColumnInfo[];
  /** Rows that can be read. */
  readonly rows: number;
  /** Lines that cannot. */
  readonly malformed: number;
  /** SQL that reads the file's rows in their order. */
  readonly select: string;
  /** Table of its malformed lines, in order: see {@link MalformedLine}. */
  readonly rejectTable: string;
}

/** For messages. */
export const CSV_FORMAT = 'CSV';

/** @throws {@link SourceError} `GW_SOURCE_FORMAT` for an empty file, wrong encoding or unusable options. */
export async function scanCsvFile(
  database: DuckDb,
  path: string,
  index: number,
  options: ResolvedCsvReadOptions,
): Promise<CsvFile> {
  try {
    const connection = await database.connect();
    const header = await sniffColumns(connection, path, options);
    const chosen = chosenColumns(path, header, options.columns);
    refuseNames(path, chosen, options);
    // What is not read stays text, which always fits.
    const sniffed = header.map((column) =>
      chosen.includes(column) ? column : { ...column, type: duckdb.VARCHAR },
    );
    const fieldOf = ({ name, type }: ColumnInfo): CsvField => {
      const text = `csv.${sqlName(name)}`;
      return { name, type: type.toString(), text, value: exactCast(text, type) };
    };
    // All is read as text, and cast by us: DuckDB's casts lose what does not fit. Not ignore_errors: it drops the good
    // line after an unterminated quote, which store_rejects keeps.
    const texts = sniffed.map(({ name }) => `${sqlText(name)}: 'VARCHAR'`).join(', ');
    const arguments_ = [sqlFile(path), ...dialect(options), 'auto_detect=false', `columns={${texts}}`];
    const reading = (bytes: number, ...more: readonly string[]) =>
      `read_csv(${[...arguments_, `buffer_size=${bytes}`, ...more].join(', ')}) AS csv`;
    // All texts are counted, because bytes that are no text are found only in columns that are looked at.
    const counts = sniffed
      .map(fieldOf)
      .map(({ text, value }, c) => `count(${text}) AS t${c}, count(${value}) AS v${c}`);
    const count = (from: string) =>
      all(connection, `SELECT count(*) AS readable, ${counts.join(', ')} FROM ${from}`);
    const { readers, bytes } = await readersOf(path);
    const parted = reading(bytes);
    const clean = await inThreads(connection, readers, () => count(parted));
    // What was found clean is read in the same parts again. Else one reader goes through the file, which keeps its buffers as long
    // as memory is left: by itself DuckDB begins anew with each buffer, also in one thread, and guesses where a record begins
    // there; in the midst of a quoted text it takes that text's lines for rows, and with `store_rejects` without a word.
    const read = clean ? parted : reading(BUFFER_BYTES, 'parallel=false', 'store_rejects=true');
    const [counted = {}] = clean ?? (await count(read));
    const readable = Number(counted.readable);
    const unfit = sniffed.map((_, c) => Number(counted[`t${c}`]) - Number(counted[`v${c}`]));
    // Most of its texts are more than the type that was found for it: timestamps in nanoseconds, say.
    const isMistaken = (c: number) =>
      options.types === 'inferred' && 2 * unfit[c]! > Number(counted[`t${c}`]);
    const allColumns = sniffed.map((column, c) =>
      isMistaken(c) ? { ...column, type: duckdb.VARCHAR } : column,
    );
    const columns = chosenColumns(path, allColumns, options.columns);
    const fields = allColumns.map(fieldOf);
    const misfits = fields.filter((_, c) => unfit[c]! > 0 && !isMistaken(c));
    const rejectTable = `malformed_${index}`;
    const found = await collectMalformed(database, connection, {
      path,
      read,
      fields,
      misfits,
      readable: clean ? undefined : readable,
      table: rejectTable,
      options,
    });
    return {
      path,
      columns,
      allColumns,
      rows: readable - found.misfits,
      malformed: found.faults + found.misfits,
      select: selectRows(read, columns.map(fieldOf), misfits, found.faults > 0 ? fields : []),
      rejectTable,
    };
  } catch (cause) {
    throw (cause as Error).message.includes(INVALID_STATE)
      ? new SourceError(
          'GW_SOURCE_FORMAT',
          `${path} has line breaks of several kinds (LF, CRLF, CR) outside of quotes, or \`delimiter\` and \`quote\` are others; give all its lines the same.`,
          { cause, details: { file: path } },
        )
      : unreadable(cause, path, CSV_FORMAT);
  }
}

async function readersOf(path: string): Promise<{ readonly readers: number; readonly bytes: number }> {
  const { size } = await stat(path);
  const readers = Math.min(availableParallelism(), MAX_READERS, Math.ceil(size / MIN_READER_BYTES) || 1);
  return { readers, bytes: Math.min(BUFFER_BYTES, Math.max(MIN_READER_BYTES, Math.ceil(size / readers))) };
}

/**
 * Counts a file by several readers: 3 M rows take two of them 0.5 s in place of 0.9. Where they guessed wrong, the end of one is not
 * the beginning of the next; DuckDB looks for that as long as it need not keep malformed lines.
 * @returns Undefined where something is wrong in the file, or they guessed wrong.
 */
async function inThreads(
  connection: DuckDBConnection,
  readers: number,
  count: () => Promise<readonly Row[]>,
): Promise<readonly Row[] | undefined> {
  if (readers > 1) await connection.run(`SET threads = ${readers}`);
  try {
    return await count();
  } catch {
    return undefined;
  } finally {
    if (readers > 1) await connection.run(`SET threads = ${THREADS}`);
  }
}

/** What DuckDB says of a line break that is not the one of the lines before. */
const INVALID_STATE = 'state machine reached an invalid state';

function refuseNames(
  path: string,
  columns: readonly ColumnInfo[],
  { rowNumbers }: ResolvedCsvReadOptions,
): void {
  const refused = (name: string, why: string) => {
    if (!columns.some((column) => column.name === name)) return;
    throw new SourceError('GW_SOURCE_FORMAT', `${path} has a column named ${name}, ${why}`, {
      details: { file: path, column: name },
    });
  };
  refused('__proto__', 'which no row can hold.');
  if (rowNumbers)
    refused('_row', 'where the numbers of its rows go; rename it, or read it with `rowNumbers: false`.');
}

/** Gives SQL for the rows that can be read. @param looked Fields that must be looked at, where the reader refuses some lines. */
function selectRows(
  read: string,
  fields: readonly CsvField[],
  misfits: readonly CsvField[],
  looked: readonly CsvField[],
): string {
  const values = fields.map(({ name, type, text }) => `CAST(${text} AS ${type}) AS ${sqlName(name)}`);
  const conditions = misfits.map((field) => `NOT ${isMisfit(field)}`);
  // DuckDB fails at bytes that are no text when some columns are left out, as those who count keys do.
  if (looked.length > 0) conditions.push(`concat(${looked.map(({ text }) => text).join(', ')}) IS NOT NULL`);
  const where = conditions.length > 0 ? ` WHERE ${conditions.join(' AND ')}` : '';
  return `SELECT ${values.join(', ')} FROM ${read}${where}`;
}

async function sniffColumns(
  connection: DuckDBConnection,
  path: string,
  options: ResolvedCsvReadOptions,
): Promise<readonly ColumnInfo[]> {
  const { types } = options;
  const columns = await headerColumns(connection, path, options);
  if (types === 'text') return columns;
  if (types === 'inferred')
    return withTypes(connection, columns, await inferredTypes(connection, path, options));
  const unknown = Object.keys(types).find((name) => !columns.some((column) => column.name === name));
  if (unknown !== undefined) {
    const names = columns.map(({ name }) => name).join(', ');
    throw new SourceError(
      'GW_SOURCE_FORMAT',
      `${path} has no column ${unknown} to give a type; it has ${names}.`,
    );
  }
  for (const [name, type] of Object.entries(types)) {
    await columnsOf(connection, `SELECT NULL::${type}`).catch((cause: unknown) => {
      throw new SourceError('GW_SOURCE_FORMAT', `Column ${name}: DuckDB has no type ${type} (\`types\`).`, {
        cause,
      });
    });
  }
  return withTypes(connection, columns, new Map(Object.entries(types)));
}

/** Gives columns their types, by name; those without one stay text. */
function withTypes(
  connection: DuckDBConnection,
  columns: readonly ColumnInfo[],
  types: ReadonlyMap<string, string>,
): Promise<readonly ColumnInfo[]> {
  const typed = columns.map(({ name }) => `NULL::${types.get(name) ?? 'VARCHAR'} AS ${sqlName(name)}`);
  return columnsOf(connection, `SELECT ${typed.join(', ')}`);
}

/** Forms of dates and times that a cast reads. */
const CAST_FORMATS = String.raw`%Y[-/]%m[-/]%d([ T]%H:%M:%S(\.%[fgn])?(Z|%z)?)?`;

/**
 * Takes types from a sample. Dates in another form than casts read stay text: 02/03/2001 is a day in February or in March, and
 * a sample does not always tell.
 */
async function inferredTypes(
  connection: DuckDBConnection,
  path: string,
  options: ResolvedCsvReadOptions,
): Promise<ReadonlyMap<string, string>> {
  const sniff = [sqlFile(path), ...dialect(options), 'ignore_errors=true'].join(', ');
  const sniffed = await all(
    connection,
    `SELECT name, type FROM (SELECT unnest(Columns, recursive := true), DateFormat, TimestampFormat FROM sniff_csv(${sniff}))
     WHERE coalesce(regexp_full_match(CASE WHEN type = 'DATE' THEN DateFormat WHEN type LIKE 'TIMESTAMP%' THEN TimestampFormat END,
       ${sqlText(CAST_FORMATS)}), true)`,
  );
  return new Map(sniffed.map(({ name, type }) => [String(name), String(type)]));
}

/** Characters of the header that a message shows. */
const MAX_SHOWN = 100;

/** A header record may hold quoted line breaks, but not this many. */
const MAX_HEADER_LINES = 100;

/**
 * Reads the column names from the header alone: DuckDB's detection looks at the first thousands of lines, and gives up
 * when one of them is malformed. So the header is copied to a file of its own and detected there.
 */
async function headerColumns(
  connection: DuckDBConnection,
  path: string,
  options: ResolvedCsvReadOptions,
): Promise<readonly ColumnInfo[]> {
  const raw = [
    "delim='\u0001'",
    "quote=''",
    "escape=''",
    'header=false',
    'auto_detect=false',
    'store_rejects=true',
  ];
  const arguments_ = [
    sqlFile(path),
    ...raw,
    `encoding=${sqlText(options.encoding)}`,
    "columns={'line': 'VARCHAR'}",
  ];
  const linesWith = (...more: readonly string[]) =>
    all(
      connection,
      `SELECT line FROM read_csv(${[...arguments_, ...more].join(', ')}) LIMIT ${MAX_HEADER_LINES}`,
    );
  const isWhole = (text: string) => options.quote === '' || text.split(options.quote).length % 2 === 1;
  // Files whose fields hold line breaks of another kind than their lines end with (as spreadsheets write them) look
  // broken here. They can be read all the same, unless it is the header that has them: then no row would be found.
  const lines = await linesWith().catch(async (error: unknown) => {
    const [first] = await linesWith('strict_mode=false');
    if (typeof first?.line === 'string' && isWhole(first.line)) return [first];
    throw error;
  });
  const refuse = (why: string, cause?: unknown) => {
    throw new SourceError('GW_SOURCE_FORMAT', `${path} ${why}`, { cause, details: { file: path } });
  };
  let header = '';
  let count = 0;
  for (const { line } of lines) {
    header += count++ === 0 ? (line ?? '') : `\n${line ?? ''}`;
    if (isWhole(header)) break;
  }
  const [{ bad } = {}] = await all(connection, 'SELECT min(line)::INTEGER AS bad FROM reject_errors');
  await connection.run('DROP TABLE reject_errors; DROP TABLE reject_scans');
  if ((typeof bad === 'number' && bad <= Math.max(count, 1)) || header.includes('\0'))
    refuse(`has no text in ${options.encoding} in its first line; give the \`encoding\` that it is in.`);
  if (header.trim() === '') {
    const what = count > 0 ? 'begins with a blank line' : 'is empty';
    refuse(`${what}; a CSV file starts with a line of column names.`);
  }
  const folder = await mkdtemp(join(tmpdir(), 'graphweft-'));
  try {
    const copy = join(folder, 'header.csv');
    await writeFile(copy, `${header.replace(/^\ufeff/, '')}\n`);
    const [, ...other] = dialect({ ...options, encoding: 'utf-8' });
    const sniff = [sqlFile(copy), ...other, 'all_varchar=true'].join(', ');
    const [names = {}] = await all(connection, `SELECT * FROM read_csv(${sniff}, header=false)`).catch(
      (cause) =>
        refuse(
          `has a first line that cannot be read with \`delimiter\` ${options.delimiter} and \`quote\` ${options.quote}: ${header.slice(0, MAX_SHOWN)}`,
          cause,
        ),
    );
    refuseTwice(path, Object.values(names));
    return await columnsOf(connection, `SELECT * FROM read_csv(${sniff}, header=true)`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** DuckDB would give the second one another name, also where only capitals tell them apart. */
function refuseTwice(path: string, names: readonly unknown[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (typeof name !== 'string' || name === '') continue;
    if (seen.has(name.toLowerCase()))
      throw new SourceError(
        'GW_SOURCE_FORMAT',
        `${path} has two columns named ${name} (capitals do not count); rename one of them.`,
        { details: { file: path, column: name } },
      );
    seen.add(name.toLowerCase());
  }
}

function dialect(options: ResolvedCsvReadOptions): readonly string[] {
  const { delimiter, quote, encoding, blankAsNull } = options;
  // A blank field is null unless the text for null is one that no file holds.
  const nulls = blankAsNull ? [] : [`nullstr=${sqlText('\u0001null\u0001')}`, 'allow_quoted_nulls=false'];
  return [
    'header=true',
    `delim=${sqlText(delimiter)}`,
    `quote=${sqlText(quote)}`,
    `escape=${sqlText(options.escape)}`,
    `encoding=${sqlText(encoding)}`,
    ...nulls,
  ];
}
