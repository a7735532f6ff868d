/** PostgreSQL through `pg` and `pg-cursor`: portals, read a batch at a time. */
import type { Client, types as PgTypes } from 'pg';
import type PgCursor from 'pg-cursor';
import { GraphweftError } from '../core/errors.ts';
import { LocalDate, LocalDateTime, ZonedDateTime } from '../core/temporal.ts';
import {
  parseDuration,
  parseLocalDate,
  parseLocalDateTime,
  parseLocalTime,
  parseZonedDateTime,
  parseZonedTime,
} from '../core/temporal-text.ts';
import { listOf, textOf } from '../core/value-text.ts';
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

type Parse = (text: string) => unknown;

const text: Parse = (value) => value;

/** float4, float8, numeric, and their arrays. */
const FLOAT_OIDS = new Set([700, 701, 1700, 1021, 1022, 1231]);

/** Of integers, dates, times and UUIDs, whose values are the same where they are equal. */
const EXACT_OIDS = new Set([16, 20, 21, 23, 26, 1082, 1083, 1114, 1184, 2950]);

const loadPg = () => optionalPackage('pg', async () => (await import('pg')).default, 'pg pg-cursor');
const loadCursor = () =>
  optionalPackage('pg-cursor', async () => (await import('pg-cursor')).default, 'pg pg-cursor');

/** By type number of PostgreSQL's catalogue (pg_type.dat). */
function parsers(decimals: DecimalForm | 'nearest', refused: RefusedValues): Readonly<Record<number, Parse>> {
  const json: Parse = (text) => refused.json(text);
  const decimal = decimalReader(decimals, refused);
  const finite =
    (parse: Parse): Parse =>
    (text) => {
      if (text !== 'infinity' && text !== '-infinity') return parse(text) ?? text;
      return refused.refuse(`no Neo4j type has the date ${text}; leave it out in the query.`);
    };
  return {
    16: (text) => text === 't',
    17: (text) => Uint8Array.from(Buffer.from(text.slice(2), 'hex')),
    20: (text) => safeInteger(text),
    21: Number,
    23: Number,
    26: Number,
    114: json,
    700: (text) => Math.fround(Number(text)), // the number itself, not the nearest to its shortest text
    701: Number,
    1082: finite(parseLocalDate),
    1083: (text) => parseLocalTime(text) ?? text,
    1114: finite(parseLocalDateTime),
    1184: finite(parseZonedDateTime),
    1186: finite(parseDuration), // infinite since PostgreSQL 17
    1266: (text) => parseZonedTime(text) ?? text,
    1700: decimal,
    3802: json,
  };
}

/** Arrays by their own type number, and the type of what they hold; the others hold text. */
const ARRAY_ITEMS: Readonly<Record<number, number>> = {
  199: 114,
  1000: 16,
  1001: 17,
  1002: 25,
  1005: 21,
  1007: 23,
  1009: 25,
  1014: 25,
  1015: 25,
  1016: 20,
  1021: 700,
  1022: 701,
  1028: 26,
  1115: 1114,
  1182: 1082,
  1183: 1083,
  1185: 1184,
  1187: 1186,
  1231: 1700,
  1270: 1266,
  143: 25,
  651: 25,
  791: 25,
  1041: 25,
  1561: 25,
  1563: 25,
  2951: 25,
  3807: 3802,
};

function typesFor(
  types: typeof PgTypes,
  decimals: DecimalForm | 'nearest',
  refused: RefusedValues,
): { getTypeParser: (oid: number) => Parse } {
  const known = parsers(decimals, refused);
  // `arrayParser` is exported by pg-types and missing from its declarations.
  const { arrayParser } = types as unknown as {
    arrayParser: { create(source: string, item: Parse): { parse(): unknown[] } };
  };
  return {
    getTypeParser(oid) {
      const item = ARRAY_ITEMS[oid];
      if (item === undefined) return known[oid] ?? text;
      return (value) => arrayParser.create(value, known[item] ?? text).parse();
    },
  };
}

