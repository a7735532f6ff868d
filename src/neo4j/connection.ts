import { setMaxListeners } from 'node:events';
import type {
  AuthToken,
  AuthTokenManager,
  Config,
  Driver,
  Record as Neo4jRecord,
  Session,
} from 'neo4j-driver';
import type { TaskContext } from '../core/context.ts';
import { AbortedError, ConfigError, throwIfAborted } from '../core/errors.ts';
import { beginEvent, currentScope, endEvent, isHeard, outcomeOf } from '../core/events.ts';
import { integerOption } from '../core/options.ts';
import { shownAddress } from '../core/secrets.ts';
import type { Statistics } from '../core/statistics.ts';
import { CommitGate } from './commit-gate.ts';
import { countersOf } from './counters.ts';
import { Deadline } from './deadline.ts';
import { neo4j } from './driver.ts';
import { clearNeo4jError } from './neo4j-error.ts';
import { fromResultValue, toParameters } from './values.ts';
import {
  DEFAULT_RETRY,
  type LedgerMark,
  type RetryOptions,
  runWriteTransaction,
  type TransactionWork,
  type WriteResult,
} from './write-transaction.ts';

/** Where a database is and how to enter it. */
export interface Neo4jAddress {
  /** `bolt://…` or `neo4j://…`, with `+s` for TLS. */
  readonly uri: string;
  readonly username: string;
  /** Either this or `auth`. */
  readonly password?: string;
  /** Another way to sign in than by password. */
  readonly auth?: AuthToken | AuthTokenManager;
  /** Default: the user's home database. */
  readonly database?: string | undefined;
  /** Options of the driver. Default: its own. */
  readonly config?: Config;
  /** Said when the server does not answer. */
  readonly hint?: string;
  /** What is not as safe as it could be, in a sentence each; for who connects to say. */
  readonly warnings?: readonly string[];
}

/** What a statement gave. */
export interface QueryResult {
  /** Records as objects; integers as numbers, or bigints beyond 2^53. */
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** Names of the columns, in order. */
  readonly columns: readonly string[];
  /** The server's counters that are not zero, in snake_case: `nodes_created`, `properties_set`, … */
  readonly statistics: Statistics;
}

/** How a single statement is run. */
export interface QueryOptions {
  /** Database of the same server. Default: the connection's own. */
  readonly database?: string | undefined;
  /** The server ends a transaction that runs longer. Default: no limit but the server's. */
  readonly timeoutMs?: number | undefined;
}

/** How a write transaction is run, and tried again. */
export interface WriteOptions extends Partial<RetryOptions> {
  /** The server ends a transaction that runs longer. Default: 10 minutes. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** What the ledger is to remember of the transaction. Default: nothing. */
  readonly mark?: LedgerMark | undefined;
  /** Whether doing it twice is the same as once: a commit without an answer is then tried again. Default: false. */
  readonly isRepeatable?: boolean | undefined;
  /** Whether its commit passes the gate, where it creates or deletes relationships. Default: true. */
  readonly isGated?: boolean | undefined;
  /** Whether an error is not tried again though it is transient. Default: none is. */
  readonly isFinal?: ((error: unknown) => boolean) | undefined;
  /** Hears of each retry, as it is counted. Default: a transaction that is committed gives them in its statistics. */
  readonly onRetry?: ((counted: Statistics) => void) | undefined;
}

/** What a {@link Neo4jConnection} can be told. */
export interface Neo4jConnectionOptions {
  /**
   * Transactions that create or delete relationships and commit at the same time, at most; from 1. More deadlock in
   * relationship chains on Neo4j's record stores; a server of many cores with dense nodes may gain. Default: 1.
   */
  readonly maxCommits?: number;
}

export const DEFAULT_MAX_COMMITS = 1;

/** The first answers of a connection are slow wherever the server is, and a busy client is slow to see any. */
const PINGS = 8;

/** A batch that takes longer is stuck: locks are waited for without an end unless a transaction has one. */
export const DEFAULT_TRANSACTION_TIMEOUT_MS = 10 * 60 * 1000;

/** For statements that do little; a server that takes longer is stuck, or has to make an index. */
const SMALL_STATEMENT_TIMEOUT_MS = 60_000;

/** A task context with a database; what the tasks and sinks for Neo4j need. */
export interface Neo4jContext extends TaskContext {
  readonly neo4j: Neo4jConnection;
}

interface OpenedDriver {
  readonly driver: Driver;
  readonly address: Neo4jAddress;
  /** Aborted when it is closed. */
  readonly closing: AbortController;
}

/** Is a database that is connected to when it is first used. */
export class Neo4jConnection implements AsyncDisposable {
  /** Transactions that create or delete relationships and commit at the same time, at most. */
  readonly maxCommits: number;
  readonly #resolveAddress: () => Promise<Neo4jAddress>;
  readonly #gate: CommitGate;
  /** Answers that may still be waited for to learn how far the server is. */
  #pings = PINGS;
  #verifying: Promise<void> | undefined;
  #opened: Promise<OpenedDriver> | undefined;

