import { throwIfAborted } from '../core/errors.ts';
import { optionError, parametersOption, refuseUnknownKeys, stringOption } from '../core/options.ts';
import { mergeStatistics, type Statistics } from '../core/statistics.ts';
import { Task } from '../core/task.ts';
import { TaskReturn } from '../core/task-return.ts';
import type { Neo4jContext, QueryResult } from '../neo4j/connection.ts';

/** What an {@link ExecuteCypherTask} is told. */
export interface ExecuteCypherTaskOptions {
  /** Name in reports. Default: the class's name. */
  readonly name?: string;
  /** One statement, or many that run in order, each in a transaction of its own. */
  readonly query: string | readonly string[];
  /** Parameters of every statement. Default: none. */
  readonly parameters?: Readonly<Record<string, unknown>>;
}

/**
 * Runs statements: constraints before a load, what is to be computed after it.
 *
 * @throws {@link ConfigError} from the constructor, for an option that is wrong or unknown.
 */
export class ExecuteCypherTask extends Task<Neo4jContext> {
  readonly queries: readonly string[];
  readonly #parameters: Readonly<Record<string, unknown>>;

  constructor(context: Neo4jContext, options: ExecuteCypherTaskOptions) {
    refuseUnknownKeys(new.target.name, options, ['name', 'query', 'parameters']);
    super(context, options.name);
    const queries = typeof options.query === 'string' ? [options.query] : options.query;
    if (!Array.isArray(queries) || queries.length === 0)
      throw optionError('query', 'a statement or a list of them', queries);
    this.queries = queries.map((query) => stringOption('query', query));
    this.#parameters = parametersOption(options.parameters === undefined ? {} : options.parameters);
  }

  override async runInternal(): Promise<TaskReturn> {
    let summary: Statistics = {};
    for (const query of this.queries) {
      throwIfAborted(this.signal);
      const step = this.summaryOf(await this.context.neo4j.query(query, this.#parameters));
      this.reportProgress({ batches: 1, statistics: step });
      summary = mergeStatistics(summary, step);
    }
    return new TaskReturn({ summary });
  }

  /** Gives what a statement adds to the summary. */
  protected summaryOf({ statistics }: QueryResult): Statistics {
    return statistics;
  }
}
