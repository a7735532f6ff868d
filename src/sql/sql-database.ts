/** What the three kinds of SQL databases have in common for us: true cursors, transactions, exact values. */
import { nearestFloat } from '../core/decimal.ts';
import { ConfigError, SourceError } from '../core/errors.ts';
import { describeValue } from '../core/options.ts';
import type { Row } from '../sources/duckdb.ts';
import type { DecimalForm } from '../sources/duckdb-values.ts';
import type { SqlAddress, SqlDialect } from './sql-address.ts';

/** How long a server may take to answer a connection; the drivers' own are a second (mariadb) and none (pg). */
export const CONNECT_TIMEOUT_MS = 30_000;

/** What may be bound to a statement. */
export type SqlParameter = unknown;

/** One connection; what it runs, it runs one after the other. */
export interface SqlConnection {
  /** Streams a result with a server-side cursor (or a paused result), at most `size` rows at a time in memory. */
  stream(
    sql: string,
    parameters: readonly SqlParameter[],
    size: number,
    decimals: DecimalForm,
  ): AsyncGenerator<Row[]>;
  /** Runs a statement and gives its rows; for small results. */
  query(sql: string, parameters?: readonly SqlParameter[]): Promise<readonly Row[]>;
  /** Names the columns of a query whose numbers are floating point; may know none. */
  floatColumns(sql: string, parameters: readonly SqlParameter[]): Promise<readonly string[]>;
  /**
   * Terms that put rows in one order which are equal to the database in columns and yet differ, as `a` and `A` are to most
   * collations of MySQL.
   */
  tieBreaks(
    sql: string,
    parameters: readonly SqlParameter[],
    columns: readonly string[],
  ): Promise<readonly string[]>;
  /** Runs a statement once for each list of values, in one transaction. */
  executeMany(sql: string, values: readonly (readonly SqlParameter[])[]): Promise<void>;
  /** Ends the connection, also in the middle of a statement, which then fails; any number of times. */
  close(): Promise<void>;
}

export interface SqlDriver {
  readonly dialect: SqlDialect;
  /** The i-th placeholder of a statement, from 1. */
  placeholder(i: number): string;
  quote(name: string): string;
  /**
   * Opens connections that see the same state of the database, as far as it can do that.
   * @throws {@link SourceError} `GW_SQL_UNAVAILABLE`, `GW_SQL_AUTH`
   */
  open(address: SqlAddress, count: number): Promise<readonly SqlConnection[]>;
}

/**
 * Loads the driver of an address; it is an optional package.
 * @throws {@link ConfigError} `GW_SQL_DRIVER` when it is not installed.
 */
export async function sqlDriver({ dialect }: SqlAddress): Promise<SqlDriver> {
  switch (dialect) {
    case 'postgres':
      return (await import('./postgres.ts')).POSTGRES;
    case 'mysql':
      return (await import('./mysql.ts')).MYSQL;
    case 'sqlite':
      return (await import('./sqlite.ts')).SQLITE;
    default:
      return dialect satisfies never;
  }
}

/** Imports an optional package, or says how to get it. @throws {@link ConfigError} `GW_SQL_DRIVER` */
export async function optionalPackage<T>(name: string, load: () => Promise<T>, install = name): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const { code } = cause as { readonly code?: unknown };
    if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw cause;
    throw new ConfigError('GW_SQL_DRIVER', `The package \`${name}\` is missing: npm install ${install}`, {
      cause,
      details: { package: name },
    });
  }
}

/** A query that can stand in parentheses, also when it ends in a comment. */
export function bare(query: string): string {
  return `${query.trim().replace(/;$/, '')}\n`;
}

/**
 * Quotes a name. None of the three can hold NUL in one, and two of them take it for the end of the statement.
 * @throws {@link ConfigError} `GW_CONFIG_OPTION`
 */
export function quoteWith(mark: string, name: string): string {
  if (name.includes('\0'))
    throw new ConfigError('GW_CONFIG_OPTION', `${describeValue(name)} is no name of a table or a column.`);
  return `${mark}${name.replaceAll(mark, mark + mark)}${mark}`;
}

/**
 * Refuses a statement that gives no rows, such as an INSERT, and a result whose rows would lose a value: an object has one
 * field of a name.
 * @throws {@link SourceError} `GW_SOURCE_FORMAT`
 */
