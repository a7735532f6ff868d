/** SQLite through `node:sqlite` where Node has it, else `better-sqlite3`: a statement that is stepped. */
import { isUtf8 } from 'node:buffer';
import { existsSync } from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';
import { GraphweftError, SourceError, ValidationError } from '../core/errors.ts';
import {
  parseLocalDate,
  parseLocalDateTime,
  parseLocalTime,
  parseZonedDateTime,
} from '../core/temporal-text.ts';
import { textOf } from '../core/value-text.ts';
import type { Row } from '../sources/duckdb.ts';
import type { DecimalForm } from '../sources/duckdb-values.ts';
import { type SqlAddress, sqlitePath } from './sql-address.ts';
import {
  bare,
  checkColumnNames,
  optionalPackage,
  quoteWith,
  RefusedValues,
  type SqlConnection,
  type SqlDriver,
  type SqlParameter,
  sqlError,
} from './sql-database.ts';

/** Waits for another process that writes, instead of failing at once. */
const WAIT = 'PRAGMA busy_timeout = 5000';

/** Bytes of a text that is not UTF-8, in an error. */
const SHOWN_BYTES = 32;

/** Rows in which the first value of an expression is looked for. */
const MAX_LOOKED_AT = 1_000;

interface Statement {
  iterate(...parameters: unknown[]): IterableIterator<Row>;
  run(...parameters: unknown[]): unknown;
  /** Name and declared type of each column; none for a statement without rows. */
  columns(): readonly { readonly name: string; readonly type: string | null }[];
}

interface Database {
  prepare(sql: string): Statement;
  exec(sql: string): unknown;
  close(): void;
}

async function openDatabase(path: string): Promise<Database> {
  const builtIn = await import('node:sqlite' as string).catch(() => undefined);
  // Node 22.5 to 22.15 have a SQLite that does not say what its columns are declared as.
  if (builtIn?.StatementSync.prototype.columns) {
    const database = new builtIn.DatabaseSync(path);
    database.exec(WAIT);
    return {
      exec: (sql) => database.exec(sql),
      close: () => database.close(),
      prepare(sql) {
        const statement = database.prepare(sql);
        statement.setReadBigInts(true);
        // It would leave out what comes after the first statement, which better-sqlite3 refuses.
        if (holdsStatement(database, sql.slice(statement.sourceSQL.length)))
          throw new Error('it holds more than one statement');
        return withAllValues(statement as Statement);
      },
    };
  }
  const { default: BetterSqlite } = await optionalPackage(
    'better-sqlite3',
    () => import('better-sqlite3' as string) as Promise<{ default: new (path: string) => BetterDatabase }>,
  );
  const database = new BetterSqlite(path);
  database.exec(WAIT);
  return {
    exec: (sql) => database.exec(sql),
    close: () => database.close(),
    prepare(sql) {
      const statement = database.prepare(sql);
      if (statement.reader) return statement.safeIntegers();
      return { run: (...values) => statement.run(...values), columns: () => [], iterate: () => [].values() };
    },
  };
}

/** Refuses values that are too few, for which node:sqlite would take null: one more can then be bound. */
function withAllValues(statement: Statement): Statement {
  let isChecked = false;
  const check = (values: readonly unknown[]) => {
    if (isChecked) return;
    isChecked = true;
    try {
      statement.iterate(...values, null); // binds, and takes no step
    } catch {
      return; // there is no place for it
    }
    throw new Error('it has more placeholders than values');
  };
  return {
    columns: () => statement.columns(),
    iterate(...values) {
      check(values);
      return statement.iterate(...values);
    },
    run(...values) {
      check(values);
      return statement.run(...values);
    },
  };
}

/** Whether a text is more than blanks and comments. */
function holdsStatement(database: Pick<Database, 'prepare'>, text: string): boolean {
  try {
    database.prepare(text);
    return true;
  } catch (error) {
    return (error as { readonly code?: unknown }).code !== 'ERR_INVALID_ARG_VALUE';
  }
}

interface BetterDatabase extends Omit<Database, 'prepare'> {
  prepare(sql: string): Statement & { readonly reader: boolean; safeIntegers(): Statement };
}

type Decode = (value: unknown) => unknown;

