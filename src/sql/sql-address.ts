import { ConfigError } from '../core/errors.ts';
import { HIDDEN, shownAddress } from '../core/secrets.ts';

export const SQL_DIALECTS = ['postgres', 'mysql', 'sqlite'] as const;
export type SqlDialect = (typeof SQL_DIALECTS)[number];

const DIALECTS: Readonly<Record<string, SqlDialect>> = {
  postgres: 'postgres',
  postgresql: 'postgres',
  mysql: 'mysql',
  mariadb: 'mysql',
  sqlite: 'sqlite',
};

/** Where a SQL database is. */
export interface SqlAddress {
  readonly dialect: SqlDialect;
  /** The address as it was given; may hold a password. */
  readonly url: string;
  /** The same without a password, for messages and reports. */
  readonly shown: string;
}

/**
 * Reads `postgres://user:password@host:port/database`, `mysql://…` (MariaDB too) or `sqlite:path`.
 * @throws {@link ConfigError} `GW_CONFIG_OPTION`, never with the password.
 */
export function parseSqlAddress(url: unknown): SqlAddress {
  const text = typeof url === 'string' ? url.trim() : '';
  const dialect = DIALECTS[/^([a-z]+):/.exec(text)?.[1] ?? ''];
  if (!dialect) throw badAddress();
  if (dialect === 'sqlite') {
    if (sqlitePath(text) === '') throw badAddress();
    return { dialect, url: text, shown: text };
  }
  // A password with / ? or # in it ends the host early: the rest of it would be shown as the database.
  const shown = shownAddress(text);
  if (!URL.canParse(text) || shown === HIDDEN) throw badAddress();
  return { dialect, url: text, shown: shown.replace(/^[a-z]+:/, `${dialect}:`) };
}

/** The path of `sqlite:path`, `sqlite:///absolute/path` or `sqlite::memory:`. */
export function sqlitePath(url: string): string {
  return url.replace(/^sqlite:(\/\/)?/, '');
}

function badAddress(): ConfigError {
  return new ConfigError(
    'GW_CONFIG_OPTION',
    'The SQL address must look like postgres://user:password@host:5432/database, mysql://user:password@host:3306/database ' +
      'or sqlite:path/to/file.db (option `url`, or SQL_URI). In a password write / as %2F, ? as %3F, # as %23, @ as %40.',
    { details: { option: 'url' } },
  );
}
