/**
 * A database that fails at will, as far as a load can see one: transactions that are all or nothing, locks on the ledger's
 * nodes, and an answer, or none, to every step. Only the statements of the ledger and of one sink are understood.
 */
import { Neo4jError, type Session } from 'neo4j-driver';
import { CommitGate } from '../../src/neo4j/commit-gate.ts';
import type { Neo4jConnection, WriteOptions } from '../../src/neo4j/connection.ts';
import {
  DEFAULT_RETRY,
  runWriteTransaction,
  type TransactionWork,
} from '../../src/neo4j/write-transaction.ts';

export interface SimulatedRow {
  readonly id: number;
  readonly isRefused: boolean;
}

/** What happens at one step; `crash` ends the process, and nobody hears of what it had under way. */
export type Step = 'ok' | 'deadlock' | 'cut' | 'lost' | 'unsent' | 'memory' | 'crash';

export class Crash extends Error {}

/** What survives a crash of the client. */
export class SimulatedDatabase {
  /** By id: how often a row was committed. */
  readonly rows = new Map<number, number>();
  readonly cells = new Map<string, { readonly row: number; readonly col: number; rows: number }>();
  readonly #steps: () => Step;
  readonly #locks = new Map<string, Promise<void>>();
  #run: Record<string, unknown> | undefined;
  #process = 0;

  /** @param steps Says what happens next. */
  constructor(steps: () => Step) {
    this.#steps = steps;
  }

  get runState(): unknown {
    return this.#run?.state;
  }

  /** A client's connection, in a process of its own: when that crashes, all that it has open is gone. */
  connect(): Neo4jConnection {
    const self = this.#process;
    const gate = new CommitGate(1);
    const check = () => {
      if (self !== this.#process) throw new Crash();
    };
    const connection = {
      transact: <R>(work: TransactionWork<R>, options: WriteOptions = {}) =>
        runWriteTransaction(() => this.#session(check) as unknown as Session, work, {
          ...DEFAULT_RETRY,
          maxAttempts: 1_000,
          timeoutMs: 60_000,
          gate,
          ...options,
        }),
      repeatable: async (cypher: string, parameters: Record<string, unknown> = {}) => {
        check();
        return this.#answer(cypher, parameters);
      },
    };
    return connection as unknown as Neo4jConnection;
  }

