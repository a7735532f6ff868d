/**
 * What the database itself remembers of a run, so that a load goes on where it was, whatever happened to the process or
 * to the answer of a commit.
 *
 * One node a cell holds how many of its rows are consumed (committed or rejected). It is set in the same transaction as
 * the rows, and a cell is never written by two transactions at once, so its rows are committed in their order and the
 * count is all there is to know. The same idea holds the offsets of Neo4j's Kafka sink; there is one node a cell, never
 * one for all, because a shared node would be a lock that all writers queue for.
 *
 * | state of a run | owner | what an attempt finds |
 * |---|---|---|
 * | running | the process that loads it | it is taken, as long as that process lives |
 * | running | a process that is gone | goes on from the counts |
 * | stopped | none | goes on from the counts |
 * | done | none | nothing is left to load |
 *
 * Under the lock of its cell's node every mark compares the count before it moves it, and looks whether the run is still its
 * owner's: who comes back after another process took the run up may find cells that were never written, or are forgotten.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { BatchPosition } from '../core/batch-processor.ts';
import { GraphweftError } from '../core/errors.ts';
import type { Neo4jConnection } from './connection.ts';
import { processStart } from './embedded/process-table.ts';
import { differencesOf, type Fingerprint } from './fingerprint.ts';
import type { LedgerMark } from './write-transaction.ts';

export interface RunLedgerOptions {
  /** Id of the run. */
  readonly run: string;
  /** What {@link RunLedger.find} gave for it; should another process take the run up since, this one leaves it. */
  readonly found: LedgerRun | undefined;
  /** Whether the run is remembered when it is done. */
  readonly isKept: boolean;
  readonly fingerprint: Fingerprint;
  /** Forgets what an earlier attempt committed. Default: false. */
  readonly fresh?: boolean;
  /** Names a run that begins, among all that ever have the same id. */
  readonly instance: string;
  /** Property that the run's nodes and relationships carry its id in. Default: none. */
  readonly runTag?: string | undefined;
}

/** A run as the database has it. */
export interface LedgerRun {
  readonly id: string;
  readonly instance: string;
  readonly state: 'running' | 'stopped' | 'done';
  readonly owner: string | null;
  /** Changes whenever a process takes the run up. */
  readonly lastClaim: string;
  readonly host: string;
  readonly pid: number;
  readonly processStart: string;
  readonly secondsSilent: number;
  readonly fingerprint: string;
  /** Rows that are consumed. */
  readonly rows: number;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly runTag: string | null;
}

const CONSTRAINTS = [
  'CREATE CONSTRAINT graphweft_run IF NOT EXISTS FOR (r:GraphweftRun) REQUIRE r.id IS UNIQUE',
  'CREATE CONSTRAINT graphweft_cell IF NOT EXISTS FOR (c:GraphweftCell) REQUIRE c.id IS UNIQUE',
] as const;

/** The first SET takes the lock of the node; only then are its count and the run's owner read. */
const MARK = `MERGE (c:GraphweftCell {id: $cell})
ON CREATE SET c.run = $run, c.shard = 0, c.row = $row, c.col = $col, c.rows = 0
SET c.owner = $owner
WITH c, c.rows AS before
OPTIONAL MATCH (r:GraphweftRun {id: $run}) WHERE r.owner = $owner
SET c.rows = CASE WHEN before = $from THEN $to ELSE before END
RETURN before, r IS NOT NULL AS isOwned`;

/** Gives a run `r` as {@link LedgerRun}, and the count of what is done when it is not. */
const RUN = `OPTIONAL MATCH (c:GraphweftCell) WHERE c.id STARTS WITH r.id + '\\n' + r.instance + '/'
WITH r, sum(c.rows) AS rows
RETURN r {.*, rows: CASE r.state WHEN 'done' THEN r.rows ELSE rows END, startedAt: toString(r.startedAt),
  secondsSilent: (datetime().epochMillis - r.seenAt.epochMillis) / 1000.0} AS run`;