  constructor(address: Neo4jAddress | (() => Promise<Neo4jAddress>), options: Neo4jConnectionOptions = {}) {
    this.maxCommits = integerOption('maxCommits', options.maxCommits ?? DEFAULT_MAX_COMMITS, { min: 1 });
    this.#gate = new CommitGate(this.maxCommits);
    this.#resolveAddress = typeof address === 'function' ? address : () => Promise.resolve(address);
  }

  /** The address, once it is looked up. */
  async address(): Promise<Neo4jAddress> {
    return (await this.#open()).address;
  }

  /** The driver itself, for what graphweft does not do. */
  async driver(): Promise<Driver> {
    return (await this.#open()).driver;
  }

  /**
   * Asks the server for a sign of life, so that a wrong address or password is known at once, and learns how far it is. Loads that
   * begin side by side share the answers: each would take the others' work for distance.
   */
  verify(): Promise<void> {
    this.#verifying ??= published(() => this.#verify()).finally(() => {
      this.#verifying = undefined;
    });
    return this.#verifying;
  }

  async #verify(): Promise<void> {
    do {
      const { summary, ms } = await this.#run('RETURN 1', {}, {});
      const onServerMs = Number(summary.resultAvailableAfter) + Number(summary.resultConsumedAfter);
      this.#gate.noteRoundTrip(ms - onServerMs);
    } while (!this.#gate.isNear && this.#pings-- > 0);
  }

  /**
   * Runs one statement in a transaction of its own, without retry.
   * @throws {@link ConfigError} or {@link WriteError} with a `GW_NEO4J_…` code.
   */
  async query(
    cypher: string,
    parameters: Readonly<Record<string, unknown>> = {},
    options: QueryOptions = {},
  ): Promise<QueryResult> {
    // What goes to another database, such as the account of a run, is no part of the load.
    const work = () => this.#query(cypher, parameters, options);
    return options.database === undefined ? published(work) : work();
  }

