/** DuckDB as the reader of files: one in-memory database a source, rows streamed, memory bounded. */
import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  DuckDBConnection,
  DuckDBDataChunk,
  DuckDBResult,
  DuckDBType,
  DuckDBVector,
} from '@duckdb/node-api';
import { SourceError } from '../core/errors.ts';
import { RowLayout, RowTable } from '../core/row-table.ts';
import { type KeyCounts, MAX_HEAVY_KEYS, RARE_SHARE } from '../parallel/balanced-buckets.ts';
import type { PlainKey } from '../parallel/id-extractors.ts';
import { duckdb } from './duckdb-api.ts';
import { type DecimalForm, decoderFor, isNumeric, type ValueDecoder } from './duckdb-values.ts';
import { fillColumn, kindsOf } from './duckdb-vectors.ts';

const { DuckDBInstance, DuckDBTypeId } = duckdb;

/** A record as it comes from a source. */
export type Row = Record<string, unknown>;

/**
 * What DuckDB may take for buffers. It takes what it needs: 3 M flights peaked the same with 256 as with this, while 20,000 rows of
 * eight texts of 1,000 bytes in one row group could not be read with 256.
 */
export const DEFAULT_MEMORY_LIMIT_MB = 1024;
/** What counting keys may take at first before it goes on in a temporary file: 20 M different keys took the process 390 MB with this, 1.6 GB with 2,000. */
const MAX_COUNT_MEMORY_MB = 256;
/** Two count the keys of 3 M flights in 0.21 s in place of 0.41, and 20 M different ones in two columns in 14 s in place of 26; four had too little memory for that. */
const COUNT_THREADS = Math.min(2, availableParallelism());

/** Each thread has buffers of its own: 3 M CSV rows read by two peaked 33 MB higher, and one outruns Neo4j tenfold. */
export const THREADS = 1;

export interface DuckDb {
  readonly memoryLimitMb: number;
  connect(): Promise<DuckDBConnection>;
  close(): void;
}

/** Opens a database in memory; every connection and the database are closed by `close`. */
export async function openDuckDb(memoryLimitMb: number): Promise<DuckDb> {
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: `${memoryLimitMb}MB`,
    temp_directory: join(tmpdir(), `graphweft-${randomUUID()}`), // made when it is needed, and removed
    threads: String(THREADS),
    enable_external_file_cache: 'false', // it would fill up with what has been read and is not read again
  });
  const connections: DuckDBConnection[] = [];
  return {
    memoryLimitMb,
    async connect() {
      const connection = await instance.connect();
      connections.push(connection);
      // Otherwise a time without an offset would be another instant on another machine.
      await connection.run("SET TimeZone = 'UTC'");
      return connection;
    },
    close() {
      for (const connection of connections) connection.closeSync();
      instance.closeSync();
    },
  };
}

/** Gives what is said of a file that DuckDB cannot read; what is said already stays. */
export function unreadable(cause: unknown, file: string, format: string): unknown {
  if (cause instanceof SourceError) return cause;
  const [reason] = (cause as Error).message.split('\n');
  return isOutOfMemory(cause)
    ? new SourceError(
        'GW_SOURCE_MEMORY',
        `Reading ${file} takes more memory than \`memoryLimitMb\` allows; give more, or read fewer columns.`,
        { cause, details: { file } },
      )
    : new SourceError('GW_SOURCE_FORMAT', `${file} cannot be read as ${format}: ${reason}`, {
        cause,
        details: { file },
      });
}

function isOutOfMemory(cause: unknown): boolean {
  return (cause as Error).message.startsWith('Out of Memory');
}

