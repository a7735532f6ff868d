import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BIGINT,
  BLOB,
  BOOLEAN,
  blobValue,
  DATE,
  DOUBLE,
  type DuckDBAppender,
  type DuckDBConnection,
  DuckDBDateValue,
  DuckDBInstance,
  DuckDBIntervalValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
  type DuckDBType,
  type DuckDBValue,
  INTERVAL,
  LIST,
  listValue,
  TIME,
  TIMESTAMP,
  TIMESTAMPTZ,
  VARCHAR,
} from '@duckdb/node-api';
import { BatchProcessor, type BatchProcessorOptions, type BatchResults } from '../core/batch-processor.ts';
import type { TaskContext } from '../core/context.ts';
import { GraphweftError } from '../core/errors.ts';
import { beginEvent, endSinkWrite } from '../core/events.ts';
import {
  choiceOption,
  describeValue,
  integerOption,
  refuseUnknownKeys,
  stringOption,
} from '../core/options.ts';
import { mergeStatistics } from '../core/statistics.ts';
import { Duration, LocalDate, LocalDateTime, LocalTime, ZonedDateTime } from '../core/temporal.ts';
import { sqlName, sqlText } from '../sources/duckdb.ts';
import { PendingFile } from './file-sink.ts';

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

/** One of the types, or a list of it: `integer[]`. */
export type ParquetColumnType = string;

export interface ParquetBatchSinkOptions<T> extends BatchProcessorOptions<T> {
  /** Path of the file; it is replaced. */
  readonly file: string;
  /**
   * Types of columns: boolean, integer, float, text, bytes, date, time, local datetime, zoned datetime, duration, or a
   * list of one (`integer[]`). Default: as the first batch has them; text where it holds nothing.
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
 * Writes rows to a Parquet file. Columns are those of the first row; whole numbers are 64-bit integers as long as every
 * number of the first batch is whole. Times are kept to the microsecond, durations to the millisecond. The file is put in its place at the end.
 * Statistic: `parquet_rows_written`.
 *
 * @throws {@link GraphweftError} `GW_SINK_FILE` when it cannot be written, `GW_SINK_TYPE` for a value that does not fit
 * its column.
 */
export class ParquetBatchSink<T = unknown> extends BatchProcessor<T, T> {
  readonly #options: ParquetBatchSinkOptions<T>;

  constructor(context: TaskContext, options: ParquetBatchSinkOptions<T>) {
    super(context, options);
    refuseUnknownKeys('ParquetBatchSink', options, ['file', 'types', 'memoryLimitMb', 'predecessor', 'task']);
    stringOption('file', options.file);
    integerOption('memoryLimitMb', options.memoryLimitMb ?? 256, { min: 64 });
    for (const [name, type] of Object.entries(options.types ?? {})) columnOf(name, type);
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
          columns ??= Object.keys(rows[0]!).map((name) =>
            columnOf(name, this.#options.types?.[name] ?? kindOf(rows.map((row) => row[name]))),
          );
          appender ??= await pending.guard(() => createTable(connection, columns!));
          for (const row of rows) appendRow(appender, columns, row);
          appender.flushSync();
          endSinkWrite(this, begun, rows.length);
        }
        yield {
          ...batch,
          statistics: mergeStatistics(batch.statistics, { parquet_rows_written: rows.length }),
        };
      }
      appender?.closeSync();
      if (!columns) return; // no row, so no columns: there is nothing to write a file of
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

function columnOf(name: string, type: string): Column {
  const isList = type.endsWith('[]');
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

function appendRow(
  appender: DuckDBAppender,
  columns: readonly Column[],
  row: Readonly<Record<string, unknown>>,
): void {
  for (const column of columns) {
    const { kind, isList } = column;
    const value = row[column.name] ?? null;
    const type = COLUMN_TYPES[kind]!;
    if (value === null) appender.appendNull();
    else if (!isList) appender.appendValue(toDuckDb(value, column), type);
    else {
      if (!Array.isArray(value)) throw misfit(value, column);
      const items = value.map((item) =>
        item === null || item === undefined ? null : toDuckDb(item, column),
      );
      appender.appendList(listValue(items), LIST(type));
    }
  }
  appender.endRow();
}

function kindOf(values: readonly unknown[]): string {
  const present = values.filter((value) => value !== null && value !== undefined);
  const lists = present.filter((value) => Array.isArray(value));
  if (lists.length > 0 && lists.length === present.length) return `${scalarKind(lists.flat())}[]`;
  return scalarKind(present);
}

function scalarKind(values: readonly unknown[]): string {
  const present = values.filter((value) => value !== null && value !== undefined);
  const all = (test: (value: unknown) => boolean) => present.length > 0 && present.every(test);
  if (all((value) => typeof value === 'boolean')) return 'boolean';
  if (all((value) => typeof value === 'bigint' || Number.isSafeInteger(value))) return 'integer';
  if (all((value) => typeof value === 'number')) return 'float';
  if (all((value) => value instanceof LocalDateTime)) return 'local datetime';
  if (all((value) => value instanceof ZonedDateTime || value instanceof Date)) return 'zoned datetime';
  if (all((value) => value instanceof LocalDate)) return 'date';
  if (all((value) => value instanceof LocalTime)) return 'time';
  if (all((value) => value instanceof Duration)) return 'duration';
  if (all((value) => value instanceof Uint8Array)) return 'bytes';
  return 'text';
}

function toDuckDb(value: unknown, column: Column): DuckDBValue {
  const micros = (epochSecond: number, nanosecond: number) =>
    BigInt(epochSecond) * 1_000_000n + BigInt(Math.floor(nanosecond / 1000));
  switch (column.kind) {
    case 'boolean':
      if (typeof value === 'boolean') return value;
      break;
    case 'integer':
      if (typeof value === 'bigint' || Number.isSafeInteger(value)) return BigInt(value as number);
      break;
    case 'float':
      if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
      break;
    case 'text':
      if (typeof value !== 'object') return String(value);
      return Object.getPrototypeOf(value) === Object.prototype || Array.isArray(value)
        ? JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? item.toString() : item))
        : String(value);
    case 'bytes':
      if (value instanceof Uint8Array) return blobValue(value);
      break;
    case 'date':
      if (value instanceof LocalDate) return new DuckDBDateValue(value.epochDay);
      break;
    case 'time':
      if (value instanceof LocalTime) return new DuckDBTimeValue(micros(value.secondOfDay, value.nanosecond));
      break;
    case 'local datetime':
      if (value instanceof LocalDateTime)
        return new DuckDBTimestampValue(micros(value.epochSecond, value.nanosecond));
      break;
    case 'zoned datetime':
      if (value instanceof Date) return new DuckDBTimestampTZValue(BigInt(value.getTime()) * 1000n);
      if (value instanceof ZonedDateTime)
        return new DuckDBTimestampTZValue(micros(value.epochSecond, value.nanosecond));
      break;
    case 'duration':
      if (value instanceof Duration)
        return new DuckDBIntervalValue(value.months, value.days, micros(value.seconds, value.nanoseconds));
      break;
  }
  throw misfit(value, column);
}

function misfit(value: unknown, { name, kind, isList }: Column): GraphweftError {
  return new GraphweftError(
    'GW_SINK_TYPE',
    `Column \`${name}\` is of type ${kind}${isList ? '[]' : ''}, and ${describeValue(value)} does not fit; give its type in \`types\`.`,
    { details: { column: name, type: kind } },
  );
}
