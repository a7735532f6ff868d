/** Reads and deletes what {@link Neo4jReporter} keeps; runs of neo4j-etl-lib are understood too. */
import { ConfigError } from '../core/errors.ts';
import type { Statistics } from '../core/statistics.ts';
import type { Neo4jConnection } from '../neo4j/connection.ts';
import { LOST_AFTER } from './neo4j-reporter.ts';
import type { TaskStatus } from './run-records.ts';

/** What is known of a task, or of a run as its root. Times are ISO 8601 in UTC. */
export interface KeptTask {
  readonly id: string;
  readonly name: string;
  /** `lost`: it ought to be running, but has given no sign of life for a minute. */
  readonly status: TaskStatus | 'lost';
  readonly startTime: string | null;
  readonly endTime: string | null;
  /** Until now while it runs, until the last sign of life when it was lost. */
  readonly durationMs: number | null;
  readonly batches: number | null;
  readonly expectedBatches: number | null;
  /** Of a group, those of all its tasks; so are the next two. */
  readonly rows: number | null;
  readonly expectedRows: number | null;
  readonly rejectedRows: number | null;
  readonly statistics: Statistics;
  readonly error: string | null;
}

/** A task with what is below it, in order. */
export interface KeptTree extends KeptTask {
  readonly tasks: readonly KeptTree[];
}

/** Which runs are meant; exactly one of these. */
export type RunChoice =
  | { readonly ids: readonly string[] }
  /** Started before. */
  | { readonly before: Date };

export interface DeletedRuns {
  readonly runs: number;
  readonly tasks: number;
  /** Runs that were meant but stay because they are at work. */
  readonly kept: number;
}

/** Where runs are kept. */
export interface RunStore {
  readonly neo4j: Neo4jConnection;
  /** Default: the connection's own. */
  readonly database?: string | undefined;
}

/** Trees a transaction: some hundred nodes, for a tree is as small as its run has tasks. */
const DELETE_BATCH = 50;

// A process that lives says so; neo4j-etl-lib says nothing, and is taken at its word.
const IS_LOST = `r.status IN ['open', 'running'] AND r.lastSeenTime < datetime() - duration('${LOST_AFTER}')`;
const IS_ALIVE = `r.status IN ['open', 'running'] AND r.lastSeenTime >= datetime() - duration('${LOST_AFTER}')`;
// neo4j-etl-lib writes local times, which compare with nothing but their like.
const started = (node: string) => `coalesce(datetime(${node}.startTime), datetime({epochMillis: 0}))`;
/** Expects a task `t`, its run `r` and its statistics `s`. */
const TASK_FIELDS = `t.uuid AS id, t.name AS name, t.error AS error, properties(s) AS statistics,
  CASE WHEN t.status IN ['open', 'running'] AND ${IS_LOST} THEN 'lost' ELSE t.status END AS status,
  datetime(t.startTime).epochMillis AS startMs, datetime(t.endTime).epochMillis AS endMs,
  coalesce(datetime(t.endTime), CASE
    WHEN t.status = 'running' AND NOT coalesce(${IS_LOST}, false) THEN datetime()
    ELSE r.lastSeenTime END).epochMillis AS untilMs,
  t.batches AS batches, t.expected_batches AS expectedBatches`;

/** Gives the last runs, the newest first. */
export async function lastRuns(store: RunStore, last: number): Promise<readonly KeptTask[]> {
  const { rows } = await ask(
    store,
    `MATCH (r:ETLRun) WITH r ORDER BY ${started('r')} DESC, r.uuid LIMIT $last
     MATCH (r)-[:HAS_SUB_TASK*0..]->(below:ETLTask)
     WITH r, CASE WHEN count(below.rows) > 0 THEN sum(below.rows) END AS rows,
       CASE WHEN count(below.expected_rows) > 0 THEN sum(below.expected_rows) END AS expectedRows,
       CASE WHEN count(below.rejected_rows) > 0 THEN sum(below.rejected_rows) END AS rejectedRows
     WITH *, r AS t OPTIONAL MATCH (t)-[:HAS_STATS]->(s:ETLStats)
     RETURN ${TASK_FIELDS}, rows, expectedRows, rejectedRows ORDER BY ${started('t')} DESC, t.uuid`,
    { last },
  );
  return rows.map(toTask);
}

/**
 * Gives a run with all its tasks.
 * @param id Id of the run, or a beginning that only it has.
 * @throws {@link ConfigError} `GW_RUN_ID` when there is no such run, or more than one.
 */
export async function readRun(store: RunStore, id: string): Promise<KeptTree> {
  const uuid = await findRun(store, id);
  const { rows } = await ask(
    store,
    `MATCH (r:ETLRun:ETLTask {uuid: $uuid})-[:HAS_SUB_TASK*0..]->(t:ETLTask)
     OPTIONAL MATCH (t)-[:HAS_STATS]->(s:ETLStats)
     OPTIONAL MATCH (parent:ETLTask)-[:HAS_SUB_TASK]->(t)
     RETURN ${TASK_FIELDS}, t.rows AS rows, t.expected_rows AS expectedRows, t.rejected_rows AS rejectedRows,
       parent.uuid AS parent ORDER BY t.order`,
    { uuid },
  );
  const nodes = new Map(rows.map((row) => [row.id, { ...toTask(row), tasks: [] as KeptTree[] }]));
  for (const { id: child, parent } of rows) nodes.get(parent)?.tasks.push(nodes.get(child)!);
  return withSums(nodes.get(uuid)!);
}