/** Quotes a text as an SQL literal. */
export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Quotes a name as an SQL identifier. */
export function sqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Quotes a path so that DuckDB takes it for one file, not for a pattern. */
export function sqlFile(path: string): string {
  return sqlText(path.replace(/[[*?]/g, (character) => `[${character}]`));
}

/** Lists the files of a path or pattern (`*`, `**`, `?`, `[…]`), sorted; a file of just that name comes first. */
export async function expandFiles(connection: DuckDBConnection, pattern: string): Promise<readonly string[]> {
  const find = async (sql: string) =>
    (await all(connection, `SELECT file FROM glob(${sql}) ORDER BY file`)) as { file: string }[];
  const exact = await find(sqlFile(pattern));
  const files = exact.length > 0 ? exact : await find(sqlText(pattern));
  if (files.length > 0) return files.map(({ file }) => file);
  const isFolder = await stat(pattern).then(
    (found) => found.isDirectory(),
    () => false, // it is not there
  );
  const message = isFolder
    ? `${pattern} is a folder; name its files by a pattern, such as ${join(pattern, '*')}.`
    : `There is no file ${pattern}.`;
  throw new SourceError('GW_SOURCE_MISSING', message, { details: { file: pattern } });
}

/** Runs a statement and gives all its rows; for small results. */
export async function all(connection: DuckDBConnection, sql: string): Promise<readonly Row[]> {
  return (await connection.runAndReadAll(sql)).getRowObjectsJS();
}

export interface ColumnInfo {
  readonly name: string;
  readonly type: DuckDBType;
}

/** Gives the columns that a statement would yield, without reading rows. */
export async function columnsOf(connection: DuckDBConnection, sql: string): Promise<readonly ColumnInfo[]> {
  const statement = await connection.prepare(sql);
  try {
    const result = Array.from({ length: statement.columnCount }, (_, i) => ({
      name: statement.columnName(i),
      type: statement.columnType(i),
    }));
    return result;
  } finally {
    statement.destroySync();
  }
}

/**
 * Takes some of a file's columns, in the order asked for; capitals do not count, as for DuckDB.
 * @param wanted Undefined: all.
 * @throws {@link SourceError} `GW_SOURCE_FORMAT` for one that the file does not have.
 */
export function chosenColumns(
  path: string,
  found: readonly ColumnInfo[],
  wanted: readonly string[] | undefined,
): readonly ColumnInfo[] {
  if (!wanted) return found;
  return wanted.map((column) => {
    const chosen = found.find(({ name }) => name.toLowerCase() === column.toLowerCase());
    if (chosen) return chosen;
    const names = found.map(({ name }) => name).join(', ');
    throw new SourceError('GW_SOURCE_FORMAT', `${path} has no column ${column}; it has ${names}.`, {
      details: { file: path, column },
    });
  });
}

/**
 * Compares the columns of a pattern's files by name; their order and their types may differ.
 * @throws {@link SourceError} `GW_SOURCE_FORMAT`: where one is missing its values would be null, as if the file said so.
 */
export function refuseOtherColumns(
  first: { readonly path: string; readonly columns: readonly ColumnInfo[] },
  file: { readonly path: string; readonly columns: readonly ColumnInfo[] },
): void {
  for (const [having, other] of [
    [first, file],
    [file, first],
  ] as const) {
    const missing = having.columns.find(({ name }) => !other.columns.some((column) => column.name === name));
    if (!missing) continue;
    throw new SourceError(
      'GW_SOURCE_FORMAT',
      `${other.path} has no column ${missing.name}, but ${having.path} has; the files of a pattern need the same columns.`,
      { details: { file: other.path, column: missing.name } },
    );
  }
}

/** Says which column is text in one of two files and no text in the other; its equal values are not equal in Neo4j. */
export function textDrift(
  before: { readonly path: string; readonly columns: readonly ColumnInfo[] },
  file: { readonly path: string; readonly columns: readonly ColumnInfo[] },
): string | undefined {
  const isText = ({ type }: ColumnInfo) => type.typeId === DuckDBTypeId.VARCHAR;
  for (const column of file.columns) {
    const earlier = before.columns.find(({ name }) => name === column.name);
    if (!earlier || isText(earlier) === isText(column)) continue;
    return (
      `Column ${column.name} is ${earlier.type} in ${before.path} and ${column.type} in ${file.path}: ` +
      'where it is a key, equal values of it find different nodes.'
    );
  }
  return undefined;
}

/**
 * Counts keys in the rows of statements, in one pass: for each side the values of its columns together, the most frequent first.
 * Of 3 M ratings with a column a side 0.28 s of CPU, where a pass a side took 0.65 s.
 * @param database One that does nothing else meanwhile: its memory and its threads are others while keys are counted.
 * @returns A count a side; undefined where a column is missing, or so many keys that the memory does not do.
 * @throws {@link SourceError} `GW_SOURCE_FORMAT`
 */
export async function countKeys(
  database: DuckDb,
  { file, format, decimals }: Pick<StreamOptions, 'file' | 'format' | 'decimals'>,
  selects: readonly string[],
  sides: readonly (readonly string[])[],
): Promise<readonly KeyCounts[] | undefined> {
  const connection = await database.connect();
  const { memoryLimitMb } = database;
  const limitTo = (memoryMb: number, threads: number) =>
    connection.run(`SET memory_limit = '${memoryMb}MB'; SET threads = ${threads}`);
  // For more keys than fit, all of the memory is taken, and one thread, which needs less of it.
  const usual = [memoryLimitMb, THREADS] as const;
  try {
    for (const limits of [[Math.min(MAX_COUNT_MEMORY_MB, memoryLimitMb), COUNT_THREADS] as const, usual]) {
      try {
        await limitTo(...limits);
        return await countsOfSides(connection, decimals, selects, sides);
      } catch (cause) {
        if (!isOutOfMemory(cause)) throw unreadable(cause, file, format);
      }
    }
    return undefined;
  } finally {
    await connection.run('DROP TABLE IF EXISTS counted');
    await limitTo(...usual);
  }
}

async function countsOfSides(
  connection: DuckDBConnection,
  decimals: DecimalForm,
  selects: readonly string[],
  sides: readonly (readonly string[])[],
): Promise<readonly KeyCounts[] | undefined> {
  if (selects.length === 0) return sides.map(() => ({ heavy: [], totalRows: 0 }));
  const keys = sides.flatMap((columns, side) => columns.map((column) => ({ side, column })));
  const names = keys.map((_, k) => `k${k}`);
  const columns = keys.map(({ column }, k) => `${sqlName(column)} AS k${k}`).join(', ');
  const whose = (values: readonly unknown[]) =>
    `CASE ${values.map((value, k) => `WHEN GROUPING(k${k}) = 0 THEN ${value}`).join(' ')} END`;
  const side = whose(keys.map((key) => key.side));
  const text = `coalesce(${names.map((name) => `${name}::VARCHAR`).join(', ')})`;
  const sets = names.map((name) => `(${name})`).join(', ');
  const counted: string[] = [];
  for (const select of selects) {
    const found = await columnsOf(connection, select);
    const types = keys.map(({ column }) => found.find(({ name }) => name === column)?.type);
    if (!types.every((type) => type !== undefined)) return undefined;
    counted.push(
      `SELECT ${side} AS side, ${whose(types.map((type) => isNumeric(type, decimals)))} AS is_number, ${text} AS key, count(*) AS n
       FROM (SELECT ${columns} FROM (${select})) GROUP BY GROUPING SETS (${sets})`,
    );
  }
  await connection.run(
    `CREATE TEMP TABLE counted AS
     SELECT side, is_number, key, sum(n)::BIGINT AS n FROM (${counted.join(' UNION ALL ')})
     WHERE key IS NOT NULL GROUP BY side, is_number, key`,
  );
  const counts: KeyCounts[] = [];
  for (const s of sides.keys()) counts.push(await countsOf(connection, `FROM counted WHERE side = ${s}`));
  return counts;
}

/** Larger keys need not be told apart to know what is usual. */
const LARGE_KEY = 10_000;

async function countsOf(connection: DuckDBConnection, from: string): Promise<KeyCounts> {
  // As columns: an object a key, and a BigInt in it, made the count of 12,000 keys 118 ms of CPU in place of 111.
  const [keys = [], areNumbers = [], rows = []] = (
    await connection.runAndReadAll(
      `SELECT key, is_number, n::DOUBLE ${from} ORDER BY n DESC, key, is_number LIMIT ${MAX_HEAVY_KEYS}`,
    )
  ).getColumnsJS();
  const [sums] = await all(
    connection,
    `SELECT max(total) AS total, min(size) FILTER (WHERE reached > ${RARE_SHARE} * total) AS usual FROM (
       SELECT size, sum(sum(n)) OVER (ORDER BY size) AS reached, sum(sum(n)) OVER () AS total
       FROM (SELECT least(n, ${LARGE_KEY}) AS size, n ${from}) GROUP BY size)`,
  );
  return {
    heavy: keys.map((key, k) => [
      areNumbers[k] ? numberOf(key as string) : (key as string),
      rows[k] as number,
    ]),
    totalRows: Number(sums?.total ?? 0),
    ...(keys.length > 0 && { usualRows: Number(sums?.usual) }),
  };
}

/** As the rows have it: an integer beyond the safe ones, which is a bigint there, stays text. */
function numberOf(text: string): PlainKey {
  const number = Number(text);
  return Number.isSafeInteger(number) || !/^-?\d+$/.test(text) ? number : text;
}

export interface StreamOptions {
  /** The file that is read, and its format, for a message. */
  readonly file: string;
  readonly format: string;
  readonly decimals: DecimalForm;
  /** Rows of a table, exactly; the last one may have fewer. */
  readonly size: number;
  /** A column of numbers that is left to the caller to fill. Default: none. */
  readonly left?: string | undefined;
}

/**
 * Streams the rows of a statement.
 * @throws {@link SourceError} `GW_SOURCE_FORMAT`, `GW_SOURCE_MEMORY`
 */
export async function* streamTables(
  connection: DuckDBConnection,
  sql: string,
  { file, format, decimals, size, left }: StreamOptions,
): AsyncGenerator<RowTable> {
  try {
    const result = await connection.stream(sql);
    const filler = new TableFiller(result, decimals, size, left);
    for (let isLast = false; !isLast; ) {
      isLast = !(await nextChunk(result, filler));
      for (let table = filler.take(isLast); table; table = filler.take(isLast)) yield table;
    }
  } catch (cause) {
    throw unreadable(cause, file, format);
  }
}

/**
 * Reads one chunk. A function of its own, so that the generator above does not hold the chunk while it waits to be
 * asked: garbage collection does not see a chunk's size, and one that has lived for long is freed late.
 */
async function nextChunk(result: DuckDBResult, filler: TableFiller): Promise<boolean> {
  const chunk = await result.fetchChunk();
  if (!chunk || chunk.rowCount === 0) return false;
  filler.add(chunk);
  chunk.reset(); // its texts are freed now
  return true;
}

/** More room is made when it is needed. */
const FIRST_CAPACITY = 10_000;

/** Makes tables of chunks. */
class TableFiller {
  readonly #decoders: readonly (ValueDecoder | undefined)[];
  readonly #size: number;
  readonly #left: number;
  readonly #full: RowTable[] = [];
  /** A column whose values did not fit once is a list from then on. */
  #layout: RowLayout;
  #table: RowTable;

  constructor(result: DuckDBResult, decimals: DecimalForm, size: number, left: string | undefined) {
    const names = result.deduplicatedColumnNames();
    const all = left === undefined || names.includes(left) ? names : [...names, left];
    this.#left = left === undefined ? -1 : all.indexOf(left);
    const types = result.columnTypes();
    const packed = all.map((_, c) => (c === this.#left ? undefined : types[c]));
    this.#layout = RowLayout.of(all, kindsOf(packed));
    this.#decoders = types.map((type) => decoderFor(type, decimals));
    this.#size = size;
    this.#table = this.#newTable();
  }

  add(chunk: DuckDBDataChunk): void {
    const vectors = this.#decoders.map((_, c) => chunk.getColumnVector(c));
    for (let from = 0; from < chunk.rowCount; ) {
      const count = Math.min(this.#size - this.#table.length, chunk.rowCount - from);
      this.#append(vectors, from, count);
      from += count;
      if (this.#table.length < this.#size) continue;
      this.#full.push(this.#table);
      this.#table = this.#newTable();
    }
  }

  /** Gives the next table that is full. @param isLast Or has any rows. */
  take(isLast: boolean): RowTable | undefined {
    const full = this.#full.shift();
    if (full || !isLast || this.#table.length === 0) return full;
    const rest = this.#table;
    this.#table = this.#newTable();
    return rest;
  }

  #append(vectors: readonly DuckDBVector[], from: number, count: number): void {
    const before = this.#table.length;
    this.#table.extend(count);
    for (const [c, vector] of vectors.entries()) {
      const decode = this.#decoders[c];
      if (c === this.#left || fillColumn(this.#table, c, before, { vector, from, count, decode })) continue;
      this.#layout = RowLayout.of(this.#layout.names, this.#layout.kinds.with(c, 'list'));
      this.#table = this.#table.slice(0, before).relaid(this.#layout);
      this.#append(vectors, from, count);
      return;
    }
  }

  #newTable(): RowTable {
    return new RowTable(this.#layout, Math.min(this.#size, FIRST_CAPACITY));
  }
}
