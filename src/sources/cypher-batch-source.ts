import { BatchProcessor, type BatchProcessorOptions, type BatchResults } from '../core/batch-processor.ts';
import { heardReads } from '../core/events.ts';
import {
  functionOption,
  integerOption,
  parametersOption,
  refuseUnknownKeys,
  stringOption,
} from '../core/options.ts';
import type { Neo4jContext } from '../neo4j/connection.ts';
import { fromRecordValue } from '../neo4j/values.ts';
import type { Row } from './duckdb.ts';

/** What a {@link CypherBatchSource} is told. */
export interface CypherBatchSourceOptions extends Pick<BatchProcessorOptions<never>, 'task'> {
  /** A reading statement. */
  readonly query: string;
  /** Default: none. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** Makes of each record, a plain object by the names of its columns, what goes on. Default: the record as it is. */
  readonly recordTransformer?: (record: Row) => unknown;
}

/**
 * Reads the records of a Cypher statement, so that a graph can be read, reshaped and written back. The server sends on
 * as records are taken: what is in memory is two batches. Nodes and relationships arrive as their properties, values as
 * a row has them. Statistic: `cypher_rows_read`.
 *
 * @throws {@link ConfigError} or {@link WriteError} with a `GW_NEO4J_…` code.
 */
export class CypherBatchSource<Out = Row> extends BatchProcessor<never, Out> {
  declare readonly context: Neo4jContext;
  readonly #options: CypherBatchSourceOptions;

  constructor(context: Neo4jContext, options: CypherBatchSourceOptions) {
    refuseUnknownKeys('CypherBatchSource', options, ['query', 'parameters', 'recordTransformer', 'task']);
    super(context, { task: options.task });
    stringOption('query', options.query);
    parametersOption(options.parameters ?? {});
    if (options.recordTransformer) functionOption('recordTransformer', options.recordTransformer);
    this.#options = options;
  }

  override getBatch(maxBatchSize: number): AsyncGenerator<BatchResults<Out>> {
    return heardReads(this, this.#batches(maxBatchSize));
  }

  async *#batches(maxBatchSize: number): AsyncGenerator<BatchResults<Out>> {
    const size = integerOption('maxBatchSize', maxBatchSize, { min: 1 });
    const { query, parameters = {}, recordTransformer } = this.#options;
    let chunk: Out[] = [];
    const batch = () => ({ chunk, statistics: { cypher_rows_read: chunk.length }, batchSize: chunk.length });
    for await (const record of this.context.neo4j.stream(query, parameters, size, this.signal)) {
      const row = Object.fromEntries(record.keys.map((key) => [key, fromRecordValue(record.get(key))]));
      chunk.push((recordTransformer ? recordTransformer(row) : row) as Out);
      if (chunk.length < size) continue;
      yield batch();
      chunk = [];
    }
    if (chunk.length > 0) yield batch();
  }
}
