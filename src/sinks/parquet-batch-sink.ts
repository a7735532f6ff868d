import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { DuckDBAppender, DuckDBConnection, DuckDBType, DuckDBValue } from '@duckdb/node-api';
import { BatchProcessor, type BatchProcessorOptions, type BatchResults } from '../core/batch-processor.ts';
import type { TaskContext } from '../core/context.ts';
import { GraphweftError } from '../core/errors.ts';
import { beginEvent, endSinkWrite } from '../core/events.ts';
import {
  choiceOption,
  describeValue,
  integerOption,
  optionError,
  refuseUnknownKeys,
  stringOption,
} from '../core/options.ts';
import { mergeStatistics } from '../core/statistics.ts';
import { Duration, LocalDate, LocalDateTime, LocalTime, ZonedDateTime, ZonedTime } from '../core/temporal.ts';
import { listOf, textOf } from '../core/value-text.ts';
import { sqlName, sqlText } from '../sources/duckdb.ts';
import { duckdb } from '../sources/duckdb-api.ts';
import { PendingFile } from './file-sink.ts';
import { refuseOtherFields } from './other-fields.ts';

const {
  BIGINT,
  BLOB,
  BOOLEAN,
  blobValue,
  DATE,
  DOUBLE,
  DuckDBDataChunk,
  DuckDBDateValue,
  DuckDBInstance,
  DuckDBIntervalValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
  INTERVAL,
  LIST,
  listValue,
  TIME,
  TIMESTAMP,
  TIMESTAMPTZ,
  VARCHAR,
} = duckdb;

/** What a column of a Parquet file may hold, and how it is stored. */
const COLUMN_TYPES: Readonly<Record<string, DuckDBType>> = {
  boolean: BOOLEAN,
  integer: BIGINT,
  float: DOUBLE,
  text: VARCHAR,
  bytes: BLOB,
  date: DATE,
  time: TIME,
  'local datetime': TIMESTAMP,
  'zoned datetime': TIMESTAMPTZ,
  duration: INTERVAL,
};

/** Rows of one of DuckDB's vectors. */
const VECTOR_ROWS = 2_048;

/** Days and seconds from 1970 that DuckDB's dates and timestamps reach, in both directions. */
const MAX_DAYS = 2_147_483_645;
const MAX_SECONDS = 9_223_372_022_400;

const MAX_INT32 = 2 ** 31 - 1;
const MAX_UINT32 = 2 ** 32 - 1;

/** One of the types, or a list of it: `integer[]`. */
export type ParquetColumnType = string;

/** What a {@link ParquetBatchSink} is told. */
export interface ParquetBatchSinkOptions<T> extends BatchProcessorOptions<T> {
  /** Path of the file; it is replaced. */
  readonly file: string;
  /**
   * Types of columns: boolean, integer, float, text, bytes, date, time, local datetime, zoned datetime, duration, or a
   * list of one (`integer[]`). Default: as the first batch has them; text where it holds nothing. With types there is a
   * file also where there is no row.
   */
  readonly types?: Readonly<Record<string, ParquetColumnType>>;
  /** Buffers of the writer in MB (10^6 bytes), at least 64; what does not fit is kept in a temporary file. Default: 256. */
  readonly memoryLimitMb?: number;
}

interface Column {
  readonly name: string;
  readonly kind: string;
  readonly isList: boolean;
}

/**
 * Writes rows to a Parquet file. Columns are those of the first batch and of `types`; whole numbers are 64-bit integers
 * as long as every number of the first batch is whole. Times are kept to the microsecond, durations to the millisecond,
 * and of zoned datetimes the instant; maps and lists in lists are JSON. The file is put in its place at the end.
 * Statistic: `parquet_rows_written`.
 *
 * @throws {@link GraphweftError} `GW_SINK_FILE` when it cannot be written, `GW_SINK_TYPE` for a value that does not fit
 * its column, or has none.
 */
export class ParquetBatchSink<T = unknown> extends BatchProcessor<T, T> {
  readonly #options: ParquetBatchSinkOptions<T>;

  constructor(context: TaskContext, options: ParquetBatchSinkOptions<T>) {
    refuseUnknownKeys('ParquetBatchSink', options, ['file', 'types', 'memoryLimitMb', 'predecessor', 'task']);
    super(context, options);
    stringOption('file', options.file);
    integerOption('memoryLimitMb', options.memoryLimitMb ?? 256, { min: 64 });
    const { types = {} } = options;
    if (typeof types !== 'object' || types === null) throw optionError('types', 'types by column', types);
    for (const [name, type] of Object.entries(types)) columnOf(name, type);
    this.#options = options;
  }

