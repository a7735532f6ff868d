import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import type { Environment } from '../core/context.ts';
import { ConfigError } from '../core/errors.ts';

export const ENV_FILE = '.env';

/** Variables, and which of them a file gave. */
export interface LoadedEnvironment {
  readonly env: Environment;
  /** Names whose value is from the file. */
  readonly fromFile: ReadonlySet<string>;
}

/**
 * Gives the process's environment with what a `.env` file adds: a variable that is set already is not changed.
 * @param folder Default: the current one.
 * @throws {@link ConfigError} `GW_CONFIG_OPTION` when there is such a file and it cannot be read.
 */
export function loadEnvironment(folder = '.', env: Environment = process.env): LoadedEnvironment {
  let text: string;
  try {
    text = readFileSync(join(folder, ENV_FILE), 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return { env, fromFile: new Set() };
    throw new ConfigError('GW_CONFIG_OPTION', `${ENV_FILE} cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
  const added = Object.entries(parseEnv(text)).filter(([name]) => env[name] === undefined);
  return { env: { ...env, ...Object.fromEntries(added) }, fromFile: new Set(added.map(([name]) => name)) };
}
