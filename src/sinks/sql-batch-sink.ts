import { BatchProcessor, type BatchProcessorOptions, type BatchResults } from '../core/batch-processor.ts';
import type { TaskContext } from '../core/context.ts';
import { ConfigError } from '../core/errors.ts';
import { beginEvent, endSinkWrite } from '../core/events.ts';
import {
  integerOption,
  namesOption,
  refuseUnknownKeys,
  someNamesOption,
  stringOption,
} from '../core/options.ts';
import { mergeStatistics } from '../core/statistics.ts';
import { parseSqlAddress, type SqlAddress } from '../sql/sql-address.ts';
import { type SqlDriver, sqlDriver } from '../sql/sql-database.ts';
import { refuseOtherFields } from './other-fields.ts';

/** What a {@link SQLBatchSink} is told. */
export interface SQLBatchSinkOptions<T> extends BatchProcessorOptions<T> {
  /** Table to insert into, `schema.table` too. Either this or `query`. */
  readonly table?: string;
  /** A statement with placeholders (`$1`, or `?`), run once a row. Either this or `table`. */
  readonly query?: string;
  /** Fields of a row, in the order of the placeholders. Default with `table`: those of the first row. */
  readonly columns?: readonly string[];
  /** `postgres://…`, `mysql://…` or `sqlite:…`. Default: SQL_URI. */
  readonly url?: string;
}

/**
 * Writes each batch into a SQL database, in one transaction. Statistic: `sql_rows_written`.
 *
 * @throws {@link SourceError} `GW_SQL_UNAVAILABLE`, `GW_SQL_AUTH`, `GW_SQL_STATEMENT`; {@link ConfigError} `GW_SQL_DRIVER`
 * when the database's driver is not installed; {@link GraphweftError} `GW_SINK_TYPE` where a later row has a field without a
 * column.
 */
export class SQLBatchSink<T = unknown> extends BatchProcessor<T, T> {
  readonly #options: SQLBatchSinkOptions<T>;
  readonly #address: SqlAddress;

  constructor(context: TaskContext, options: SQLBatchSinkOptions<T>) {
    refuseUnknownKeys('SQLBatchSink', options, ['predecessor', 'task', 'table', 'query', 'columns', 'url']);
    super(context, options);
    const { table, query, columns } = options;
    if ((table === undefined) === (query === undefined)) {
      throw new ConfigError('GW_CONFIG_OPTION', 'A SQLBatchSink needs either `table` or `query`.');
    }
    stringOption(table === undefined ? 'query' : 'table', table ?? query);
    if (query !== undefined && columns === undefined) {
      throw new ConfigError(
        'GW_CONFIG_OPTION',
        'With `query`, name the fields of its placeholders in `columns`.',
      );
    }
    const checked = table === undefined ? namesOption : someNamesOption;
    if (columns !== undefined) checked('columns', columns);
    this.#address = parseSqlAddress(options.url ?? context.env.SQL_URI);
    this.#options = options;
  }

  override async *getBatch(maxBatchSize: number): AsyncGenerator<BatchResults<T>> {
    integerOption('maxBatchSize', maxBatchSize, { min: 1 });
    const driver = await sqlDriver(this.#address);
    const [connection] = await driver.open(this.#address, 1);
    let { columns, query: statement } = this.#options;
    try {
      for await (const batch of this.predecessor.getBatch(maxBatchSize)) {
        if (batch.chunk.length === 0) {
          yield batch;
          continue;
        }
        const begun = beginEvent('sink');
        const rows = batch.chunk as readonly Readonly<Record<string, unknown>>[];
        const fields = columns ?? Object.keys(rows[0]!);
        columns = fields;
        if (!this.#options.columns) refuseOtherFields(rows, fields, 'columns');
        statement ??= insertStatement(driver, this.#options.table!, fields);
        await connection!.executeMany(
          statement,
          rows.map((row) => fields.map((field) => row[field] ?? null)),
        );
        endSinkWrite(this, begun, rows.length);
        yield { ...batch, statistics: mergeStatistics(batch.statistics, { sql_rows_written: rows.length }) };
      }
    } finally {
      await connection!.close();
    }
  }
}

function insertStatement(driver: SqlDriver, table: string, columns: readonly string[]): string {
  const names = columns.map((column) => driver.quote(column)).join(', ');
  const places = columns.map((_, i) => driver.placeholder(i + 1)).join(', ');
  const target = table.split('.').map((part) => driver.quote(part));
  return `INSERT INTO ${target.join('.')} (${names}) VALUES (${places})`;
}
