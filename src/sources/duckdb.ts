/** DuckDB as the reader of files: one in-memory database a source, rows streamed, memory bounded. */
import { type DuckDBConnection, DuckDBInstance, type DuckDBResult, type DuckDBType } from '@duckdb/node-api';
import { SourceError } from '../core/errors.ts';
import { type KeyCounts, MAX_HEAVY_KEYS } from '../parallel/balanced-buckets.ts';
import { type DecimalForm, decoderFor, type ValueDecoder } from './duckdb-values.ts';
import { readColumn } from './duckdb-vectors.ts';

/** A record as it comes from a source. */
export type Row = Record<string, unknown>;

/** What DuckDB may take for buffers; 3 M rows streamed peaked at 140 MB (Parquet) and 250 MB (CSV) with it. */
export const DEFAULT_MEMORY_LIMIT_MB = 256;

/** Each thread has buffers of its own: 3 M CSV rows read by two peaked 33 MB higher, and one outruns Neo4j tenfold. */
const THREADS = '1';

export interface DuckDb {
  connect(): Promise<DuckDBConnection>;
  close(): void;
}

/** Opens a database in memory; every connection and the database are closed by `close`. */
export async function openDuckDb(memoryLimitMb: number): Promise<DuckDb> {
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: `${memoryLimitMb}MB`,
    threads: THREADS,
  });
  const connections: DuckDBConnection[] = [];
  return {
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
  throw new SourceError('GW_SOURCE_MISSING', `There is no file ${pattern}.`, { details: { file: pattern } });
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
 * Counts the values of columns in the rows of statements, all columns together, the most frequent first.
 * @returns Undefined where a column is missing.
 */
export async function countKeys(
  connection: DuckDBConnection,
  selects: readonly string[],
  columns: readonly string[],
): Promise<KeyCounts | undefined> {
  if (selects.length === 0) return { heavy: [], totalRows: 0 };
  for (const select of selects) {
    const names = (await columnsOf(connection, select)).map(({ name }) => name);
    if (columns.some((column) => !names.includes(column))) return undefined;
  }
  // One pass for all columns: of 3 M flights 0.36 s of CPU, where one pass each took 0.54 s.
  const list = columns.map((column) => `${sqlName(column)}::VARCHAR`).join(', ');
  const keys = selects.map((select) => `SELECT unnest([${list}]) AS key FROM (${select})`);
  const counted = `SELECT key, count(*) AS n FROM (${keys.join(' UNION ALL ')}) WHERE key IS NOT NULL GROUP BY key`;
  const heavy = await all(
    connection,
    `SELECT key, n, sum(n) OVER () AS total FROM (${counted}) ORDER BY n DESC, key LIMIT ${MAX_HEAVY_KEYS}`,
  );
  return {
    heavy: heavy.map(({ key, n }) => [String(key), Number(n)] as const),
    totalRows: Number(heavy[0]?.total ?? 0),
  };
}

/** Streams the rows of a statement, a list of at most 2,048 at a time (DuckDB's vector size). */
export async function* streamRows(
  connection: DuckDBConnection,
  sql: string,
  decimals: DecimalForm,
): AsyncGenerator<Row[]> {
  const result = await connection.stream(sql);
  const decoders = result.columnTypes().map((type) => decoderFor(type, decimals));
  const toRow = rowMaker(result.deduplicatedColumnNames());
  for (;;) {
    const rows = await nextRows(result, decoders, toRow);
    if (!rows) return;
    yield rows;
  }
}

/**
 * Reads one chunk. A function of its own, so that the generator above does not hold the chunk while it waits to be
 * asked: garbage collection does not see a chunk's size, and one that has lived for long is freed late.
 */
async function nextRows(
  result: DuckDBResult,
  decoders: readonly (ValueDecoder | undefined)[],
  toRow: ReturnType<typeof rowMaker>,
): Promise<Row[] | undefined> {
  const chunk = await result.fetchChunk();
  if (!chunk || chunk.rowCount === 0) return undefined;
  const { rowCount } = chunk;
  const columns = decoders.map((decode, c) => readColumn(chunk.getColumnVector(c), rowCount, decode));
  const rows = new Array<Row>(rowCount);
  for (let i = 0; i < rowCount; i++) rows[i] = toRow(columns, i);
  chunk.reset(); // its texts are freed now
  return rows;
}

/**
 * Makes the function that puts row i of the columns together. It is compiled from the names, so that every row is one
 * object literal: half the memory of a row that is filled field by field (64 instead of 96 bytes for five fields, and
 * a splitter holds hundreds of thousands), in two thirds of the time.
 */
function rowMaker(names: readonly string[]): (columns: readonly (readonly unknown[])[], i: number) => Row {
  const fields = names.map((name, c) => {
    const key = JSON.stringify(name);
    // Without brackets this one would not be a field.
    return `${name === '__proto__' ? `[${key}]` : key}: columns[${c}][i]`;
  });
  return new Function('columns', 'i', `return { ${fields.join(', ')} };`) as ReturnType<typeof rowMaker>;
}

/** Cuts lists of rows to batches of exactly `size` rows; the last one may be shorter. */
export async function* rebatch(lists: AsyncIterable<Row[]>, size: number): AsyncGenerator<Row[]> {
  let pending: Row[] = [];
  for await (const rows of lists) {
    let from = 0;
    while (pending.length + rows.length - from >= size) {
      const to = from + size - pending.length;
      yield pending.length === 0 ? rows.slice(from, to) : pending.concat(rows.slice(from, to));
      pending = [];
      from = to;
    }
    if (from < rows.length) pending = pending.concat(from === 0 ? rows : rows.slice(from));
  }
  if (pending.length > 0) yield pending;
}