/** Gives groups, which have no rows of their own, those of their tasks. */
function withSums(node: KeptTree): KeptTree {
  const tasks = node.tasks.map(withSums);
  const sum = (field: 'rows' | 'expectedRows' | 'rejectedRows'): number | null =>
    [node, ...tasks]
      .map((task) => task[field])
      .reduce((all, own) => (own === null ? all : (all ?? 0) + own), null);
  return {
    ...node,
    tasks,
    rows: sum('rows'),
    expectedRows: sum('expectedRows'),
    rejectedRows: sum('rejectedRows'),
  };
}

/**
 * Deletes runs with all their tasks and statistics, some whole trees a transaction. A run at work stays.
 * @throws {@link ConfigError} `GW_RUN_ID` for an id that no run has, or more than one; nothing is then deleted.
 */
export async function deleteRuns(store: RunStore, choice: RunChoice): Promise<DeletedRuns> {
  const uuids = 'ids' in choice ? await Promise.all(choice.ids.map((id) => findRun(store, id))) : undefined;
  const which = uuids ? 'r.uuid IN $uuids' : 'datetime(r.startTime) < $before';
  const { rows } = await ask(
    store,
    `MATCH (r:ETLRun) WHERE ${which} RETURN r.uuid AS uuid, coalesce(${IS_ALIVE}, false) AS isAlive`,
    uuids ? { uuids } : { before: 'before' in choice ? choice.before : null },
  );
  const doomed = rows.filter(({ isAlive }) => !isAlive).map(({ uuid }) => uuid);
  let tasks = 0;
  for (let from = 0; from < doomed.length; from += DELETE_BATCH) {
    const deleted = await ask(
      store,
      `MATCH (r:ETLRun)-[:HAS_SUB_TASK*0..]->(t:ETLTask) WHERE r.uuid IN $uuids
       OPTIONAL MATCH (t)-[:HAS_STATS]->(s:ETLStats)
       WITH collect(DISTINCT t) AS tasks, collect(s) AS statistics
       FOREACH (s IN statistics | DETACH DELETE s)
       FOREACH (t IN tasks | DETACH DELETE t)
       RETURN size(tasks) AS tasks`,
      { uuids: doomed.slice(from, from + DELETE_BATCH) },
    );
    tasks += Number(deleted.rows[0]?.tasks ?? 0);
  }
  return { runs: doomed.length, tasks, kept: rows.length - doomed.length };
}

/** As many as are worth listing where an id fits several runs. */
const SHOWN_CANDIDATES = 5;

async function findRun(store: RunStore, id: string): Promise<string> {
  const { rows } = await ask(
    store,
    `MATCH (r:ETLRun:ETLTask) WHERE r.uuid STARTS WITH $id
     RETURN r.uuid AS uuid ORDER BY r.uuid <> $id, r.uuid LIMIT ${SHOWN_CANDIDATES}`,
    { id },
  );
  const found = rows.map(({ uuid }) => String(uuid));
  if (found.length === 1 || found[0] === id) return found[0]!;
  const message =
    found.length === 0
      ? `There is no run "${id}"; \`graphweft runs\` lists those there are.`
      : `More than one run begins with "${id}": ${found.join(', ')}${found.length === SHOWN_CANDIDATES ? ', …' : ''}.`;
  throw new ConfigError('GW_RUN_ID', message, { details: { id } });
}

function ask({ neo4j, database }: RunStore, cypher: string, parameters: Readonly<Record<string, unknown>>) {
  return neo4j.query(cypher, parameters, { database });
}

/** A task as its record has it: times in ms since 1970. */
interface TaskFields extends Omit<KeptTask, 'startTime' | 'endTime' | 'durationMs' | 'statistics'> {
  readonly startMs: number | null;
  readonly endMs: number | null;
  readonly untilMs: number | null;
  readonly statistics: Statistics | null;
}

function toTask(row: Readonly<Record<string, unknown>>): KeptTask {
  const { id, name, status, startMs, endMs, untilMs, statistics, ...fields } = row as unknown as TaskFields;
  return {
    id,
    name,
    status,
    startTime: iso(startMs),
    endTime: iso(endMs),
    durationMs: startMs === null || untilMs === null ? null : Math.max(0, untilMs - startMs), // two clocks
    batches: fields.batches,
    expectedBatches: fields.expectedBatches,
    rows: fields.rows,
    expectedRows: fields.expectedRows,
    rejectedRows: fields.rejectedRows,
    statistics: statistics ?? {},
    error: fields.error,
  };
}

function iso(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