  async #query(
    cypher: string,
    parameters: Readonly<Record<string, unknown>>,
    options: QueryOptions,
  ): Promise<QueryResult> {
    const { columns, records, summary } = await this.#run(cypher, parameters, options);
    const rows = records.map((record) => fromResultValue(record.toObject()) as Record<string, unknown>);
    return { rows, columns, statistics: countersOf(summary.counters) };
  }

  /** Runs a statement in a transaction of its own; `ms` is from when it was sent until all of the answer was there. */
  async #run(
    cypher: string,
    parameters: Readonly<Record<string, unknown>>,
    { database: asked, timeoutMs }: QueryOptions,
  ) {
    const { driver, address, closing } = await this.#open();
    const sent = toParameters(parameters);
    const database = asked ?? address.database;
    const session = driver.session({ ...(database && { database }) });
    using deadline = new Deadline(Number.POSITIVE_INFINITY, closing.signal);
    try {
      const limit = { ...(timeoutMs !== undefined && { timeout: timeoutMs }) };
      const sentAt = performance.now();
      const result = session.run(cypher, sent, limit);
      const columns = (await deadline.race(result.keys())).map(String);
      const { records, summary } = await deadline.race(result);
      return { columns, records, summary, ms: performance.now() - sentAt };
    } catch (error) {
      throw clearNeo4jError(error, { ...address, database });
    } finally {
      await deadline.race(session.close());
    }
  }

  /**
   * Streams the records of a reading statement, at most twice `fetchSize` in memory: the server sends on as they are
   * taken. Leaving early ends the statement, and so does an abort, also while nothing has arrived yet.
   */
  async *stream(
    cypher: string,
    parameters: Readonly<Record<string, unknown>>,
    fetchSize: number,
    signal?: AbortSignal,
  ): AsyncGenerator<Neo4jRecord> {
    const { address } = await this.#open();
    const sent = toParameters(parameters);
    throwIfAborted(signal);
    // A driver of its own, because only a connection that is closed ends a statement that has nothing to send yet. A
    // session that is closed amid a result may hand a connection back that is still waiting for the rest of it.
    const driver = openDriver(address);
    let interrupt: (() => void) | undefined;
    const onAbort = () => interrupt?.();
    signal?.addEventListener('abort', onAbort);
    try {
      const session = driver.session({
        fetchSize,
        defaultAccessMode: neo4j.session.READ,
        ...(address.database && { database: address.database }),
      });
      const records = session.run(cypher, sent)[Symbol.asyncIterator]();
      for (;;) {
        throwIfAborted(signal);
        const next = await new Promise<IteratorResult<Neo4jRecord, unknown>>((resolve, reject) => {
          interrupt = () => reject(signal?.reason as Error);
          records.next().then(resolve, reject);
        });
        if (next.done) return;
        yield next.value;
      }
    } catch (error) {
      throwIfAborted(signal);
      throw clearNeo4jError(error, address);
    } finally {
      signal?.removeEventListener('abort', onAbort);
      await driver.close();
    }
  }

  /** Runs one statement as {@link transact} does; its records are not read. */
  write(
    cypher: string,
    parameters: Readonly<Record<string, unknown>>,
    options: WriteOptions = {},
  ): Promise<WriteResult> {
    return this.transact(async (run) => void (await run(cypher, parameters)), options);
  }

  /**
   * Does something in one write transaction, and tries again from the start after transient errors, within bounds. A
   * commit that got no answer is not tried again, since it may have happened.
   * @throws {@link WriteError} with a `GW_NEO4J_…` code.
   */
  async transact<R>(work: TransactionWork<R>, options: WriteOptions = {}): Promise<WriteResult<R>> {
    if (!isHeard('transaction')) return this.#transact(work, options);
    return published((count) =>
      this.#transact((run) => {
        count();
        return work(run);
      }, options),
    );
  }

  async #transact<R>(work: TransactionWork<R>, options: WriteOptions): Promise<WriteResult<R>> {
    const { driver, address, closing } = await this.#open();
    const openSession = (): Session =>
      driver.session({
        defaultAccessMode: neo4j.session.WRITE,
        ...(address.database && { database: address.database }),
      });
    try {
      return await runWriteTransaction(openSession, work, {
        ...DEFAULT_RETRY,
        timeoutMs: DEFAULT_TRANSACTION_TIMEOUT_MS,
        gate: this.#gate,
        closing: closing.signal,
        ...options,
      });
    } catch (error) {
      throw clearNeo4jError(error, address);
    }
  }

  /**
   * Runs a statement that may as well be run twice, and tries again after transient errors and broken connections; gives
   * its records as objects.
   */
  async repeatable(
    cypher: string,
    parameters: Readonly<Record<string, unknown>> = {},
    options: Pick<WriteOptions, 'timeoutMs' | 'maxAttempts'> = {},
  ): Promise<QueryResult['rows']> {
    const sent = toParameters(parameters);
    const { value } = await this.transact(
      async (run) =>
        (await run(cypher, sent)).map(
          (record) => fromResultValue(record.toObject()) as Record<string, unknown>,
        ),
      { timeoutMs: SMALL_STATEMENT_TIMEOUT_MS, ...options, isRepeatable: true },
    );
    return value;
  }

  /** Whether there is a driver to close. */
  get isOpen(): boolean {
    return this.#opened !== undefined;
  }

  /** Closes the driver; a later use opens it again. What waits for an answer ends with `GW_ABORTED`. */
  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    // A connection that never came to be has nothing to close, and its error has been thrown where it was asked for.
    const connection = await opened?.catch(() => undefined);
    connection?.closing.abort(
      new AbortedError(
        'GW_ABORTED',
        'The connection to the database was closed meanwhile; what was committed before is in the account.',
      ),
    );
    await connection?.driver.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #open(): Promise<OpenedDriver> {
    if (!this.#opened) {
      const opened = this.#resolveAddress().then((address) => {
        const closing = new AbortController();
        setMaxListeners(0, closing.signal); // each transaction listens
        return { driver: openDriver(address), address, closing };
      });
      this.#opened = opened;
      // What was not there, such as a server of this folder, may be there when it is asked for again.
      opened.catch(() => {
        if (this.#opened === opened) this.#opened = undefined;
      });
    }
    return this.#opened;
  }
}

/** Publishes how a transaction ended; its work counts the tries. */
async function published<R>(transaction: (count: () => void) => Promise<R>): Promise<R> {
  const begun = beginEvent('transaction');
  let tries = 0;
  let failure: unknown;
  try {
    return await transaction(() => void tries++);
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    endEvent('transaction', begun, () => ({
      event: 'transaction:end',
      ...currentScope(),
      retries: Math.max(0, tries - 1),
      ...outcomeOf(failure),
    }));
  }
}

function openDriver({ uri, username, password = '', auth, config }: Neo4jAddress): Driver {
  try {
    return neo4j.driver(uri, auth ?? neo4j.auth.basic(username, password), {
      userAgent: 'graphweft',
      ...config,
    });
  } catch (cause) {
    const shown = shownAddress(uri);
    const message = `"${shown}" is no address of a Neo4j server, such as bolt://localhost:7687`;
    const details = { option: 'NEO4J_URI' };
    // The driver's own words repeat the address, and so would its error as a cause.
    if (shown !== uri) throw new ConfigError('GW_CONFIG_OPTION', `${message}.`, { details });
    const reason = (cause as Error).message;
    throw new ConfigError('GW_CONFIG_OPTION', `${message}: ${reason}`, { cause, details });
  }
}
