import { ConfigError } from '../core/errors.ts';
import { refuseUnknownKeys, stringOption } from '../core/options.ts';
import { Task } from '../core/task.ts';
import { TaskReturn } from '../core/task-return.ts';
import type { Neo4jContext } from '../neo4j/connection.ts';

/** What the graph of runs needs; neo4j-etl-lib gives it the same name. @internal */
export const REPORTING_CONSTRAINT =
  'CREATE CONSTRAINT etl_task_unique IF NOT EXISTS FOR (n:ETLTask) REQUIRE n.uuid IS UNIQUE';

/** What a {@link CreateReportingConstraintsTask} can be told. */
export interface CreateReportingConstraintsTaskOptions {
  /** Name in reports. Default: 'CreateReportingConstraintsTask'. */
  readonly name?: string;
  /** Database that runs are kept in. Default: the variable REPORTER_DATABASE. */
  readonly database?: string;
}

/**
 * Creates the constraint of the graph of runs where it is missing: `(:ETLTask {uuid})` is unique. The reporter does so
 * too; the task is for loads whose own user must not change the schema.
 *
 * @throws {@link ConfigError} `GW_CONFIG_OPTION` from the constructor, when no database is named.
 */
export class CreateReportingConstraintsTask extends Task<Neo4jContext> {
  readonly database: string;

  constructor(context: Neo4jContext, options: CreateReportingConstraintsTaskOptions = {}) {
    refuseUnknownKeys('CreateReportingConstraintsTask', options, ['name', 'database']);
    super(context, options.name);
    const database = options.database ?? (context.env.REPORTER_DATABASE || undefined);
    if (database === undefined) {
      const message = 'CreateReportingConstraintsTask needs a `database`, or REPORTER_DATABASE to be set.';
      throw new ConfigError('GW_CONFIG_OPTION', message, { details: { option: 'database' } });
    }
    this.database = stringOption('database', database);
  }

  override async runInternal(): Promise<TaskReturn> {
    const { database } = this;
    const { statistics } = await this.context.neo4j.query(REPORTING_CONSTRAINT, {}, { database });
    this.reportProgress({ batches: 1, statistics });
    return new TaskReturn({ summary: statistics });
  }
}