  #crash(): never {
    this.#process++;
    throw new Crash();
  }

  #answer(cypher: string, parameters: Record<string, unknown>): readonly Record<string, unknown>[] {
    if (cypher.startsWith('MATCH (r:GraphweftRun {id: $run}) OPTIONAL'))
      return this.#run ? [{ run: { ...this.#run, secondsSilent: 0 } }] : [];
    if (cypher.startsWith('MERGE (r:GraphweftRun')) {
      // A crash of the simulated process leaves a real one alive, so its number must not look like that.
      this.#run = { ...this.#run, ...parameters, id: parameters.run, state: 'running', pid: 2 ** 30 };
      return [{ id: parameters.run }];
    }
    if (cypher.startsWith('MATCH (r:GraphweftRun')) {
      // One that is forgotten when it is done is kept as done, to be looked at.
      this.#run = { ...this.#run, state: parameters.outcome ?? 'done', owner: null };
      return [];
    }
    if (/^MATCH \(c:GraphweftCell\).* RETURN c\.row/.test(cypher)) return [...this.cells.values()];
    if (/GraphweftCell\).*DELETE c/s.test(cypher)) return [{ deleted: 0 }]; // kept, to be looked at
    return []; // constraints, EXPLAIN
  }

  #session(check: () => void) {
    let isBroken = false;
    const step = async (): Promise<Step> => {
      await new Promise((done) => setImmediate(done)); // others go on meanwhile
      check();
      if (isBroken) throw error('ServiceUnavailable', 'broken');
      return this.#steps();
    };
    const cut = (): never => {
      isBroken = true;
      throw error('ServiceUnavailable', 'The connection broke');
    };
    const beginTransaction = () => {
      const changes: (() => void)[] = [];
      const held: (() => void)[] = [];
      const release = () => {
        for (const give of held.splice(0)) give();
      };
      const mark = async (parameters: Record<string, unknown>) => {
        const cell = String(parameters.cell);
        held.push(await this.#lock(cell));
        check();
        const before = this.cells.get(cell)?.rows ?? 0;
        const [row, col, from, to] = ['row', 'col', 'from', 'to'].map((name) => Number(parameters[name]));
        if (before === from) changes.push(() => this.cells.set(cell, { row: row!, col: col!, rows: to! }));
        return { before, isOwned: parameters.owner === this.#run?.owner };
      };
      const write = (rows: readonly SimulatedRow[], happens: Step) => {
        if (happens === 'memory' && rows.length > 1)
          throw error('Neo.TransientError.General.MemoryPoolOutOfMemoryError', 'too large');
        const refused = rows.find(({ id, isRefused }) => isRefused || this.rows.has(Number(id)));
        if (refused)
          throw error(
            'Neo.ClientError.Schema.ConstraintValidationFailed',
            `Node(1) already exists with label \`Row\` and property \`id\` = ${refused.id}`,
          );
        for (const id of rows.map((row) => Number(row.id)))
          changes.push(() => this.rows.set(id, (this.rows.get(id) ?? 0) + 1));
        return { rows: rows.length };
      };
      // The connection answers in order, also where it was not waited for.
      let turn: Promise<unknown> = Promise.resolve();
      const inTurn = <R>(action: () => Promise<R>): Promise<R> => {
        const next = turn.then(action);
        turn = next.catch(() => undefined);
        return next;
      };
      return {
        run: (cypher: string, parameters: Record<string, unknown>) =>
          inTurn(async () => {
            const happens = await step();
            if (happens === 'crash') this.#crash();
            if (happens === 'cut') cut();
            if (happens === 'deadlock')
              throw error('Neo.TransientError.Transaction.DeadlockDetected', 'on NODE(1)');
            const record: Record<string, unknown> = cypher.startsWith('MERGE (c:GraphweftCell')
              ? await mark(parameters)
              : write(rowsOf(parameters), happens);
            const records = [{ get: (name: string) => record[name] }];
            return { records, summary: { counters: { updates: () => ({ relationshipsCreated: 1 }) } } };
          }),
        commit: () =>
          inTurn(async () => {
            try {
              const happens = await step();
              const isSent = happens !== 'cut' && happens !== 'unsent';
              const isDone = isSent && !(happens === 'crash' && this.#steps() === 'ok');
              if (isDone) for (const change of changes) change();
              if (happens === 'crash') this.#crash();
              if (!isDone || happens === 'lost') cut();
            } finally {
              release();
            }
          }),
        close: async () => release(),
      };
    };
    return { beginTransaction, close: async () => undefined };
  }

  /** Waits for the lock of a node, and gives what gives it back. */
  async #lock(node: string): Promise<() => void> {
    while (this.#locks.has(node)) await this.#locks.get(node);
    let release = () => {};
    this.#locks.set(
      node,
      new Promise<void>((done) => {
        release = () => {
          this.#locks.delete(node);
          done();
        };
      }),
    );
    return () => release();
  }
}

/** Rows of a statement of one's own, or of a mapping's, by position. */
function rowsOf({ batch, rows }: Record<string, unknown>): readonly SimulatedRow[] {
  if (batch) return [...(batch as Iterable<SimulatedRow>)];
  return [...(rows as Iterable<readonly unknown[]>)].map(([id, isRefused]) => ({
    id: Number(id),
    isRefused: isRefused === true,
  }));
}

function error(code: string, message: string): Neo4jError {
  return new Neo4jError(message, code, '50N42', message);
}
