import { Command } from 'commander';
import { ENV_FILE, loadEnvironment } from '../../context/environment.ts';
import { addressFrom } from '../../context/neo4j-address.ts';
import { SETTINGS } from '../../context/settings.ts';
import type { Environment } from '../../core/context.ts';
import { HIDDEN, shownAddressWithUser } from '../../core/secrets.ts';
import { findEmbeddedServer } from '../../neo4j/embedded/embedded-server.ts';
import { formatTable } from '../tables.ts';

interface PrintedSetting {
  readonly name: string;
  readonly value: string | null;
  readonly from: string;
  readonly meaning: string;
}

/** `graphweft config print [--all] [--json]` */
export function configCommand(): Command {
  return new Command('config')
    .description('Shows the configuration.')
    .addCommand(
      new Command('print')
        .description('Prints each variable that is set, and where its value comes from; secrets are masked.')
        .option('--all', 'those that are not set, too')
        .option('--json', 'one JSON array, of all')
        .action(print),
    );
}

async function print({ all, json }: { readonly all?: boolean; readonly json?: boolean }): Promise<void> {
  const { env, fromFile } = loadEnvironment();
  const settings = await describe(env, fromFile);
  if (json) process.stdout.write(`${JSON.stringify(settings, null, 2)}\n`);
  else {
    const shown = settings.filter(({ from }) => all || from !== 'default');
    const rows = shown.map(({ name, value, from }) => ({ variable: name, value: value ?? '', from }));
    process.stdout.write(
      rows.length > 0
        ? `${formatTable(['variable', 'value', 'from'], rows)}\n`
        : 'Nothing is set; --all shows what can be.\n',
    );
  }
  // What would fail at the first connection is said now: a driver option that there is not, two ways to sign in.
  if (!env.NEO4J_URI && !(await findEmbeddedServer({ env }))) return;
  const { warnings = [] } = await addressFrom(env);
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
}

async function describe(env: Environment, fromFile: ReadonlySet<string>): Promise<readonly PrintedSetting[]> {
  const server = env.NEO4J_URI ? undefined : await findEmbeddedServer({ env });
  const embedded: Readonly<Record<string, string>> = server
    ? { NEO4J_URI: server.uri, NEO4J_USERNAME: server.username, NEO4J_PASSWORD: server.password }
    : {};
  return SETTINGS.map(({ name, meaning, byDefault, isSecret }) => {
    const set = env[name] || undefined;
    const value = set ?? embedded[name];
    const from = set
      ? fromFile.has(name)
        ? ENV_FILE
        : 'environment'
      : value
        ? 'embedded server'
        : 'default';
    const shown =
      value === undefined
        ? (byDefault ?? null)
        : isSecret
          ? mask(value)
          : isAddress(name)
            ? shownAddressWithUser(value)
            : value;
    return { name, value: shown, from, meaning };
  });
}

/** What ought to hold no password, and is known to. */
function isAddress(name: string): boolean {
  return /_UR[IL]$/.test(name);
}

/** An address keeps what is no secret of it. */
function mask(value: string): string {
  return /^\w+:\/\//.test(value) ? shownAddressWithUser(value) : HIDDEN;
}