/** Takes the lock of the run before it looks at the last claim, so that of two processes one comes second. */
const CLAIM = `MERGE (r:GraphweftRun {id: $run})
ON CREATE SET r.startedAt = datetime()
SET r.asks = $owner
WITH r WHERE coalesce(r.lastClaim, '') IN $claims
SET r += {owner: $owner, lastClaim: $owner, host: $host, pid: $pid, processStart: $processStart, seenAt: datetime(), state: 'running',
  fingerprint: $fingerprint, instance: $instance, isKept: $isKept, runTag: $runTag}
RETURN r.id AS id`;

const OWNED = 'MATCH (r:GraphweftRun {id: $run}) WHERE r.owner = $owner';
const WITH_CELLS = `${OWNED}
OPTIONAL MATCH (c:GraphweftCell) WHERE c.id STARTS WITH $prefix`;
const END = `${WITH_CELLS}
WITH r, collect(c) AS cells, sum(CASE WHEN c.id STARTS WITH $own THEN c.rows END) AS rows
SET r.state = $outcome, r.owner = null, r.endedAt = datetime(), r.rows = rows`;
/** A run that is done: its cells, and the run if it is not remembered, in one transaction, so that no half is ever seen. */
const DONE = `${END}
FOREACH (c IN cells | DELETE c)`;
const FORGET = `${WITH_CELLS}
DELETE c, r`;

const HEARTBEAT_MS = 10_000;
/** A process on another machine that says nothing for longer is gone. */
const LOST_AFTER_SECONDS = 60;
const DELETE_BATCH = 10_000;
const LAST_WORD_MS = 5_000;

export class RunLedger {
  readonly run: string;
  /** Names this run among earlier ones of the same id. */
  readonly instance: string;
  /** Whether an earlier attempt has committed rows, or the whole of it. */
  readonly isResumed: boolean;
  readonly isDone: boolean;
  readonly #neo4j: Neo4jConnection;
  readonly #isKept: boolean;
  readonly #owner: string;
  readonly #counts: ReadonlyMap<string, number>;
  /** Cells that may have a node. */
  readonly #marked = new Set<string>();
  readonly #rows: number;
  readonly #heartbeat: NodeJS.Timeout | undefined;

  private constructor(
    neo4j: Neo4jConnection,
    { run, isKept }: RunLedgerOptions,
    { instance, state, rows }: Pick<LedgerRun, 'instance' | 'state' | 'rows'>,
    owner: string,
    counts: ReadonlyMap<string, number>,
  ) {
    this.run = run;
    this.instance = instance;
    this.isDone = state === 'done';
    this.isResumed = this.isDone || counts.size > 0;
    this.#neo4j = neo4j;
    this.#isKept = isKept;
    this.#owner = owner;
    this.#counts = counts;
    for (const cell of counts.keys()) this.#marked.add(cell);
    this.#rows = state === 'done' ? rows : [...counts.values()].reduce((sum, count) => sum + count, 0);
    if (!this.isDone) {
      active.add(owner);
      this.#heartbeat = setInterval(() => void this.#beat(), HEARTBEAT_MS);
      this.#heartbeat.unref();
    }
  }