export function checkColumnNames(names: readonly string[]): void {
  if (names.length === 0)
    throw new SourceError('GW_SOURCE_FORMAT', 'The statement gives no columns; a source reads a SELECT.');
  const bad = names.find((name, i) => names.indexOf(name) < i) ?? names.find((name) => name === '__proto__');
  if (bad === undefined) return;
  const why = bad === '__proto__' ? 'which no row can hold' : 'more than once';
  throw new SourceError(
    'GW_SOURCE_FORMAT',
    `The query gives a column \`${bad}\`, ${why}; name it otherwise with AS.`,
    { details: { column: bad } },
  );
}

/**
 * Keeps what is wrong with values, and the errors stand in their places: drivers parse in the socket's event, where an
 * error thrown would end the process.
 */
export class RefusedValues {
  #isEmpty = true;

  refuse(why: string): SourceError {
    this.#isEmpty = false;
    return new SourceError('GW_SOURCE_FORMAT', why);
  }

  /** Gives what JSON says; a number in it beyond all floats would be infinite. */
  json(text: string): unknown {
    const value = JSON.parse(text) as unknown;
    if (!MAY_BE_INFINITE.test(text) || !isInfinite(value)) return value;
    return this.refuse('the JSON holds a number beyond a float; cast it to text in the query.');
  }

  /** @throws {@link SourceError} `GW_SOURCE_FORMAT` for the first refused value of rows, with row and column. */
  throwAnyOf(rows: readonly Row[], firstRow: number): void {
    if (this.#isEmpty) return;
    for (const [i, row] of rows.entries()) {
      for (const [column, value] of Object.entries(row)) {
        const refused = refusedIn(value);
        if (!refused) continue;
        const details = { rowNumber: firstRow + i, column };
        const message = `In row ${firstRow + i} of the result, column \`${column}\`: ${refused.message}`;
        throw new SourceError('GW_SOURCE_FORMAT', message, { details });
      }
    }
  }
}

/** Of a number in an error. */
const SHOWN_DIGITS = 40;
/** How decimals are read; between what and what a column's are, may be near. */
export function decimalReader(
  form: DecimalForm | 'nearest',
  refused: RefusedValues,
): (text: string) => unknown {
  if (form === 'text') return (text) => text;
  if (form === 'nearest') return Number;
  return (text) => {
    const shown = text.length <= SHOWN_DIGITS ? `the number ${text}` : `a number of ${text.length} digits`;
    return (
      nearestFloat(text) ??
      refused.refuse(
        `no float holds ${shown}; cast it to an integer in the query, or read it with decimals: 'text'.`,
      )
    );
  };
}

const MAY_BE_INFINITE = /\d[eE]\+?\d|\d{309}/;

function isInfinite(json: unknown): boolean {
  if (typeof json === 'object' && json !== null) return Object.values(json).some(isInfinite);
  return typeof json === 'number' && !Number.isFinite(json);
}

function refusedIn(value: unknown): SourceError | undefined {
  if (Array.isArray(value)) return value.map(refusedIn).find((found) => found !== undefined);
  return value instanceof SourceError ? value : undefined;
}

/** How a driver's error reads in one sentence. */
export type SqlFailure = 'unavailable' | 'auth' | 'statement';

/** Builds the error for what a database said; its address is shown without the password. */
export function sqlError(kind: SqlFailure, { shown }: SqlAddress, cause: unknown): SourceError {
  // `sqlMessage` is what MySQL said, without the statement that mariadb adds.
  const { sqlMessage, message, code } = cause as Error & {
    readonly sqlMessage?: string;
    readonly code?: unknown;
  };
  const said = sqlMessage || message || String(code ?? cause);
  switch (kind) {
    case 'unavailable':
      return new SourceError('GW_SQL_UNAVAILABLE', `${shown} does not answer: ${said}`, {
        cause,
        retriable: true,
      });
    case 'auth':
      return new SourceError(
        'GW_SQL_AUTH',
        `${shown} refused the user, the password or the database: ${said}`,
        {
          cause,
        },
      );
    case 'statement':
      return new SourceError('GW_SQL_STATEMENT', `${shown} refused the statement: ${said}`, { cause });
    default:
      return kind satisfies never;
  }
}
