/** Which run a load belongs to, and what tells it from another load. */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { ConfigError, GraphweftError } from '../core/errors.ts';
import type { Mapping } from '../mapping/patterns.ts';
import type { Neo4jConnection, Neo4jContext } from '../neo4j/connection.ts';
import { differencesOf, type Fingerprint } from '../neo4j/fingerprint.ts';
import { type LedgerRun, RunLedger, type RunLedgerOptions } from '../neo4j/run-ledger.ts';
import type { RowSchema } from '../transforms/validation-batch-processor.ts';

export interface LoadIdentity {
  readonly resume: string | false | undefined;
  /** Whether the load was given a name; otherwise it has its class's. */
  readonly hasName: boolean;
  readonly name: string;
  /** As the user names it: a path, or a name for a query. */
  readonly source: string;
  readonly statement: string;
}

/** A run that a load may keep a ledger for. */
export interface FoundRun {
  readonly id: string;
  /** Whether the id was given, and the run is remembered when it is done. */
  readonly isNamed: boolean;
  readonly source: Readonly<Record<string, unknown>>;
  /** The run as the database has it. */
  readonly found: LedgerRun | undefined;
  /** What an attempt before had, when it was stopped. */
  readonly earlier: Fingerprint | undefined;
}

/**
 * Finds the run of a load; undefined where none is to be remembered, or can be: a source that gives its rows in another
 * order every time cannot be resumed.
 * @throws {@link ConfigError} `GW_CONFIG_OPTION` where `resume` asks for what the source cannot do.
 */
export async function findRun(
  neo4j: Neo4jConnection,
  identity: LoadIdentity,
  opened: { fingerprint?(): Promise<FoundRun['source'] | undefined> },
): Promise<FoundRun | undefined> {
  const { resume } = identity;
  if (resume === false) return undefined;
  const id = resume ?? defaultId(identity);
  const [source, found] = await Promise.all([opened.fingerprint?.(), RunLedger.find(neo4j, id)]);
  if (!source) {
    if (resume === undefined) return undefined;
    throw new ConfigError(
      'GW_CONFIG_OPTION',
      'A load can be resumed only when its rows can be read again in the same order: give `orderBy` columns that put the ' +
        'rows of the query in one order, or leave `resume` out.',
      { details: { option: 'resume' } },
    );
  }
  const earlier =
    found && found.state !== 'done' ? (JSON.parse(found.fingerprint) as Fingerprint) : undefined;
  return { id, isNamed: resume !== undefined, source, found, earlier };
}

/**
 * Begins the run, or goes on with it. Where nobody asked for a ledger and the database lets nobody keep one, the load does
 * without, and says so.
 */
export async function openLedger(
  { neo4j, reporter }: Neo4jContext,
  { id, isNamed, found }: FoundRun,
  options: Pick<RunLedgerOptions, 'fingerprint' | 'fresh' | 'instance' | 'runTag'>,
): Promise<RunLedger | undefined> {
  try {
    return await RunLedger.open(neo4j, { run: id, found, isKept: isNamed, ...options });
  } catch (error) {
    if (isNamed || !(error instanceof GraphweftError) || error.code !== 'GW_RUN_LEDGER') throw error;
    reporter.warn(
      `${error.message}; the load could not be resumed after a crash (\`resume: false\` is silent)`,
    );
    return undefined;
  }
}

/**
 * Refuses the id of a run that is done where another load has it: it would be left out, and end well. A file that was written
 * again since is the same load.
 * @throws {@link GraphweftError} `GW_RUN_CHANGED`
 */
export function refuseOtherLoad({ id, found }: FoundRun, fingerprint: Fingerprint): void {
  const was = JSON.parse(found!.fingerprint) as Fingerprint;
  const differences = differencesOf(whatIsLoaded(was), whatIsLoaded(fingerprint));
  if (differences.length === 0) return;
  throw new GraphweftError(
    'GW_RUN_CHANGED',
    `Run "${id}" is done, and was of another load: ${differences.join('; ')}. Give this load an id of its own, or start over ` +
      'with `fresh: true`.',
    { details: { run: id, differences } },
  );
}

function whatIsLoaded({ source = {}, load = {} }: Fingerprint): Fingerprint {
  const { files = [], query = null } = source as { files?: readonly { path: string }[]; query?: string };
  const { mapping, statement } = load;
  // A mapping's statement is another one in another version.
  const written = mapping === 'none' ? { statement } : { mapping };
  return { source: { files: files.map(({ path }) => path), query }, load: written };
}

/** Two loads of one class and source may run side by side, so without a name the statement tells them apart. */
function defaultId({ hasName, name, source, statement }: LoadIdentity): string {
  return `${name} ${digest([resolve(source), ...(hasName ? [] : [statement])])}`;
}

/** Says what a mapping is, functions by their text. */
export function mappingText(mapping: Mapping | undefined): string {
  return (
    JSON.stringify(mapping, (_, value: unknown) => (typeof value === 'function' ? String(value) : value)) ??
    'none'
  );
}

/** Says what a schema is, as far as its library tells: by JSON Schema where it can, else by its vendor. */
export function schemaFingerprint(schema: RowSchema | undefined): Readonly<Record<string, unknown>> {
  if (!schema) return { kind: 'none' };
  const { vendor, jsonSchema } = schema['~standard'] as RowSchema['~standard'] & {
    readonly jsonSchema?: { input(options: { readonly target: string }): unknown };
  };
  try {
    return { kind: vendor, hash: digest(jsonSchema?.input({ target: 'draft-2020-12' }) ?? null) };
  } catch {
    return { kind: vendor }; // it has parts that JSON Schema cannot express
  }
}

const DIGITS = 12;

/** A short hash of a JSON value. */
export function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, DIGITS);
}