  override async *getBatch(maxBatchSize: number): AsyncGenerator<BatchResults<T>> {
    integerOption('maxBatchSize', maxBatchSize, { min: 1 });
    const pending = new PendingFile(this.#options.file);
    await pending.prepare();
    const folder = await mkdtemp(join(tmpdir(), 'graphweft-'));
    const instance = await DuckDBInstance.create(join(folder, 'rows.duckdb'), {
      memory_limit: `${this.#options.memoryLimitMb ?? 256}MB`,
      threads: '1',
      preserve_insertion_order: 'true',
    });
    const connection = await instance.connect();
    let columns: readonly Column[] | undefined;
    let appender: DuckDBAppender | undefined;
    let isWhole = false;
    try {
      for await (const batch of this.predecessor.getBatch(maxBatchSize)) {
        const begun = beginEvent('sink');
        const rows = batch.chunk as readonly Readonly<Record<string, unknown>>[];
        if (rows.length > 0) {
          columns ??= columnsOf(rows, this.#options.types);
          appender ??= await pending.guard(() => createTable(connection, columns!));
          const names = columns.map(({ name }) => name);
          refuseOtherFields(rows, names, 'types');
          appendRows(appender, columns, rows);
          const written = appender;
          await pending.guard(async () => written.flushSync());
          // What the native side holds for values is let go in a turn of the event loop: without one, 2 M rows took 2 GB.
          await setImmediate();
          endSinkWrite(this, begun, rows.length);
        }
        yield {
          ...batch,
          statistics: mergeStatistics(batch.statistics, { parquet_rows_written: rows.length }),
        };
      }
      appender?.closeSync();
      if (!columns) {
        columns = columnsOf([], this.#options.types);
        if (columns.length === 0) return; // no row and no types: there is nothing to write a file of
        (await pending.guard(() => createTable(connection, columns!))).closeSync();
      }
      await pending.guard(() =>
        connection.run(`COPY written TO ${sqlText(pending.temporaryPath)} (FORMAT parquet)`),
      );
      await pending.keep();
      isWhole = true;
    } finally {
      connection.closeSync();
      instance.closeSync();
      await rm(folder, { recursive: true, force: true });
      if (!isWhole) await pending.discard();
    }
  }
}

/** Gives the columns that rows or types name, in the order in which they appear in rows. */
function columnsOf(
  rows: readonly Readonly<Record<string, unknown>>[],
  types: Readonly<Record<string, ParquetColumnType>> = {},
): readonly Column[] {
  const names = new Set([...rows.flatMap((row) => Object.keys(row)), ...Object.keys(types)]);
  // A column may be named `constructor`, which every object has.
  const typeOf = (name: string) => (Object.hasOwn(types, name) ? types[name] : undefined);
  return [...names].map((name) => columnOf(name, typeOf(name) ?? kindOf(rows.map((row) => row[name]))));
}

function columnOf(name: string, type: string): Column {
  const isList = stringOption(`types.${name}`, type).endsWith('[]');
  const kind = choiceOption(`types.${name}`, isList ? type.slice(0, -2) : type, Object.keys(COLUMN_TYPES));
  return { name, kind, isList };
}

async function createTable(
  connection: DuckDBConnection,
  columns: readonly Column[],
): Promise<DuckDBAppender> {
  const declared = columns.map(
    ({ name, kind, isList }) => `${sqlName(name)} ${COLUMN_TYPES[kind]}${isList ? '[]' : ''}`,
  );
  await connection.run(`CREATE TABLE written (${declared.join(', ')})`);
  return connection.createAppender('written');
}

function appendRows(
  appender: DuckDBAppender,
  columns: readonly Column[],
  rows: readonly Readonly<Record<string, unknown>>[],
): void {
  const types = columns.map(({ kind, isList }) => (isList ? LIST(COLUMN_TYPES[kind]!) : COLUMN_TYPES[kind]!));
  for (let from = 0; from < rows.length; from += VECTOR_ROWS) {
    const part = rows.slice(from, from + VECTOR_ROWS);
    const chunk = DuckDBDataChunk.create(types, part.length);
    for (const [index, column] of columns.entries()) {
      chunk.setColumnValues(
        index,
        part.map((row) => fieldOf(row[column.name], column)),
      );
    }
    appender.appendDataChunk(chunk);
  }
}

function fieldOf(value: unknown, column: Column): DuckDBValue {
  if (value === null || value === undefined) return null;
  if (!column.isList) return toDuckDb(value, column);
  const items = listOf(value);
  if (!items) throw misfit(value, column);
  const one = { ...column, isList: false };
  return listValue(items.map((item) => fieldOf(item, one)));
}

function kindOf(values: readonly unknown[]): string {
  const present = values.filter((value) => value !== null && value !== undefined);
  const lists = present.map(listOf).filter((items) => items !== undefined);
  if (lists.length > 0 && lists.length === present.length) return `${listKind(present, lists.flat())}[]`;
  return scalarKind(present);
}

/** A vector's numbers are floats, also where they happen to be whole. */
function listKind(lists: readonly unknown[], items: readonly unknown[]): string {
  const kind = scalarKind(items);
  return kind === 'integer' && lists.some((list) => !Array.isArray(list)) ? 'float' : kind;
}

function scalarKind(values: readonly unknown[]): string {
  const present = values.filter((value) => value !== null && value !== undefined);
  const all = (test: (value: unknown) => boolean) => present.length > 0 && present.every(test);
  if (all((value) => typeof value === 'boolean')) return 'boolean';
  if (all((value) => typeof value === 'bigint' || isWhole(value))) return 'integer';
  if (all((value) => typeof value === 'number')) return 'float';
  if (all((value) => value instanceof LocalDateTime)) return 'local datetime';
  if (all((value) => value instanceof ZonedDateTime || value instanceof Date)) return 'zoned datetime';
  if (all((value) => value instanceof LocalDate)) return 'date';
  if (all(isLocalTime)) return 'time';
  if (all((value) => value instanceof Duration)) return 'duration';
  if (all((value) => value instanceof Uint8Array)) return 'bytes';
  return 'text';
}

/** Integers have no −0. */
function isWhole(value: unknown): boolean {
  return Number.isSafeInteger(value) && !Object.is(value, -0);
}

/** A zoned time is one too, for JavaScript, but its zone would be lost. */
function isLocalTime(value: unknown): value is LocalTime {
  return value instanceof LocalTime && !(value instanceof ZonedTime);
}

function toDuckDb(value: unknown, column: Column): DuckDBValue {
  switch (column.kind) {
    case 'boolean':
      if (typeof value === 'boolean') return value;
      break;
    case 'integer':
      if (isWhole(value)) return BigInt(value as number);
      if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) return value;
      break;
    case 'float':
      if (typeof value === 'number') return value;
      if (typeof value === 'bigint' && BigInt(Number(value)) === value) return Number(value);
      break;
    case 'text':
      return textOf(value);
    case 'bytes':
      if (value instanceof Uint8Array) return blobValue(value);
      break;
    case 'date':
      if (value instanceof LocalDate && Math.abs(value.epochDay) <= MAX_DAYS)
        return new DuckDBDateValue(value.epochDay);
      break;
    case 'time':
      if (isLocalTime(value)) return new DuckDBTimeValue(micros(value.secondOfDay, value.nanosecond));
      break;
    case 'local datetime':
      if (value instanceof LocalDateTime && Math.abs(value.epochSecond) <= MAX_SECONDS)
        return new DuckDBTimestampValue(micros(value.epochSecond, value.nanosecond));
      break;
    case 'zoned datetime':
      if (value instanceof Date) return new DuckDBTimestampTZValue(BigInt(value.getTime()) * 1000n);
      if (value instanceof ZonedDateTime && Math.abs(value.epochSecond) <= MAX_SECONDS)
        return new DuckDBTimestampTZValue(micros(value.epochSecond, value.nanosecond));
      break;
    case 'duration':
      if (value instanceof Duration) {
        const { months, days, seconds, nanoseconds } = value;
        // Months, days and milliseconds, unsigned: the writer cuts what is too long, and refuses negative ones at its end.
        const ms = seconds * 1000 + Math.floor(nanoseconds / 1e6);
        if (Math.min(months, days, ms) < 0 || Math.max(months, days) > MAX_INT32 || ms > MAX_UINT32) break;
        return new DuckDBIntervalValue(months, days, micros(seconds, nanoseconds));
      }
      break;
  }
  throw misfit(value, column);
}

function micros(epochSecond: number, nanosecond: number): bigint {
  return BigInt(epochSecond) * 1_000_000n + BigInt(Math.floor(nanosecond / 1000));
}

function misfit(value: unknown, { name, kind, isList }: Column): GraphweftError {
  return new GraphweftError(
    'GW_SINK_TYPE',
    `Column \`${name}\` is of type ${kind}${isList ? '[]' : ''}, and ${describeValue(value)} does not fit; give its type in \`types\`.`,
    { details: { column: name, type: kind } },
  );
}
