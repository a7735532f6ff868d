import { pickOptions } from '../core/options.ts';
import type { Neo4jContext } from '../neo4j/connection.ts';
import { CSVBatchSource } from '../sources/csv-batch-source.ts';
import { CSV_OPTION_NAMES, type CsvReadOptions } from '../sources/csv-options.ts';
import { CHOSEN_WRITING } from './auto-writing.ts';
import { SEQUENTIAL_WRITING, type SourceKind } from './load-kinds.ts';
import { type AnyRow, type FileLoadOptions, fileOf } from './load-options.ts';
import { LoadTask } from './load-task.ts';
import type { ParallelOptions } from './parallel-writing.ts';

/** What a {@link CSVLoad2Neo4jTask} is told. */
export interface CSVLoad2Neo4jTaskOptions<Out = AnyRow>
  extends FileLoadOptions<Out>,
    Omit<CsvReadOptions, 'rejectedFile'> {}

/** What a {@link ParallelCSVLoad2Neo4jTask} is told. */
export interface ParallelCSVLoad2Neo4jTaskOptions<Out = AnyRow>
  extends CSVLoad2Neo4jTaskOptions<Out>,
    ParallelOptions {}

const CSV: SourceKind<CSVLoad2Neo4jTaskOptions> = {
  optionNames: ['file', ...CSV_OPTION_NAMES],
  nameOf: fileOf,
  open(context, task, options, rejectedFile) {
    return new CSVBatchSource(context, {
      ...pickOptions(options, ['file', ...CSV_OPTION_NAMES]),
      task,
      rejectedFile,
    });
  },
};

/**
 * Loads CSV files with one writer.
 *
 * @throws {@link ConfigError} from the constructor, for an option that is wrong or unknown.
 * @example
 * ```ts
 * const task = new CSVLoad2Neo4jTask(context, {
 *   file: 'airports.csv',
 *   query: 'UNWIND $batch AS row MERGE (a:Airport {iata: row.iata}) SET a.name = row.name',
 * });
 * const { success, summary } = await task.execute();
 * ```
 */
export class CSVLoad2Neo4jTask<Out = AnyRow> extends LoadTask<CSVLoad2Neo4jTaskOptions<Out>> {
  constructor(context: Neo4jContext, options: CSVLoad2Neo4jTaskOptions<Out>) {
    super(context, options, CSV, SEQUENTIAL_WRITING);
  }
}

/**
 * Loads CSV files with parallel writers that never meet on a node.
 *
 * @throws {@link ConfigError} from the constructor, for an option that is wrong or unknown.
 * @see the page on parallel loading for how to choose its options
 */
export class ParallelCSVLoad2Neo4jTask<Out = AnyRow> extends LoadTask<ParallelCSVLoad2Neo4jTaskOptions<Out>> {
  constructor(context: Neo4jContext, options: ParallelCSVLoad2Neo4jTaskOptions<Out>) {
    super(context, options, CSV, CHOSEN_WRITING);
  }
}
