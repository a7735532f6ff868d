import { pickOptions, stringOption } from '../core/options.ts';
import type { Neo4jContext } from '../neo4j/connection.ts';
import { SQLBatchSource, type SqlReadOptions } from '../sources/sql-batch-source.ts';
import { CHOSEN_WRITING } from './auto-writing.ts';
import { type LoadSource, SEQUENTIAL_WRITING, type SourceKind } from './load-kinds.ts';
import type { AnyRow, LoadOptions } from './load-options.ts';
import { LoadTask } from './load-task.ts';
import type { ParallelOptions } from './parallel-writing.ts';

/** What a {@link SQLLoad2Neo4jTask} is told. */
export interface SQLLoad2Neo4jTaskOptions<Out = AnyRow>
  extends LoadOptions<Out>,
    Omit<SqlReadOptions, 'query'> {
  /** The SELECT whose rows are loaded; `query` is the Cypher statement. */
  readonly sql: string;
}

/** What a {@link ParallelSQLLoad2Neo4jTask} is told. */
export interface ParallelSQLLoad2Neo4jTaskOptions<Out = AnyRow>
  extends SQLLoad2Neo4jTaskOptions<Out>,
    ParallelOptions {}

const READ_OPTIONS = ['parameters', 'url', 'rowTransformer', 'decimals', 'partition', 'orderBy'] as const;

const SQL: SourceKind<SQLLoad2Neo4jTaskOptions> = {
  optionNames: ['sql', ...READ_OPTIONS],
  nameOf: ({ sql, name }) => name ?? (stringOption('sql', sql) && 'sql'),
  open(context, task, options): LoadSource {
    return new SQLBatchSource<unknown>(context, {
      ...pickOptions(options, READ_OPTIONS),
      query: stringOption('sql', options.sql),
      task,
    });
  },
};

/**
 * Loads the rows of a SQL query with one writer.
 *
 * @throws {@link ConfigError} from the constructor, for an option that is wrong or unknown.
 * @example
 * ```ts
 * const task = new SQLLoad2Neo4jTask(context, {
 *   url: 'postgres://reader@localhost/musicbrainz',
 *   sql: 'SELECT id, gid, name FROM artist',
 *   query: 'UNWIND $batch AS row MERGE (a:Artist {id: row.id}) SET a.name = row.name',
 * });
 * ```
 */
export class SQLLoad2Neo4jTask<Out = AnyRow> extends LoadTask<SQLLoad2Neo4jTaskOptions<Out>> {
  constructor(context: Neo4jContext, options: SQLLoad2Neo4jTaskOptions<Out>) {
    super(context, options, SQL, SEQUENTIAL_WRITING);
  }
}

/**
 * Loads the rows of a SQL query with parallel writers that never meet on a node.
 *
 * @throws {@link ConfigError} from the constructor, for an option that is wrong or unknown.
 */
export class ParallelSQLLoad2Neo4jTask<Out = AnyRow> extends LoadTask<ParallelSQLLoad2Neo4jTaskOptions<Out>> {
  constructor(context: Neo4jContext, options: ParallelSQLLoad2Neo4jTaskOptions<Out>) {
    super(context, options, SQL, CHOSEN_WRITING);
  }
}
