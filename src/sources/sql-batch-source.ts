import { BatchProcessor, type BatchProcessorOptions, type BatchResults } from '../core/batch-processor.ts';
import type { TaskContext } from '../core/context.ts';
import { ConfigError, SourceError, throwIfAborted } from '../core/errors.ts';
import { heardReads } from '../core/events.ts';
import {
  choiceOption,
  functionOption,
  integerOption,
  optionError,
  refuseUnknownKeys,
  someNamesOption,
  stringOption,
} from '../core/options.ts';
import { isMissing } from '../core/packed-values.ts';
import { mergeGenerators } from '../parallel/merge-generators.ts';
import { parseSqlAddress, type SqlAddress } from '../sql/sql-address.ts';
import {
  bare,
  type SqlConnection,
  type SqlDriver,
  type SqlParameter,
  sqlDriver,
} from '../sql/sql-database.ts';
import type { Row } from './duckdb.ts';
import { DECIMAL_FORMS, type DecimalForm } from './duckdb-values.ts';

/** Cuts a result into ranges of a column, which as many cursors read at once. */
export interface SqlPartition {
  /** A column of the query; numeric, unless bounds are given. */
  readonly column: string;
  /** Ranges of equal width between the least and the greatest value; 1 to 64. */
  readonly count?: number;
  /** Where the second and each further range begins; instead of `count`. At most 63, none of them null. */
  readonly bounds?: readonly SqlParameter[];
}

/** What is read from a SQL database, and how. */
export interface SqlReadOptions {
  /** A SELECT; a `WITH … SELECT` too. */
  readonly query: string;
  /** Bound to the query's placeholders: `$1` (PostgreSQL) or `?`. Default: none. */
  readonly parameters?: readonly SqlParameter[];
  /** `postgres://…`, `mysql://…` or `sqlite:…`. Default: SQL_URI. */
  readonly url?: string;
  /** Makes of each record what goes on. Default: the record as it is. */
  readonly rowTransformer?: (row: Row) => unknown;
  /** How decimals arrive: exact as text, or as the nearest number. Default: 'number'. */
  readonly decimals?: DecimalForm;
  /** Reads ranges with as many cursors at once; rows then come in no order. Default: one cursor. */
  readonly partition?: SqlPartition;
  /**
   * Columns of the query that put its rows in one order only, such as a primary key: a load can then be resumed. Default:
   * no order.
   */
  readonly orderBy?: readonly string[];
}

export const SQL_OPTION_NAMES = [
  'query',
  'parameters',
  'url',
  'rowTransformer',
  'decimals',
  'partition',
  'orderBy',
] as const satisfies readonly (keyof SqlReadOptions)[];

/** What a {@link SQLBatchSource} is told. */
export interface SQLBatchSourceOptions extends SqlReadOptions, Pick<BatchProcessorOptions<never>, 'task'> {}

/** Each range has a connection of its own. */
const MAX_RANGES = 64;

/** A query, or that of a range with the parameters of its bounds. */
interface RangeQuery {
  readonly sql: string;
  readonly parameters: readonly SqlParameter[];
}

/**
 * Reads the result of a query with a server-side cursor (PostgreSQL), a paused result (MySQL, MariaDB) or a stepped
 * statement (SQLite): what is in memory is a batch, whatever the size of the result. Statistic: `sql_rows_read`.
 *
 * With `partition`, each row of the result is read once, by one of the cursors; rows without a value in the column come
 * with the first range. On PostgreSQL all cursors read the same snapshot; elsewhere a row whose column is changed meanwhile
 * may be read twice or not at all.
 *
 * @throws {@link SourceError} `GW_SQL_UNAVAILABLE`, `GW_SQL_AUTH`, `GW_SQL_STATEMENT`; {@link ConfigError} `GW_SQL_DRIVER`
 * when the database's driver is not installed (`pg` and `pg-cursor`, `mariadb`, `better-sqlite3`).
 */
export class SQLBatchSource<Out = Row> extends BatchProcessor<never, Out> {
  readonly #options: SQLBatchSourceOptions;
  readonly #address: SqlAddress;
  readonly #decimals: DecimalForm;

  constructor(context: TaskContext, options: SQLBatchSourceOptions) {
    refuseUnknownKeys('SQLBatchSource', options, ['task', ...SQL_OPTION_NAMES]);
    super(context, { task: options.task });
    stringOption('query', options.query);
    if (options.rowTransformer) functionOption('rowTransformer', options.rowTransformer);
    if (options.parameters && !Array.isArray(options.parameters))
      throw optionError('parameters', 'a list of values', options.parameters);
    this.#decimals = choiceOption('decimals', options.decimals ?? 'number', DECIMAL_FORMS);
    this.#address = parseSqlAddress(options.url ?? context.env.SQL_URI);
    this.#options = options;
    if (options.partition) checkPartition(options.partition);
    if (options.orderBy) checkOrder(options.orderBy, options.partition);
  }