  /**
   * Begins a run, or takes up one that was stopped or whose process is gone.
   *
   * @throws {@link GraphweftError} `GW_RUN_TAKEN` while another process loads it, `GW_RUN_CHANGED` when it is a run of
   * something else now, `GW_RUN_LEDGER` when the database lets nobody keep one.
   */
  static async open(neo4j: Neo4jConnection, options: RunLedgerOptions): Promise<RunLedger> {
    const { run, found, fingerprint } = options;
    let { fresh = false } = options;
    try {
      await ensureLedger(neo4j);
    } catch (cause) {
      throw new GraphweftError(
        'GW_RUN_LEDGER',
        `The constraints of the ledger could not be made: ${(cause as Error).message}`,
        { cause },
      );
    }
    if (found && !fresh) {
      if (found.state === 'done') return new RunLedger(neo4j, options, found, '', new Map());
      const differences = differencesOf(JSON.parse(found.fingerprint) as Fingerprint, fingerprint);
      // Of a load that has not begun to write, such as one with a wrong name in it, nothing has to go on.
      fresh = differences.length > 0 && Number(found.rows) === 0;
      if (!fresh) refuseChanged(run, differences);
    }
    if (found) await refuseTaken(found);
    const owner = randomUUID();
    const instance = found && !fresh ? found.instance : options.instance;
    const claimed = await neo4j.repeatable(CLAIM, {
      run,
      owner,
      instance,
      claims: [found?.lastClaim ?? '', owner], // its own, should the answer to it be lost
      host: hostname(),
      pid: process.pid,
      processStart: (await processStart(process.pid, process.env)) ?? '',
      fingerprint: JSON.stringify(fingerprint),
      isKept: options.isKept,
      runTag: options.runTag ?? null,
    });
    if (claimed.length === 0) throw taken(run, 'another process began with it just now');
    if (found && fresh) await deleteCells(neo4j, run);
    const counts = found && !fresh ? await readCounts(neo4j, run, instance) : new Map<string, number>();
    return new RunLedger(neo4j, options, { instance, state: 'running', rows: 0 }, owner, counts);
  }

  /** Gives a run as the database has it; undefined where there is none. */
  static async find(neo4j: Neo4jConnection, run: string): Promise<LedgerRun | undefined> {
    const [row] = await neo4j.repeatable(`MATCH (r:GraphweftRun {id: $run}) ${RUN}`, { run });
    return row?.run as LedgerRun | undefined;
  }

  /** Gives all runs, the newest first. */
  static async list(neo4j: Neo4jConnection): Promise<readonly LedgerRun[]> {
    const rows = await neo4j.repeatable(`MATCH (r:GraphweftRun) ${RUN} ORDER BY run.startedAt DESC`);
    return rows.map(({ run }) => run as LedgerRun);
  }

  /** Rows of all cells that were consumed before. */
  get rows(): number {
    return this.#rows;
  }

  /** Rows of a cell that are consumed. */
  committed(row: number, col: number): number {
    return this.#counts.get(`${row}/${col}`) ?? 0;
  }

  /** What the transaction of the cell's rows `from` (inclusive) to `to` (exclusive) runs first. */
  mark({ row, col }: Pick<BatchPosition, 'row' | 'col'>, from: number, to: number): LedgerMark {
    const { run } = this;
    const cell = `${row}/${col}`;
    this.#marked.add(cell);
    const parameters = {
      cell: `${prefixOf(run, this.instance)}${cell}`,
      run,
      row: BigInt(row),
      col: BigInt(col),
      from: BigInt(from),
      to: BigInt(to),
      owner: this.#owner,
    };
    return { statement: MARK, parameters, from, to };
  }

