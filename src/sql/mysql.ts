/** MySQL and MariaDB through `mariadb`: results that are not buffered, the socket paused while nobody reads. */
import type { Connection, FieldInfo, TypeCastNextFunction, TypeCastResult } from 'mariadb';
import { GraphweftError, SourceError } from '../core/errors.ts';
import { Duration, LocalDateTime, type LocalTime, ZonedDateTime } from '../core/temporal.ts';
import { parseLocalDate, parseLocalDateTime, parseLocalTime } from '../core/temporal-text.ts';
import { textOf } from '../core/value-text.ts';
import type { Row } from '../sources/duckdb.ts';
import type { DecimalForm } from '../sources/duckdb-values.ts';
import type { SqlAddress } from './sql-address.ts';
import {
  CONNECT_TIMEOUT_MS,
  checkColumnNames,
  decimalReader,
  optionalPackage,
  quoteWith,
  RefusedValues,
  type SqlConnection,
  type SqlDriver,
  type SqlParameter,
  sqlError,
} from './sql-database.ts';

const FLOAT_TYPES = new Set(['FLOAT', 'DOUBLE', 'DECIMAL', 'NEWDECIMAL']);
const TEXT_TYPES = new Set([
  'VARCHAR',
  'VAR_STRING',
  'STRING',
  'TINY_BLOB',
  'MEDIUM_BLOB',
  'LONG_BLOB',
  'BLOB',
]);
const AUTH_ERRORS = new Set([1044, 1045, 1049, 1698]);
/** Of mariadb itself, for parameters that are too few. */
const PARAMETER_ERRORS = new Set([45_016, 45_017, 45_018]);

const load = () => optionalPackage('mariadb', async () => (await import('mariadb')).default);

/** A prepared statement as it is, which its declaration does not have all of. */
interface PreparedStatement {
  readonly parameterCount: number;
  readonly columns?: readonly FieldInfo[];
  close(): void;
  executeStream(
    values: readonly unknown[],
    options: { readonly typeCast: ReturnType<typeof castFor> },
  ): ResultStream;
}

interface ResultStream extends AsyncIterable<unknown> {
  on(event: 'fields', listener: (columns: readonly FieldInfo[]) => void): unknown;
}

class MysqlConnection implements SqlConnection {
  readonly #connection: Connection;
  readonly #address: SqlAddress;
  #isBusy = false;

  constructor(connection: Connection, address: SqlAddress) {
    this.#connection = connection;
    this.#address = address;
  }

  async *stream(
    sql: string,
    parameters: readonly SqlParameter[],
    size: number,
    decimals: DecimalForm,
  ): AsyncGenerator<Row[]> {
    this.#isBusy = true;
    let rows: Row[] = [];
    let firstRow = 0;
    try {
      const refused = new RefusedValues();
      const typeCast = castFor(decimals, refused);
      const prepared = await this.#preparedForFloats(sql, parameters.length);
      const result = prepared
        ? prepared.executeStream(parameters.map(toMysql), { typeCast })
        : (this.#connection.queryStream(
            { sql, typeCast: typeCast as never, highWaterMark: size } as never,
            parameters.map(toMysql),
          ) as ResultStream);
      const results: (readonly string[])[] = [];
      result.on('fields', (columns) => {
        results.push(columns.map((column) => column.name()));
      });
      for await (const row of result) {
        // A statement without rows gives a count of them, and a procedure one at its end.
        const isCount = Object.getPrototypeOf(row) !== Object.prototype;
        // An error thrown in the listener would end the process.
        if (isCount ? results.length === 0 : firstRow + rows.length === 0) checkColumnNames(results[0] ?? []);
        if (results.length > 1)
          throw new SourceError(
            'GW_SOURCE_FORMAT',
            'The statement gives several results; a source reads one.',
          );
        if (isCount) continue;
        refused.throwAnyOf([row as Row], firstRow + rows.length);
        rows.push(row as Row);
        if (rows.length < size) continue;
        firstRow += size;
        yield rows;
        rows = [];
      }
      this.#isBusy = false;
    } catch (error) {
      throw failure(this.#address, error);
    }
    if (rows.length > 0) yield rows;
  }

