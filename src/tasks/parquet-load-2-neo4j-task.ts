import { pickOptions } from '../core/options.ts';
import type { Neo4jContext } from '../neo4j/connection.ts';
import {
  PARQUET_OPTION_NAMES,
  ParquetBatchSource,
  type ParquetReadOptions,
} from '../sources/parquet-batch-source.ts';
import { CHOSEN_WRITING } from './auto-writing.ts';
import { SEQUENTIAL_WRITING, type SourceKind } from './load-kinds.ts';
import { type AnyRow, type FileLoadOptions, fileOf } from './load-options.ts';
import { LoadTask } from './load-task.ts';
import type { ParallelOptions } from './parallel-writing.ts';

/** What a {@link ParquetLoad2Neo4jTask} is told. */
export interface ParquetLoad2Neo4jTaskOptions<Out = AnyRow>
  extends FileLoadOptions<Out>,
    ParquetReadOptions {}

/** What a {@link ParallelParquetLoad2Neo4jTask} is told. */
export interface ParallelParquetLoad2Neo4jTaskOptions<Out = AnyRow>
  extends ParquetLoad2Neo4jTaskOptions<Out>,
    ParallelOptions {}

const PARQUET: SourceKind<ParquetLoad2Neo4jTaskOptions> = {
  optionNames: ['file', ...PARQUET_OPTION_NAMES],
  nameOf: fileOf,
  open(context, task, options) {
    return new ParquetBatchSource(context, {
      ...pickOptions(options, ['file', ...PARQUET_OPTION_NAMES]),
      task,
    });
  },
};

/**
 * Loads Parquet files with one writer.
 *
 * @throws {@link ConfigError} from the constructor, for an option that is wrong or unknown.
 */
export class ParquetLoad2Neo4jTask<Out = AnyRow> extends LoadTask<ParquetLoad2Neo4jTaskOptions<Out>> {
  constructor(context: Neo4jContext, options: ParquetLoad2Neo4jTaskOptions<Out>) {
    super(context, options, PARQUET, SEQUENTIAL_WRITING);
  }
}

/**
 * Loads Parquet files with parallel writers that never meet on a node.
 *
 * @throws {@link ConfigError} from the constructor, for an option that is wrong or unknown.
 * @example
 * ```ts
 * const flights = new ParallelParquetLoad2Neo4jTask(context, {
 *   file: 'flights.parquet',
 *   query: `UNWIND $batch AS row
 *     MATCH (a:Airport {iata: row.origin}) MATCH (b:Airport {iata: row.destination})
 *     CREATE (a)-[:FLIGHT {date: row.date, delay: row.delay}]->(b)`,
 *   startKey: 'origin',
 *   endKey: 'destination',
 *   monopartite: true,
 * });
 * const { success, summary } = await flights.execute();
 * ```
 * @see the page on parallel loading for how to choose its options
 */
export class ParallelParquetLoad2Neo4jTask<Out = AnyRow> extends LoadTask<
  ParallelParquetLoad2Neo4jTaskOptions<Out>
> {
  constructor(context: Neo4jContext, options: ParallelParquetLoad2Neo4jTaskOptions<Out>) {
    super(context, options, PARQUET, CHOSEN_WRITING);
  }
}