  /** Says what is read, so that a load which goes on can tell whether it reads the same; undefined without an order. */
  async fingerprint(): Promise<Readonly<Record<string, unknown>> | undefined> {
    const { query, parameters = [], orderBy, rowTransformer } = this.#options;
    if (!orderBy) return undefined;
    const bound = parameters.map((value) => (typeof value === 'bigint' ? `${value}n` : value));
    return {
      database: this.#address.shown,
      query,
      parameters: bound,
      orderBy,
      decimals: this.#decimals,
      rowTransformer: rowTransformer ? String(rowTransformer) : 'none',
    };
  }

  /** Names the columns whose numbers are floating point, also where they happen to be whole. */
  async floatColumns(): Promise<readonly string[]> {
    const { query, parameters = [] } = this.#options;
    const driver = await sqlDriver(this.#address);
    const [connection] = await driver.open(this.#address, 1);
    try {
      return await connection!.floatColumns(bare(query), parameters);
    } finally {
      await connection!.close();
    }
  }

  override getBatch(maxBatchSize: number): AsyncGenerator<BatchResults<Out>> {
    return heardReads(this, this.#batches(maxBatchSize));
  }

  async *#batches(maxBatchSize: number): AsyncGenerator<BatchResults<Out>> {
    const size = integerOption('maxBatchSize', maxBatchSize, { min: 1 });
    const { query, parameters = [], partition, rowTransformer, orderBy } = this.#options;
    const driver = await sqlDriver(this.#address);
    const width = partition ? (partition.bounds ? partition.bounds.length + 1 : partition.count!) : 1;
    throwIfAborted(this.signal);
    const connections = await driver.open(this.#address, width);
    const close = () => Promise.all(connections.map((connection) => connection.close()));
    // What waits for a server fails when its connection is cut. Node warns of more than ten listeners to one signal, which
    // loads side by side would have.
    const onAbort = () => void close().catch(() => undefined); // closed again below, where an error shows
    const aborted = AbortSignal.any([this.signal]);
    aborted.addEventListener('abort', onAbort, { once: true });
    let batches: AsyncGenerator<Row[]> | undefined;
    try {
      const ranges = partition
        ? await rangesOf(driver, connections[0]!, partition, { sql: bare(query), parameters })
        : [
            {
              sql: orderBy
                ? await ordered(driver, connections[0]!, { sql: bare(query), parameters }, orderBy)
                : query,
              parameters,
            },
          ];
      const checkRank = orderBy && totalOrderCheck(orderBy, this.#address.shown);
      const cursors = ranges.map((range, i) =>
        connections[i]!.stream(range.sql, range.parameters, size, this.#decimals),
      );
      let firstRow = 0;
      batches = cursors.length === 1 ? cursors[0]! : mergeGenerators(cursors);
      for (;;) {
        throwIfAborted(this.signal);
        const { done, value: rows } = await batches.next();
        if (done) break;
        checkRank?.(rows);
        const chunk = (rowTransformer ? rows.map(rowTransformer) : rows) as Out[];
        // Rows of several cursors have no number.
        const origin = cursors.length === 1 && { origin: { file: this.#address.shown, firstRow } };
        yield { chunk, statistics: { sql_rows_read: chunk.length }, batchSize: chunk.length, ...origin };
        firstRow += chunk.length;
      }
    } catch (error) {
      throwIfAborted(this.signal);
      throw error;
    } finally {
      aborted.removeEventListener('abort', onAbort);
      await close(); // before the generators end, because they wait for what their cursors are reading
      await batches?.return(undefined);
    }
  }
}

function checkPartition({ column, count, bounds }: SqlPartition): void {
  stringOption('partition.column', column);
  if ((count === undefined) === (bounds === undefined)) {
    throw new ConfigError('GW_CONFIG_OPTION', '`partition` needs either `count` or `bounds`.');
  }
  if (count !== undefined) integerOption('partition.count', count, { min: 1, max: MAX_RANGES });
  // Nothing is less than null or NaN, nor greater: such a bound would lose rows.
  if (bounds && !(Array.isArray(bounds) && bounds.length < MAX_RANGES && !bounds.some(isMissing))) {
    throw optionError(
      'partition.bounds',
      `a list of at most ${MAX_RANGES - 1} values, none null or NaN`,
      bounds,
    );
  }
}

function checkOrder(orderBy: readonly string[], partition: SqlPartition | undefined): void {
  someNamesOption('orderBy', orderBy);
  if (partition) {
    throw new ConfigError(
      'GW_CONFIG_OPTION',
      'Ranges of `partition` come in no order; leave it or `orderBy` out.',
      {
        details: { option: 'orderBy' },
      },
    );
  }
}

async function ordered(
  driver: SqlDriver,
  connection: SqlConnection,
  { sql, parameters }: RangeQuery,
  orderBy: readonly string[],
): Promise<string> {
  const ties = await connection.tieBreaks(sql, parameters, orderBy);
  const terms = [...orderBy.map((column) => driver.quote(column)), ...ties];
  return `SELECT * FROM (${sql}) AS q ORDER BY ${terms.join(', ')}`;
}

/** Rows that are equal in the order's columns follow each other, so looking at neighbours finds all of them. */
function totalOrderCheck(orderBy: readonly string[], shown: string): (rows: readonly Row[]) => void {
  let last: string | undefined;
  return (rows) => {
    const missing = orderBy.find((column) => rows.length > 0 && !(column in rows[0]!));
    if (missing !== undefined) {
      const names = Object.keys(rows[0]!).join(', ');
      throw optionError('orderBy', `a list of columns as the result names them (${names})`, missing);
    }
    for (const row of rows) {
      const rank = orderBy.map((column) => `${typeof row[column]} ${String(row[column])}`).join('\0');
      if (rank === last) {
        const columns = orderBy.join(', ');
        throw new SourceError(
          'GW_SOURCE_ORDER',
          `${shown} has two rows with the same ${columns}, so \`orderBy\` leaves their order open and the load could not ` +
            'be resumed; add a column that tells them apart.',
          { details: { orderBy, row } },
        );
      }
      last = rank;
    }
  };
}

/**
 * Each row belongs to the first bound that it is less than, or to the last range: that holds in whatever order the bounds
 * come, so that nobody has to know how a database sorts texts.
 */
async function rangesOf(
  driver: SqlDriver,
  connection: SqlConnection,
  { column, count, bounds }: SqlPartition,
  { sql, parameters }: RangeQuery,
): Promise<readonly RangeQuery[]> {
  const name = driver.quote(column);
  const from = bounds ?? (await equalBounds(connection, name, { sql, parameters }, column, count!));
  const place = (i: number) => driver.placeholder(parameters.length + i);
  return Array.from({ length: from.length + 1 }, (_, i) => {
    const above = from.slice(0, i).map((_, j) => `${name} >= ${place(j + 1)}`);
    const below = i < from.length ? [`${name} < ${place(i + 1)}`] : [];
    const range = [...above, ...below].join(' AND ') || '1 = 1';
    const where = i === 0 ? `(${range}) OR ${name} IS NULL` : range;
    return {
      sql: `SELECT * FROM (${sql}) AS q WHERE ${where}`,
      parameters: [...parameters, ...from.slice(0, i + 1)],
    };
  });
}

/** Bounds between the least and the greatest number, exact also beyond 2^53. */
async function equalBounds(
  connection: SqlConnection,
  name: string,
  { sql, parameters }: RangeQuery,
  column: string,
  count: number,
): Promise<readonly SqlParameter[]> {
  const [ends] = await connection.query(
    `SELECT min(${name}) AS low, max(${name}) AS high FROM (${sql}) AS q`,
    parameters,
  );
  const { low, high } = ends ?? {};
  if (low === null || low === undefined) return [];
  const isNumber = (value: unknown) => typeof value === 'number' || typeof value === 'bigint';
  if (!isNumber(low) || !isNumber(high)) {
    throw new ConfigError(
      'GW_CONFIG_OPTION',
      `The column \`${column}\` of \`partition\` is not numeric; give \`bounds\` instead of \`count\`.`,
      { details: { option: 'partition', column } },
    );
  }
  const isWhole = (value: unknown) => typeof value === 'bigint' || Number.isSafeInteger(value);
  const steps = Array.from({ length: count - 1 }, (_, i) => i + 1);
  const bounds: (number | bigint)[] =
    isWhole(low) && isWhole(high)
      ? steps.map(
          (i) =>
            BigInt(low as number) +
            ((BigInt(high as number) - BigInt(low as number)) * BigInt(i)) / BigInt(count),
        )
      : steps.map((i) => Number(low) + ((Number(high) - Number(low)) * i) / count);
  // Infinite ends have no middle: Infinity - Infinity is not a number.
  return [...new Set(bounds)].filter((bound) => typeof bound === 'bigint' || Number.isFinite(bound));
}
