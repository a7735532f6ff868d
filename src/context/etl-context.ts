import type { Environment } from '../core/context.ts';
import { optionError, pickOptions, refuseUnknownKeys } from '../core/options.ts';
import { combineReporters, type Reporter, shieldReporter } from '../core/reporter.ts';
import { Instruments } from '../instrumentation/instruments.ts';
import { Neo4jConnection, type Neo4jContext } from '../neo4j/connection.ts';
import { createReporter } from '../reporting/create-reporter.ts';
import { Neo4jReporter } from '../reporting/neo4j-reporter.ts';
import { loadEnvironment } from './environment.ts';
import { addressFrom } from './neo4j-address.ts';

/** What an {@link ETLContext} can be told. */
export interface ETLContextOptions {
  /** Variables by name. Default: the process's environment, with what a `.env` file in the current folder adds. */
  readonly env?: Environment;
  /**
   * What is shown of a run. Default: what GRAPHWEFT_REPORTER says, else the live tree on a terminal and plain lines
   * elsewhere. REPORTER_DATABASE adds to it, whichever it is.
   */
  readonly reporter?: Reporter;
  /** Aborts every task of the context. */
  readonly signal?: AbortSignal;
  /**
   * Transactions that create or delete relationships and commit at the same time, at most; from 1. Default: 1.
   * @see Neo4jConnectionOptions.maxCommits
   */
  readonly maxCommits?: number;
}

/**
 * Holds what the tasks of a run share: environment, reporter, abort signal and the database. Nothing is opened until
 * something is asked of it.
 *
 * The database is NEO4J_URI with NEO4J_USERNAME (default 'neo4j'), NEO4J_PASSWORD (or another way to sign in) and
 * NEO4J_DATABASE; where NEO4J_URI is not set, the embedded server that runs in this folder. With REPORTER_DATABASE,
 * runs are kept in that database of the same server ({@link Neo4jReporter}), beside what is shown of them; Community has
 * one database, 'neo4j'.
 *
 * @example
 * ```ts
 * await using context = new ETLContext();
 * const { rows } = await context.neo4j.query('MATCH (n) RETURN count(n) AS nodes');
 * ```
 */
export class ETLContext implements Neo4jContext, AsyncDisposable {
  readonly signal: AbortSignal;
  readonly neo4j: Neo4jConnection;
  readonly #env: Environment;
  readonly #instruments: Instruments;
  readonly #reporter: Reporter;

  /** @throws {@link ConfigError} `GW_CONFIG_OPTION`, also for a GRAPHWEFT_REPORTER that there is not. */
  constructor(options: ETLContextOptions = {}) {
    refuseUnknownKeys('ETLContext', options, ['env', 'reporter', 'signal', 'maxCommits']);
    const { env = loadEnvironment().env, reporter, signal = new AbortController().signal } = options;
    if (!(signal instanceof AbortSignal))
      throw optionError('signal', 'an AbortSignal, such as `controller.signal`', signal);
    this.#env = env;
    this.signal = signal;
    const address = async () => {
      const found = await addressFrom(env);
      for (const warning of found.warnings ?? []) this.reporter.warn(warning);
      return found;
    };
    this.neo4j = new Neo4jConnection(address, pickOptions(options, ['maxCommits']));
    this.#instruments = new Instruments(env, (message) => this.reporter.warn(message));
    this.#reporter = this.#kept(reporter ? shieldReporter(reporter) : createReporter({ env }));
  }

  /** No field: it holds passwords, and whoever logs a task or a context would log them. */
  get env(): Environment {
    return this.#env;
  }

  get reporter(): Reporter {
    return this.#reporter;
  }

  /** Puts beside what is shown of a run what is kept of it. */
  #kept(shown: Reporter): Reporter {
    const { REPORTER_DATABASE: database } = this.env;
    if (!database) return shown;
    const { neo4j, signal } = this;
    const warn = (message: string) => shown.warn(`REPORTER_DATABASE: ${message}`);
    return combineReporters([shown, new Neo4jReporter({ neo4j, database, signal, warn })]);
  }

  /**
   * Opens what listens to the run's events: the CSV file of GRAPHWEFT_INSTRUMENT, and OpenTelemetry where a provider is
   * set up. Tasks call it.
   * @throws {@link ConfigError} `GW_CONFIG_OPTION`, {@link GraphweftError} `GW_INSTRUMENT_FILE`
   */
  prepare(): Promise<void> | undefined {
    return this.#instruments.prepare();
  }

  /** Closes the file of events, the reporter and the connections to the database. */
  async close(): Promise<void> {
    this.#instruments.close();
    await this.#reporter.close?.();
    await this.neo4j.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