/** SQLite has no dates and no booleans of its own; what a column is declared as says what its values mean. */
function decoderFor(declared: string, decimals: DecimalForm, refused: RefusedValues): Decode {
  const onText =
    (parse: (text: string) => unknown): Decode =>
    (value) => {
      const parsed = typeof value === 'string' ? parse(value) : plain(value);
      return parsed === undefined ? value : parsed;
    };
  if (/^(DATETIME|TIMESTAMP)/i.test(declared))
    return onText((text) => parseLocalDateTime(text) ?? parseZonedDateTime(text));
  if (/^DATE/i.test(declared)) return onText(parseLocalDate);
  if (/^TIME/i.test(declared)) return onText(parseLocalTime);
  if (/^BOOL/i.test(declared)) return (value) => (value === 0n || value === 1n ? value === 1n : plain(value));
  if (/^JSON/i.test(declared)) return onText((text) => parseJson(text, refused));
  if (/^(DECIMAL|NUMERIC)/i.test(declared) && decimals === 'text')
    return (value) => (typeof value === 'bigint' || typeof value === 'number' ? String(value) : plain(value));
  return plain;
}

/** By the beginning of a declared type, or where SQLite itself makes floats of its numbers (`UNSIGNED DOUBLE`). */
function isFloating(declared: string): boolean {
  const isReal = /REAL|FLOA|DOUB/i.test(declared) && !/INT|CHAR|CLOB|TEXT|BLOB/i.test(declared);
  return isReal || /^(REAL|FLOA|DOUB|DEC|NUM)/i.test(declared);
}

function holdsReplacement(value: unknown): boolean {
  return typeof value === 'string' && value.includes('\uFFFD');
}

function parseJson(text: string, refused: RefusedValues): unknown {
  try {
    return refused.json(text);
  } catch {
    return undefined; // SQLite checks no JSON; what is none stays the text that it is
  }
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  return value instanceof Uint8Array ? Uint8Array.from(value) : value;
}

class SqliteConnection implements SqlConnection {
  readonly #database: Database;
  readonly #address: SqlAddress;
  #rows: IterableIterator<Row> | undefined;
  #isOpen = true;

  constructor(database: Database, address: SqlAddress) {
    this.#database = database;
    this.#address = address;
  }

