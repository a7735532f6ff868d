import {
  BatchProcessor,
  type BatchProcessorOptions,
  type BatchResults,
  tableBatch,
} from '../core/batch-processor.ts';
import type { TaskContext } from '../core/context.ts';
import { throwIfAborted } from '../core/errors.ts';
import { heardReads } from '../core/events.ts';
import { integerOption, refuseUnknownKeys, stringOption } from '../core/options.ts';
import type { KeyCounts } from '../parallel/balanced-buckets.ts';
import { resolveReaderOptions } from './csv-options.ts';
import {
  all,
  type ColumnInfo,
  chosenColumns,
  columnsOf,
  countKeys,
  expandFiles,
  openDuckDb,
  type Row,
  refuseOtherColumns,
  sqlFile,
  sqlName,
  streamTables,
  textDrift,
  unreadable,
} from './duckdb.ts';
import { type DecimalForm, isFloating } from './duckdb-values.ts';
import { fingerprintFile } from './file-fingerprint.ts';

/** For messages. */
const FORMAT = 'Parquet';

/** How Parquet files are read. */
export interface ParquetReadOptions {
  /** Columns to read, in this order. Default: all. */
  readonly columns?: readonly string[];
  /** Rows to read of all files together, at most. Default: all. */
  readonly maxRows?: number;
  /** How decimals arrive. Default: 'number'. */
  readonly decimals?: DecimalForm;
  /** Buffers of the reader in MB (10^6 bytes), at least 64. Default: 1,024, of which most files need a small part. */
  readonly memoryLimitMb?: number;
}

export const PARQUET_OPTION_NAMES = [
  'columns',
  'maxRows',
  'decimals',
  'memoryLimitMb',
] as const satisfies readonly (keyof ParquetReadOptions)[];

/** Which Parquet files are read, and how. */
export interface ParquetBatchSourceOptions
  extends ParquetReadOptions,
    Pick<BatchProcessorOptions<never>, 'task'> {
  /** Path or pattern (`*`, `**`, `?`, `[…]`). */
  readonly file: string;
}

interface ParquetFile {
  readonly path: string;
  readonly columns: readonly ColumnInfo[];
  readonly rows: number;
  readonly select: string;
  readonly floatColumns: readonly string[];
}

/**
 * Reads Parquet files, one after the other, typed, in the order of their rows; how many there are is known from the
 * files' own metadata. Statistic: `parquet_rows_read`.
 *
 * @throws {@link SourceError} `GW_SOURCE_MISSING`, `GW_SOURCE_FORMAT`, `GW_SOURCE_MEMORY`
 */
export class ParquetBatchSource extends BatchProcessor<never, Row> {
  readonly #options: Omit<ParquetBatchSourceOptions, 'columns'> & ReturnType<typeof resolveReaderOptions>;
  #files: Promise<readonly ParquetFile[]> | undefined;

  constructor(context: TaskContext, options: ParquetBatchSourceOptions) {
    refuseUnknownKeys('ParquetBatchSource', options, ['file', 'task', ...PARQUET_OPTION_NAMES]);
    super(context, { task: options.task });
    stringOption('file', options.file);
    if (options.maxRows !== undefined) integerOption('maxRows', options.maxRows, { min: 0 });
    this.#options = { ...options, ...resolveReaderOptions(options) };
  }

  override async countRows(): Promise<number> {
    const files = await this.#described();
    return files.reduce((rows, file) => rows + file.rows, 0);
  }

  /** Names the columns of the rows. */
  async columnNames(): Promise<readonly string[]> {
    const [first] = await this.#described();
    return first!.columns.map(({ name }) => name);
  }

  /** Names the columns whose numbers are floating point, also where they happen to be whole. */
  async floatColumns(): Promise<readonly string[]> {
    return (await this.#described()).flatMap((file) => file.floatColumns);
  }

  /** Says what is read and how, so that a load which goes on can tell whether it reads the same again. */
  async fingerprint(): Promise<Readonly<Record<string, unknown>>> {
    const files = await this.#described();
    const { columns, maxRows, decimals } = this.#options;
    return {
      files: await Promise.all(files.map(({ path }) => fingerprintFile(path))),
      columns: columns ?? 'all',
      maxRows: maxRows ?? 'all',
      decimals,
    };
  }

  /** Counts for each side the values of its columns, together; undefined where the file has no such column, or too many keys. */
  async countKeys(sides: readonly (readonly string[])[]): Promise<readonly KeyCounts[] | undefined> {
    const files = await this.#described();
    const selects = files.map(({ select }) => select);
    const { file, decimals, memoryLimitMb } = this.#options;
    const database = await openDuckDb(memoryLimitMb);
    try {
      return await countKeys(database, { file, format: FORMAT, decimals }, selects, sides);
    } finally {
      database.close();
    }
  }

  override getBatch(maxBatchSize: number): AsyncGenerator<BatchResults<Row>> {
    return heardReads(this, this.#batches(maxBatchSize));
  }

  async *#batches(maxBatchSize: number): AsyncGenerator<BatchResults<Row>> {
    const size = integerOption('maxBatchSize', maxBatchSize, { min: 1 });
    const files = await this.#described();
    const database = await openDuckDb(this.#options.memoryLimitMb);
    try {
      const connection = await database.connect();
      for (const { path, select } of files) {
        let firstRow = 0;
        for await (const table of streamTables(connection, select, {
          decimals: this.#options.decimals,
          file: path,
          format: FORMAT,
          size,
        })) {
          throwIfAborted(this.signal);
          const { length } = table;
          yield tableBatch(table, {
            statistics: { parquet_rows_read: length },
            origin: { file: path, firstRow },
          });
          firstRow += length;
        }
      }
    } finally {
      database.close();
    }
  }

  #described(): Promise<readonly ParquetFile[]> {
    this.#files ??= this.#describe();
    return this.#files;
  }

  async #describe(): Promise<readonly ParquetFile[]> {
    const { file, columns, maxRows = Number.POSITIVE_INFINITY, memoryLimitMb } = this.#options;
    const database = await openDuckDb(memoryLimitMb);
    try {
      const connection = await database.connect();
      const files: ParquetFile[] = [];
      let left = maxRows;
      for (const path of await expandFiles(connection, file)) {
        const from = `FROM read_parquet(${sqlFile(path)})`;
        try {
          const [metadata] = await all(
            connection,
            `SELECT num_rows FROM parquet_file_metadata(${sqlFile(path)})`,
          );
          const rows = Math.min(Number(metadata?.num_rows), left);
          const found = chosenColumns(path, await columnsOf(connection, from), columns);
          const floatColumns = found.filter(({ type }) => isFloating(type)).map(({ name }) => name);
          // Where nothing is cut off there is no limit: with one, DuckDB held four times as much (500,000 rows of 18 texts).
          const cut = rows < Number(metadata?.num_rows) ? ` LIMIT ${rows}` : '';
          const select = `SELECT ${found.map(({ name }) => sqlName(name)).join(', ')} ${from}${cut}`;
          const described = { path, columns: found, rows, select, floatColumns };
          refuseOtherColumns(files[0] ?? described, described);
          const drift = textDrift(files.at(-1) ?? described, described);
          if (drift) this.context.reporter.warn(drift);
          files.push(described);
          left -= rows;
        } catch (cause) {
          throw unreadable(cause, path, FORMAT);
        }
      }
      return files;
    } finally {
      database.close();
    }
  }
}
