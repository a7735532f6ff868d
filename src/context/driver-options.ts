/** The driver's options as variables: NEO4J_DRIVER_MAX_CONNECTION_POOL_SIZE is maxConnectionPoolSize. */
import type { Config } from 'neo4j-driver';
import type { Environment } from '../core/context.ts';
import { ConfigError } from '../core/errors.ts';
import { nearestName } from '../core/options.ts';
import { neo4j } from '../neo4j/driver.ts';

export const DRIVER_PREFIX = 'NEO4J_DRIVER_';

interface DriverOption {
  /** What the value may be, for people. */
  readonly expects: string;
  /** Undefined when the text cannot be that. */
  readonly parse: (text: string) => unknown;
}

const COUNT: DriverOption = { expects: 'a whole number', parse: wholeNumber };
const MILLISECONDS: DriverOption = { expects: 'a whole number of ms', parse: wholeNumber };
const SWITCH: DriverOption = {
  expects: 'true or false',
  parse: (text) => ({ true: true, false: false })[text],
};
const TEXT: DriverOption = { expects: 'text', parse: (text) => text };
const LIST: DriverOption = {
  expects: 'names with commas between',
  parse: (text) => text.split(',').map((item) => item.trim()),
};

function choice(...values: readonly string[]): DriverOption {
  return { expects: `one of ${values.join(', ')}`, parse: (text) => values.find((value) => value === text) };
}

/** By the driver's name of the option, a dot for what is inside of one. */
export const DRIVER_OPTIONS: Readonly<Record<string, DriverOption>> = {
  encrypted: choice('ENCRYPTION_ON', 'ENCRYPTION_OFF'),
  trust: choice(
    'TRUST_SYSTEM_CA_SIGNED_CERTIFICATES',
    'TRUST_CUSTOM_CA_SIGNED_CERTIFICATES',
    'TRUST_ALL_CERTIFICATES',
  ),
  trustedCertificates: LIST,
  fetchSize: COUNT,
  maxConnectionPoolSize: COUNT,
  maxTransactionRetryTime: MILLISECONDS,
  maxConnectionLifetime: MILLISECONDS,
  connectionAcquisitionTimeout: MILLISECONDS,
  connectionLivenessCheckTimeout: MILLISECONDS,
  connectionTimeout: MILLISECONDS,
  disableAutoCommitRetries: SWITCH,
  userAgent: TEXT,
  telemetryDisabled: SWITCH,
  'notificationFilter.minimumSeverityLevel': choice('OFF', 'WARNING', 'INFORMATION'),
  'notificationFilter.disabledCategories': LIST,
  logging: choice('error', 'warn', 'info', 'debug'),
};

/** Gives the variable of a driver option. */
export function driverVariable(option: string): string {
  return `${DRIVER_PREFIX}${option.replace(/[A-Z.]/g, (c) => (c === '.' ? '_' : `_${c}`)).toUpperCase()}`;
}

/**
 * Reads all NEO4J_DRIVER_… variables.
 * @throws {@link ConfigError} `GW_CONFIG_UNKNOWN` for one that the driver has not, with the nearest name;
 * `GW_CONFIG_OPTION` for a value that it cannot have.
 */
export function driverOptionsFrom(env: Environment): Config {
  const known = new Map(Object.keys(DRIVER_OPTIONS).map((option) => [driverVariable(option), option]));
  const config: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(DRIVER_PREFIX) || text === undefined || text === '') continue;
    const option = known.get(name);
    if (option === undefined) {
      const near = nearestName(name, [...known.keys()]);
      const hint = near ? `did you mean ${near}?` : `there are ${[...known.keys()].join(', ')}.`;
      throw new ConfigError('GW_CONFIG_UNKNOWN', `The driver has no option ${name}; ${hint}`, {
        details: { variable: name },
      });
    }
    const { expects, parse } = DRIVER_OPTIONS[option]!;
    const value = parse(text);
    if (value === undefined) {
      throw new ConfigError('GW_CONFIG_OPTION', `${name} must be ${expects}, got "${text}".`, {
        details: { variable: name },
      });
    }
    const [outer, inner] = option.split('.') as [string, string?];
    if (inner) config[outer] = { ...(config[outer] as object | undefined), [inner]: value };
    else config[outer] = option === 'logging' ? neo4j.logging.console(value as never) : value;
  }
  return config as Config;
}

function wholeNumber(text: string): number | undefined {
  return /^\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
}