function safeInteger(digits: string): number | bigint {
  const number = Number(digits);
  return Number.isSafeInteger(number) ? number : BigInt(digits);
}

class PostgresConnection implements SqlConnection {
  readonly #client: Client;
  readonly #address: SqlAddress;
  readonly #types: typeof PgTypes;
  #isBusy = false;

  constructor(client: Client, address: SqlAddress, types: typeof PgTypes) {
    this.#client = client;
    this.#address = address;
    this.#types = types;
  }

  async *stream(
    sql: string,
    parameters: readonly SqlParameter[],
    size: number,
    decimals: DecimalForm,
  ): AsyncGenerator<Row[]> {
    const Cursor = await loadCursor();
    const refused = new RefusedValues();
    const types = typesFor(this.#types, decimals, refused);
    this.#isBusy = true;
    try {
      const cursor = new Cursor<Row>(sql, parameters.map(toPg), { types: types as never });
      this.#client.query(Object.assign(cursor, COPY_HANDLERS));
      for (let firstRow = 0; ; ) {
        const { rows, names } = await readCursor(cursor, size);
        if (firstRow === 0) checkColumnNames(names);
        refused.throwAnyOf(rows, firstRow);
        if (rows.length === 0) break;
        firstRow += rows.length;
        yield rows;
      }
      await cursor.close();
      this.#isBusy = false;
    } catch (error) {
      throw failure(this.#address, error);
    }
  }

  async query(sql: string, parameters: readonly SqlParameter[] = []): Promise<readonly Row[]> {
    return (await this.#run(sql, parameters)).rows;
  }

  async floatColumns(sql: string, parameters: readonly SqlParameter[]): Promise<readonly string[]> {
    const { fields } = await this.#run(`SELECT * FROM (${sql}) AS q LIMIT 0`, parameters);
    return fields.filter(({ dataTypeID }) => FLOAT_OIDS.has(dataTypeID)).map(({ name }) => name);
  }

  /** Equal and yet not the same are 1.0 and 1.00, a month and 30 days, texts of some collations. */
  async tieBreaks(sql: string, parameters: readonly SqlParameter[], columns: readonly string[]) {
    const { fields } = await this.#run(`SELECT * FROM (${sql}) AS q LIMIT 0`, parameters);
    const exact = fields.filter(({ dataTypeID }) => EXACT_OIDS.has(dataTypeID)).map(({ name }) => name);
    return columns
      .filter((column) => !exact.includes(column))
      .map((column) => `CAST(${POSTGRES.quote(column)} AS text) COLLATE "C"`);
  }

  async executeMany(sql: string, values: readonly (readonly SqlParameter[])[]): Promise<void> {
    const bound = values.map((row) => row.map(toPg)); // what cannot be bound shows before anything is sent
    await this.query('BEGIN');
    try {
      // Queued at once; pg sends each when the one before it is answered.
      const sent = bound.map((row) => this.#client.query({ name: 'graphweft', text: sql, values: row }));
      const failed = (await Promise.allSettled(sent)).find((result) => result.status === 'rejected');
      if (failed) throw failure(this.#address, failed.reason);
      await this.query('COMMIT');
    } catch (error) {
      await this.query('ROLLBACK').catch(() => undefined); // a broken connection rolls back by itself
      throw error;
    }
  }

  async close(): Promise<void> {
    if (!this.#isBusy) return this.#client.end();
    // In the middle of a statement the server would first send the rest: the connection is cut instead.
    (this.#client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  }

  async #run(sql: string, parameters: readonly SqlParameter[]) {
    const refused = new RefusedValues();
    const types = typesFor(this.#types, 'nearest', refused) as never;
    this.#isBusy = true;
    try {
      const result = await this.#client.query({ text: sql, values: parameters.map(toPg), types });
      refused.throwAnyOf(result.rows, 0);
      return result;
    } catch (error) {
      throw failure(this.#address, error);
    } finally {
      this.#isBusy = false;
    }
  }
}

/** pg calls them for a COPY, and a cursor that had none would end the process. */
const COPY_HANDLERS = {
  handleCopyData() {},
  handleCopyInResponse(connection: { sendCopyFail(why: string): void }) {
    connection.sendCopyFail('a source reads a SELECT');
  },
};

/** The promise of `read` does not have the names of the columns. */
function readCursor(
  cursor: PgCursor<Row>,
  size: number,
): Promise<{ readonly rows: Row[]; readonly names: readonly string[] }> {
  return new Promise((resolve, reject) => {
    cursor.read(size, (error, rows, result) => {
      if (error) reject(error);
      else resolve({ rows, names: (result?.fields ?? []).map(({ name }) => name) });
    });
  });
}

export const POSTGRES: SqlDriver = {
  dialect: 'postgres',
  placeholder: (i) => `$${i}`,
  quote: (name) => quoteWith('"', name),
  async open(address, count) {
    const { Client, types } = await loadPg();
    const connections: SqlConnection[] = [];
    try {
      let snapshot: string | undefined;
      for (let i = 0; i < count; i++) {
        const client = new Client({
          connectionString: address.url,
          application_name: 'graphweft',
          connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
        });
        client.on('error', () => {}); // a cut connection shows in what runs on it
        await client.connect().catch((error: unknown) => {
          throw failure(address, error);
        });
        const connection = new PostgresConnection(client, address, types);
        connections.push(connection);
        await connection.query("SET DateStyle = 'ISO'");
        await connection.query("SET IntervalStyle = 'iso_8601'");
        await connection.query("SET bytea_output = 'hex'");
        await connection.query('SET extra_float_digits = 3'); // floats with all their digits
        // A server that computes does not see that the connection was cut, unless it looks (PostgreSQL 14 and newer).
        await connection
          .query(
            "SELECT set_config(name, '2s', false) FROM pg_settings WHERE name = 'client_connection_check_interval'",
          )
          .catch(() => undefined); // systems without that kind of look refuse it
        if (count === 1) continue;
        await connection.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
        // All read the same snapshot, so that a row which moves between ranges meanwhile is read once.
        if (snapshot) await connection.query(`SET TRANSACTION SNAPSHOT '${snapshot}'`);
        else snapshot = String((await connection.query('SELECT pg_export_snapshot() AS id'))[0]?.id);
      }
      return connections;
    } catch (error) {
      await Promise.all(connections.map((connection) => connection.close()));
      throw error;
    }
  },
};

/** As PostgreSQL reads it; lists are its arrays. pg itself would show a Date in the machine's zone. */
function toPg(value: SqlParameter): unknown {
  if (value === null || value === undefined) return null;
  if (value instanceof Uint8Array) return Buffer.from(value);
  const items = listOf(value);
  if (items) return items.map(toPg);
  return isDated(value) ? postgresDate(textOf(value)) : textOf(value);
}

function isDated(value: unknown): boolean {
  return (
    value instanceof Date ||
    value instanceof LocalDate ||
    value instanceof LocalDateTime ||
    value instanceof ZonedDateTime
  );
}

/** PostgreSQL has no sign of a year, and counts those before the first as `0044-03-15 BC`. */
function postgresDate(iso: string): string {
  const [, year, rest] = /^([+-]?\d+)(.*)$/s.exec(iso)!;
  const isBc = Number(year) <= 0;
  const shown = String(isBc ? 1 - Number(year) : Number(year)).padStart(4, '0');
  return `${shown}${rest}${isBc ? ' BC' : ''}`;
}

function failure(address: SqlAddress, error: unknown): GraphweftError {
  if (error instanceof GraphweftError) return error;
  const code = String((error as { readonly code?: unknown }).code ?? '');
  if (/^28|^3D000$/.test(code)) return sqlError('auth', address, error);
  // A SQLSTATE has five characters and a digit, EPIPE of the network none. Class 08 and 57P are of the connection, but for
  // parameters that are too few or too many (08P01).
  const isState = /^[0-9A-Z]{5}$/.test(code) && /\d/.test(code);
  const isStatement = isState && (code === '08P01' || !/^(08|57P)/.test(code));
  return sqlError(isStatement ? 'statement' : 'unavailable', address, error);
}