  /**
   * As text the server cuts a FLOAT to six digits, so a result with one is asked for in binary form. Everything else
   * stays text, which older drivers read better.
   * @param given Parameters; of too many mariadb would leave some out.
   */
  async #preparedForFloats(sql: string, given: number): Promise<PreparedStatement | undefined> {
    const prepared = (await this.#connection.prepare(sql).catch((error: unknown) => {
      if (isOfStatement(error)) return undefined; // some statements cannot be prepared, and what is wrong shows below
      throw error;
    })) as PreparedStatement | undefined;
    if (prepared && prepared.parameterCount !== given) {
      const message = `it has ${prepared.parameterCount} placeholders, and ${given} parameters were given`;
      throw sqlError('statement', this.#address, new Error(message));
    }
    if (prepared?.columns?.some(({ type }) => String(type) === 'FLOAT')) return prepared;
    prepared?.close();
    return undefined;
  }

  async query(sql: string, parameters: readonly SqlParameter[] = []): Promise<readonly Row[]> {
    this.#isBusy = true;
    try {
      const result: unknown = await this.#connection.query(
        { sql, typeCast: castFor('nearest', new RefusedValues()) as never },
        parameters.map(toMysql),
      );
      return Array.isArray(result) ? (result as Row[]) : [];
    } catch (error) {
      throw failure(this.#address, error);
    } finally {
      this.#isBusy = false;
    }
  }

  async floatColumns(sql: string, parameters: readonly SqlParameter[]): Promise<readonly string[]> {
    const columns = await this.#columns(sql, parameters);
    return columns.filter(({ type }) => FLOAT_TYPES.has(String(type))).map((column) => column.name());
  }

  /** Bytes of texts alone: a sort by more than its columns makes no use of an index. */
  async tieBreaks(sql: string, parameters: readonly SqlParameter[], columns: readonly string[]) {
    const found = await this.#columns(sql, parameters);
    const texts = found
      .filter(({ type }) => TEXT_TYPES.has(String(type)))
      .map((column) => column.name().toLowerCase());
    return columns
      .filter((column) => texts.includes(column.toLowerCase()))
      .map((column) => `CAST(${MYSQL.quote(column)} AS BINARY)`);
  }

  async #columns(sql: string, parameters: readonly SqlParameter[]): Promise<readonly FieldInfo[]> {
    const result = (await this.query(`SELECT * FROM (${sql}) AS q LIMIT 0`, parameters)) as readonly Row[] & {
      readonly meta?: readonly FieldInfo[];
    };
    return result.meta ?? [];
  }

  async executeMany(sql: string, values: readonly (readonly SqlParameter[])[]): Promise<void> {
    try {
      await this.#connection.beginTransaction();
      await this.#connection.batch(
        sql,
        values.map((row) => row.map(toMysql)),
      );
      await this.#connection.commit();
    } catch (error) {
      await this.#connection.rollback().catch(() => undefined); // a broken connection rolls back by itself
      throw failure(this.#address, error);
    }
  }

  async close(): Promise<void> {
    // In the middle of a statement the server would first send the rest: the connection is cut instead.
    if (this.#isBusy) this.#connection.destroy();
    else await this.#connection.end();
  }
}

export const MYSQL: SqlDriver = {
  dialect: 'mysql',
  placeholder: () => '?',
  quote: (name) => quoteWith('`', name),
  async open(address, count) {
    const mariadb = await load();
    const { hostname, port, username, password, pathname, searchParams } = new URL(address.url);
    const connections: SqlConnection[] = [];
    try {
      for (let i = 0; i < count; i++) {
        const connection = await mariadb
          .createConnection({
            host: hostname,
            port: port ? Number(port) : 3306,
            user: decode(username),
            password: decode(password),
            database: decode(pathname.slice(1)),
            ...(searchParams.get('ssl') === 'true' && { ssl: true }),
            connectTimeout: CONNECT_TIMEOUT_MS,
            logParam: false,
            dateStrings: true,
            bigIntAsNumber: false,
            decimalAsNumber: false,
            bulk: false,
          })
          .catch((error: unknown) => {
            throw failure(address, error);
          });
        connection.on('error', () => {}); // a cut connection shows in what runs on it
        const opened = new MysqlConnection(connection, address);
        connections.push(opened);
        // The server ends a result of which nothing was taken for `net_write_timeout`, a minute unless it is told. Where it is
        // not strict, it cuts texts and numbers that a column cannot hold.
        await opened.query(
          "SET SESSION time_zone = '+00:00', net_write_timeout = 31536000, sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')",
        );
        if (count > 1) {
          await opened.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
          await opened.query('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY');
        }
      }
      return connections;
    } catch (error) {
      await Promise.all(connections.map((connection) => connection.close()));
      throw error;
    }
  },
};