  /** Ends the run: `done` when all of its rows are consumed, else it can be taken up again at once. */
  async close(outcome: 'done' | 'stopped'): Promise<void> {
    clearInterval(this.#heartbeat);
    active.delete(this.#owner);
    if (this.isDone) return;
    const { run } = this;
    const cells = { run, owner: this.#owner, prefix: prefixOf(run) }; // of every instance of the run
    const ended = { ...cells, outcome, own: prefixOf(run, this.instance) };
    if (outcome === 'stopped') {
      const { isOpen } = this.#neo4j;
      try {
        // A load that failed may have done so because nobody is there, and the next attempt needs none of this.
        await this.#neo4j.repeatable(END, ended, { maxAttempts: 1, timeoutMs: LAST_WORD_MS });
      } finally {
        if (!isOpen) await this.#neo4j.close(); // or nothing would end the program that had closed it
      }
    } else if (this.#marked.size > DELETE_BATCH) {
      await this.#neo4j.repeatable(END, ended);
      await forget(this.#neo4j, run, this.#isKept);
    } else if (this.#isKept) await this.#neo4j.repeatable(DONE, ended);
    else await this.#neo4j.repeatable(FORGET, cells);
  }

  /** A sign of life; that it cannot be given now is no reason to stop: what is written says so itself. */
  async #beat(): Promise<void> {
    await this.#neo4j
      .query(`${OWNED} SET r.seenAt = datetime()`, {
        run: this.run,
        owner: this.#owner,
      })
      .catch(() => undefined);
  }
}

/** Owners in this process that are at work: one whose last word did not reach the server is none. */
const active = new Set<string>();

/** By connection: whether the constraints are there. */
const ready = new WeakMap<Neo4jConnection, Promise<void>>();

/** Makes the ledger's constraints, once a connection: loads that begin side by side would wait for each other's. */
export function ensureLedger(neo4j: Neo4jConnection): Promise<void> {
  let made = ready.get(neo4j);
  if (!made) {
    made = (async () => {
      for (const constraint of CONSTRAINTS) await neo4j.repeatable(constraint);
    })();
    ready.set(neo4j, made);
    made.catch(() => ready.delete(neo4j)); // another load may have better luck
  }
  return made;
}

/** Deletes what the ledger knows of a run: its cells, and unless it is kept the run itself. */
export async function forget(neo4j: Neo4jConnection, run: string, isKept = false): Promise<void> {
  await deleteCells(neo4j, run);
  if (!isKept) await neo4j.repeatable('MATCH (r:GraphweftRun {id: $run}) DELETE r', { run });
}

/** Of every instance of the run. */
async function deleteCells(neo4j: Neo4jConnection, run: string): Promise<void> {
  const statement = `MATCH (c:GraphweftCell) WHERE c.id STARTS WITH $prefix
    WITH c LIMIT ${DELETE_BATCH} DELETE c RETURN count(*) AS deleted`;
  for (let isLeft = true; isLeft; ) {
    const [row] = await neo4j.repeatable(statement, { prefix: prefixOf(run) });
    isLeft = Number(row?.deleted) === DELETE_BATCH;
  }
}

async function readCounts(
  neo4j: Neo4jConnection,
  run: string,
  instance: string,
): Promise<ReadonlyMap<string, number>> {
  const rows = await neo4j.repeatable(
    'MATCH (c:GraphweftCell) WHERE c.id STARTS WITH $prefix RETURN c.row AS row, c.col AS col, c.rows AS rows',
    { prefix: prefixOf(run, instance) },
  );
  return new Map(rows.map(({ row, col, rows: count }) => [`${row}/${col}`, Number(count)]));
}

/**
 * Every cell's id begins with it, and no other run's. The instance is in it, so that what a run that began afresh left
 * over from before is not taken for its own, whenever it was stopped.
 */
function prefixOf(run: string, instance?: string): string {
  return instance === undefined ? `${run}\n` : `${run}\n${instance}/0/`;
}

async function refuseTaken(run: LedgerRun): Promise<void> {
  const { id, host, pid } = run;
  if (!(await isAtWork(run))) return;
  throw taken(id, host === hostname() ? `process ${pid} loads it` : `process ${pid} on ${host} loads it`);
}

/** Whether a process is loading the run now. */
export async function isAtWork({ state, owner, host, pid, ...found }: LedgerRun): Promise<boolean> {
  if (state !== 'running' || owner === null) return false;
  const isHere = host === hostname();
  const isRunning = isHere
    ? (await processStart(pid, process.env)) === found.processStart
    : found.secondsSilent < LOST_AFTER_SECONDS;
  return isRunning && (!isHere || pid !== process.pid || active.has(owner));
}

function taken(run: string, why: string): GraphweftError {
  const message = `Run "${run}" is taken: ${why}. This process leaves it alone.`;
  return new GraphweftError('GW_RUN_TAKEN', message, { details: { run } });
}

function refuseChanged(run: string, differences: readonly string[]): void {
  if (differences.length === 0) return;
  throw new GraphweftError(
    'GW_RUN_CHANGED',
    `Run "${run}" was stopped in the middle, and cannot go on because its load is another one now: ` +
      `${differences.join('; ')}. Undo the change, or start over with \`fresh: true\`.`,
    { details: { run, differences } },
  );
}
