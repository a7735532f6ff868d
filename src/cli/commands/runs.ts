import type { Command } from 'commander';
import { loadEnvironment } from '../../context/environment.ts';
import { ETLContext } from '../../context/etl-context.ts';
import type { Environment } from '../../core/context.ts';
import { ConfigError } from '../../core/errors.ts';
import { jsonValue } from '../../core/json.ts';
import { integerOption, optionError } from '../../core/options.ts';
import { formatCount } from '../../core/text.ts';
import { deleteRememberedRun, rememberedRuns } from '../../neo4j/ledger-runs.ts';
import { hasColour } from '../../reporting/palette.ts';
import {
  type DeletedRuns,
  deleteRuns,
  lastRuns,
  type RunChoice,
  type RunStore,
  readRun,
} from '../../reporting/run-history.ts';
import { formatRun, formatRuns, type RunTableOptions } from '../run-tables.ts';
import { formatTable } from '../tables.ts';
import { WARNING_REPORTER } from '../warning-reporter.ts';

export interface RunCommandsOptions {
  /** Variables by name. Default: the process's environment, with what a `.env` file in the current folder adds. */
  readonly env?: Environment;
}

interface StoreFlags {
  readonly database?: string;
  readonly json?: boolean;
}

interface DeleteFlags extends StoreFlags {
  readonly id?: string;
  readonly before?: string;
  readonly olderThan?: string;
  readonly rows?: boolean;
}

const DEFAULT_LAST = 10;
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Adds `runs`, `run ID` and `runs delete` to a program of one's own.
 * @returns The program.
 */
export function addRunCommands(program: Command, { env }: RunCommandsOptions = {}): Command {
  const runs = storeCommand(program, 'runs', 'list the last runs that were kept (REPORTER_DATABASE)')
    .enablePositionalOptions() // so that `runs delete --json` is an option of delete
    .option('--last <n>', `how many (${DEFAULT_LAST})`)
    .action((flags: StoreFlags & { last?: string }) =>
      withStore(env, flags, async (store) => {
        const last = integerOption('--last', numberOf(flags.last ?? DEFAULT_LAST), { min: 1 });
        const found = await lastRuns(store, last);
        if (flags.json) print(...found.map(toJson));
        else if (found.length > 0) print(formatRuns(found, look(env)));
        else print('No runs are kept here. Set REPORTER_DATABASE for a load, and its runs are.');
      }),
    );
  runs
    .command('unfinished')
    .description('list the loads that the ledger remembers: those that go on when they are started again')
    .option('--json', 'as JSON, one object a line')
    .action((flags: StoreFlags) =>
      withStore(env, flags, async ({ neo4j }) => {
        const found = await rememberedRuns(neo4j);
        const columns = ['id', 'state', 'rows', 'process', 'startedAt'];
        if (flags.json) print(...found.map(toJson));
        else if (found.length > 0)
          print(
            formatTable(
              columns,
              found.map((run) => ({ ...run })),
            ),
          );
        else print('No load is unfinished.');
      }),
    );
  storeCommand(runs, 'delete', 'delete runs with all their tasks; needs one of --id, --before, --older-than')
    .option('--id <ids>', 'id of a run, or its beginning; several with commas')
    .option('--before <date>', 'runs that started before this day (2026-01-31)')
    .option('--older-than <days>', 'runs that started longer ago')
    .option('--rows', 'with --id of a load that was given `runTag`: what it created too')
    .action((flags: DeleteFlags) => {
      const choice = chosenRuns(flags);
      return withStore(env, flags, async (store) => {
        const withRows = flags.rows === true;
        const ledger = flags.id && (await deleteRememberedRun(store.neo4j, flags.id, { withRows }));
        if (ledger) {
          const { nodes, relationships } = ledger;
          const rows = `, with ${formatCount(nodes)} nodes and ${formatCount(relationships)} relationships`;
          print(
            flags.json ? toJson(ledger) : `Deleted what the ledger knows of the run${withRows ? rows : ''}.`,
          );
          return;
        }
        if (withRows) {
          const message =
            '`--rows` needs --id with the whole id of one load that the ledger remembers; `graphweft runs unfinished` lists them.';
          throw new ConfigError('GW_CONFIG_OPTION', message, { details: { option: '--rows' } });
        }
        const deleted = await deleteRuns(store, choice);
        print(flags.json ? toJson(deleted) : describeDeleted(deleted));
      });
    });
  storeCommand(program, 'run', 'show one run: its tasks, how they ended, and what they made')
    .argument('<id>', 'id of the run, or a beginning that only it has')
    .option('--details', 'list the statistics of each task')
    .action((id: string, flags: StoreFlags & { details?: boolean }) =>
      withStore(env, flags, async (store) => {
        const run = await readRun(store, id);
        print(flags.json ? toJson(run) : formatRun(run, { ...look(env), details: flags.details === true }));
      }),
    );
  return program;
}

function storeCommand(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .option('--database <name>', 'where runs are kept (REPORTER_DATABASE, else NEO4J_DATABASE)')
    .option('--json', 'as JSON, one object a line');
}

async function withStore(
  given: Environment | undefined,
  flags: StoreFlags,
  use: (store: RunStore) => Promise<void>,
): Promise<void> {
  const env = given ?? loadEnvironment().env;
  const database = flags.database ?? (env.REPORTER_DATABASE || undefined);
  await using context = new ETLContext({ env, reporter: WARNING_REPORTER });
  await use({ neo4j: context.neo4j, database });
}

/** Deleting is not undone, so what is meant is said in exactly one way. */
function chosenRuns({ id, before, olderThan }: DeleteFlags): RunChoice {
  if ([id, before, olderThan].filter((flag) => flag !== undefined).length !== 1) {
    const message = 'Say which runs to delete with exactly one of --id, --before and --older-than.';
    throw new ConfigError('GW_CONFIG_OPTION', message);
  }
  if (before !== undefined) return { before: dayOf(before) };
  if (olderThan !== undefined) {
    const days = integerOption('--older-than', numberOf(olderThan), { min: 0 });
    return { before: new Date(Date.now() - days * DAY_MS) };
  }
  const ids = id!.split(',').map((one) => one.trim());
  if (ids.includes('')) throw optionError('--id', 'an id, or several with commas', id); // every id begins with ''
  return { ids };
}

/** Leaves as it is what is no number; `Number` would take a blank for 0. */
function numberOf(text: string | number): unknown {
  return /^\d+$/.test(String(text)) ? Number(text) : text;
}

/** The beginning of a day where the reader is. */
function dayOf(text: string): Date {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? [];
  const date = new Date(Number(year), Number(month) - 1, Number(day));
  if (date.getMonth() === Number(month) - 1 && date.getDate() === Number(day)) return date;
  throw optionError('--before', 'a day such as 2026-01-31', text);
}

function describeDeleted({ runs, tasks, kept }: DeletedRuns): string {
  const deleted =
    runs === 0
      ? 'No run was deleted.'
      : `Deleted ${runs} ${runs === 1 ? 'run' : 'runs'} with ${tasks} ${tasks === 1 ? 'task' : 'tasks'}.`;
  const stay = kept === 1 ? '1 run is at work and stays.' : `${kept} runs are at work and stay.`;
  return kept > 0 ? `${deleted} ${stay}` : deleted;
}

function look(env: Environment = process.env): RunTableOptions {
  return { colour: hasColour(env, process.stdout.isTTY === true && env.TERM !== 'dumb') };
}

function toJson(value: unknown): string {
  return JSON.stringify(value, jsonValue);
}

function print(...lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`);
}