/** A part of an address; where it is not encoded it stands for itself, as with `pg`. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a % that encodes nothing
  }
}

/** TIMESTAMP is an instant, sent in the session's zone, which is UTC; DATETIME has no zone. */
function castFor(decimals: DecimalForm | 'nearest', refused: RefusedValues) {
  const decimal = decimalReader(decimals, refused);
  return (column: FieldInfo, next: TypeCastNextFunction): TypeCastResult | unknown => {
    switch (String(column.type)) {
      case 'DECIMAL':
      case 'NEWDECIMAL': {
        const text = column.string();
        return text === null ? null : decimal(text);
      }
      case 'BIGINT': {
        const text = column.string();
        if (text === null) return null;
        const number = Number(text);
        return Number.isSafeInteger(number) ? number : BigInt(text);
      }
      case 'DATETIME': {
        const text = column.string();
        return text === null || isZero(text) ? null : (parseLocalDateTime(text) ?? text);
      }
      case 'TIMESTAMP': {
        const text = column.string();
        if (text === null || isZero(text)) return null;
        const local = parseLocalDateTime(text);
        return local ? new ZonedDateTime(local.epochSecond, local.nanosecond) : text;
      }
      case 'DATE': {
        const text = column.string();
        return text === null || isZero(text) ? null : (parseLocalDate(text) ?? text);
      }
      case 'TIME': {
        const text = column.string();
        return text === null ? null : (parseLocalTime(text) ?? longTime(text));
      }
      case 'GEOMETRY': {
        const value: unknown = next();
        return isGeometry(value) ? value : null; // for null the driver gives its kind without a place
      }
      default: {
        if (column.isDataTypeFormatJson() || String(column.type) === 'JSON') {
          const text = column.string();
          return text === null ? null : refused.json(text);
        }
        const value: unknown = next();
        return value instanceof Buffer ? Uint8Array.from(value) : value;
      }
    }
  };
}

function isGeometry(value: unknown): boolean {
  return typeof value === 'object' && value !== null && ('coordinates' in value || 'geometries' in value);
}

/** MySQL's "no date", which is none. One without a day or a month alone, or with a time, is no date either, and stays text. */
function isZero(text: string): boolean {
  return !/[1-9]/.test(text);
}

/** A TIME may be longer than a day, or negative: it is then a length. */
function longTime(text: string): Duration | LocalTime | string {
  const match = /^(-?)(\d+):(\d\d):(\d\d)(?:\.(\d{1,6}))?$/.exec(text);
  if (!match) return text;
  const [, sign, hours, minutes, seconds, fraction = ''] = match;
  const nanos = Number(fraction.padEnd(9, '0'));
  const whole = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  if (!sign) return new Duration(0, 0, whole, nanos);
  return nanos === 0 ? new Duration(0, 0, -whole) : new Duration(0, 0, -whole - 1, 1e9 - nanos);
}

/** As MariaDB reads it. It takes no offset, and the session's zone is UTC; mariadb itself would show a Date in the machine's. */
function toMysql(value: SqlParameter): unknown {
  if (typeof value !== 'object' || value === null)
    return typeof value === 'string' || Object.is(value, -0) ? textOf(value) : value;
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (value instanceof ZonedDateTime) return toMysql(new LocalDateTime(value.epochSecond, value.nanosecond));
  if (value instanceof LocalDateTime || value instanceof Date)
    return textOf(value).replace('T', ' ').replace('Z', '');
  return textOf(value);
}

function failure(address: SqlAddress, error: unknown): GraphweftError {
  if (error instanceof GraphweftError) return error;
  const { errno = 0 } = error as { readonly errno?: number };
  if (AUTH_ERRORS.has(errno)) return sqlError('auth', address, error);
  return sqlError(isOfStatement(error) ? 'statement' : 'unavailable', address, error);
}

/** Whether the server answered, and refused the statement. */
function isOfStatement(error: unknown): boolean {
  const { errno = 0, sqlState } = error as { readonly errno?: number; readonly sqlState?: string | null };
  return (errno >= 1000 && errno < 45_000 && !sqlState?.startsWith('08')) || PARAMETER_ERRORS.has(errno);
}