  async *stream(
    sql: string,
    parameters: readonly SqlParameter[],
    size: number,
    decimals: DecimalForm,
  ): AsyncGenerator<Row[]> {
    const refused = new RefusedValues();
    let firstRow = 0;
    const result = this.#try(() => {
      const statement = this.#database.prepare(sql);
      const columns = statement.columns();
      checkColumnNames(columns.map(({ name }) => name));
      const decoders = columns.map(
        ({ name, type }) => [name, decoderFor(type ?? '', decimals, refused)] as const,
      );
      return { decoders, rows: statement.iterate(...parameters.map(toSqlite)) };
    });
    this.#rows = result.rows;
    const unsure = new Set(result.decoders.map(([name]) => name));
    try {
      for (let isDone = false; !isDone; ) {
        const batch: Row[] = [];
        while (batch.length < size) {
          const { done, value } = this.#try(() => result.rows.next());
          if (done) {
            isDone = true;
            break;
          }
          const row: Row = {};
          for (const [name, decode] of result.decoders) row[name] = decode(value[name]);
          for (const name of unsure) {
            if (!holdsReplacement(value[name])) continue;
            this.#checkUtf8(name, sql, parameters);
            unsure.delete(name);
          }
          batch.push(row);
        }
        refused.throwAnyOf(batch, firstRow);
        firstRow += batch.length;
        if (batch.length > 0) yield batch;
        await breathe(); // stepping is synchronous
      }
    } finally {
      if (this.#isOpen) result.rows.return?.();
      this.#rows = undefined;
    }
  }

  async query(sql: string, parameters: readonly SqlParameter[] = []): Promise<readonly Row[]> {
    const statement = this.#try(() => this.#database.prepare(sql));
    if (statement.columns().length === 0) {
      this.#try(() => statement.run(...parameters.map(toSqlite)));
      return [];
    }
    const rows: Row[] = [];
    for await (const batch of this.stream(sql, parameters, 1000, 'number')) rows.push(...batch);
    return rows;
  }

  /** By what a column is declared as; an expression is declared as nothing, so its first value is looked at. */
  async floatColumns(sql: string, parameters: readonly SqlParameter[]): Promise<readonly string[]> {
    const columns = this.#try(() => this.#database.prepare(sql).columns());
    const declared = columns.filter(({ type }) => isFloating(type ?? ''));
    const undeclared = columns.filter(({ type }) => /^(ANY)?$/i.test(type ?? '')).map(({ name }) => name);
    return [...declared.map(({ name }) => name), ...this.#realColumns(sql, parameters, undeclared)];
  }

  async tieBreaks(_sql: string, _parameters: readonly SqlParameter[], columns: readonly string[]) {
    return columns.map((column) => `${SQLITE.quote(column)} COLLATE BINARY`);
  }

  #realColumns(
    sql: string,
    parameters: readonly SqlParameter[],
    columns: readonly string[],
  ): readonly string[] {
    const open = new Set(columns);
    const real: string[] = [];
    if (open.size === 0) return real;
    this.#try(() => {
      let looked = 0;
      for (const row of this.#database.prepare(sql).iterate(...parameters.map(toSqlite))) {
        for (const name of open) {
          const value = row[name];
          if (value === null) continue;
          if (typeof value === 'number') real.push(name); // integers come as bigints
          open.delete(name);
        }
        if (open.size === 0 || ++looked === MAX_LOOKED_AT) break;
      }
    });
    return real;
  }

  /** SQLite checks no text, and both packages read what is not UTF-8 as U+FFFD, which a text may hold too. */
  #checkUtf8(name: string, sql: string, parameters: readonly SqlParameter[]): void {
    const column = SQLITE.quote(name);
    const bytes = `SELECT CAST(${column} AS BLOB) AS text FROM (${bare(sql)}) AS q WHERE typeof(${column}) = 'text'`;
    this.#try(() => {
      for (const { text } of this.#database.prepare(bytes).iterate(...parameters.map(toSqlite))) {
        if (isUtf8(text as Uint8Array)) continue;
        throw new SourceError(
          'GW_SOURCE_FORMAT',
          `Column \`${name}\` holds text that is not UTF-8, such as the bytes ${Buffer.from(text as Uint8Array).toString('hex', 0, SHOWN_BYTES)}; read it as ` +
            `CAST(${column} AS BLOB), or mend it.`,
          { details: { column: name } },
        );
      }
    });
  }

  async executeMany(sql: string, values: readonly (readonly SqlParameter[])[]): Promise<void> {
    this.#try(() => {
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        const statement = this.#database.prepare(sql);
        for (const row of values) statement.run(...row.map(toSqlite));
        this.#database.exec('COMMIT');
      } catch (error) {
        this.#database.exec('ROLLBACK');
        throw error;
      }
    });
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#rows?.return?.(); // better-sqlite3 closes no database that is being read
    this.#isOpen = false;
    this.#database.close();
  }

  #try<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw error instanceof GraphweftError ? error : sqlError('statement', this.#address, error);
    }
  }
}

export const SQLITE: SqlDriver = {
  dialect: 'sqlite',
  placeholder: () => '?',
  quote: (name) => quoteWith('"', name),
  async open(address, count) {
    const connections: SqlConnection[] = [];
    for (let i = 0; i < count; i++) {
      try {
        const path = sqlitePath(address.url);
        // Both packages would make an empty database of a misspelt path.
        if (!/^(:memory:|file:)/.test(path) && !existsSync(path)) throw new Error('there is no such file');
        connections.push(new SqliteConnection(await openDatabase(path), address));
      } catch (error) {
        for (const connection of connections) await connection.close();
        if ((error as { readonly code?: unknown }).code === 'GW_SQL_DRIVER') throw error;
        throw sqlError('unavailable', address, error);
      }
    }
    return connections;
  },
};

/** Both packages bind a number as a float, which a text column would keep as 5.0, and NaN as null. */
function toSqlite(value: SqlParameter): unknown {
  if (value === null || value === undefined) return null;
  if (typeof value === 'bigint' || value instanceof Uint8Array) return value;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value !== 'number') return textOf(value);
  if (Number.isNaN(value))
    throw new ValidationError('GW_VALUE_TYPE', 'SQLite has no NaN, and would keep null.');
  return Number.isSafeInteger(value) && !Object.is(value, -0) ? BigInt(value) : value;
}
