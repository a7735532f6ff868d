/** What the ledger knows of runs, for people: a list, and deleting. */
import { ConfigError } from '../core/errors.ts';
import { quoteName } from '../mapping/names.ts';
import type { Neo4jConnection } from './connection.ts';
import { forget, isAtWork, RunLedger } from './run-ledger.ts';

/** A run that the ledger remembers. */
export interface RememberedRun {
  readonly id: string;
  /** `lost`: it ought to be running, but its process is gone; it goes on when it is started again. */
  readonly state: 'running' | 'lost' | 'stopped' | 'done';
  /** Rows that are done. */
  readonly rows: number;
  readonly process: string;
  /** ISO 8601, in UTC. */
  readonly startedAt: string;
}

export interface DeletedLedgerRun {
  /** Nodes and relationships that were deleted with it. */
  readonly nodes: number;
  readonly relationships: number;
}

/** Lists the runs that the ledger remembers, the newest first. */
export async function rememberedRuns(neo4j: Neo4jConnection): Promise<readonly RememberedRun[]> {
  return Promise.all(
    (await RunLedger.list(neo4j)).map(async (run) => {
      const { id, state, rows, host, pid, startedAt } = run;
      const isLost = state === 'running' && !(await isAtWork(run));
      return { id, state: isLost ? 'lost' : state, rows, process: `${pid} on ${host}`, startedAt };
    }),
  );
}

/**
 * Deletes what the ledger knows of a run, and if asked the nodes and relationships that carry its tag.
 * @returns Undefined where the ledger knows no such run.
 * @throws {@link ConfigError} `GW_CONFIG_OPTION` while the run is at work, or where its rows carry no tag.
 */
export async function deleteRememberedRun(
  neo4j: Neo4jConnection,
  id: string,
  { withRows }: { readonly withRows: boolean },
): Promise<DeletedLedgerRun | undefined> {
  const run = await RunLedger.find(neo4j, id);
  if (!run) return undefined;
  if (await isAtWork(run))
    throw refused(`Run "${id}" is at work (process ${run.pid} on ${run.host}) and stays.`);
  const tag = run.runTag ?? undefined;
  if (withRows && tag === undefined)
    throw refused(
      `The rows of run "${id}" carry no tag, so nobody can tell them; load with \`runTag\` for that.`,
    );
  const deleted = withRows ? await deleteTagged(neo4j, id, tag!) : { nodes: 0, relationships: 0 };
  await forget(neo4j, id);
  return deleted;
}

const DELETE_BATCH = 1_000;

async function deleteTagged(neo4j: Neo4jConnection, run: string, tag: string): Promise<DeletedLedgerRun> {
  const batches = `IN TRANSACTIONS OF ${DELETE_BATCH} ROWS`;
  const relationships = await neo4j.query(
    `MATCH ()-[x]->() WHERE x.${quoteName(tag)} = $run CALL (x) { DELETE x } ${batches}`,
    { run },
  );
  const nodes = await neo4j.query(
    `MATCH (n) WHERE n.${quoteName(tag)} = $run CALL (n) { DETACH DELETE n } ${batches}`,
    { run },
  );
  return {
    nodes: nodes.statistics.nodes_deleted ?? 0,
    relationships:
      (relationships.statistics.relationships_deleted ?? 0) + (nodes.statistics.relationships_deleted ?? 0),
  };
}

function refused(message: string): ConfigError {
  return new ConfigError('GW_CONFIG_OPTION', message);
}
