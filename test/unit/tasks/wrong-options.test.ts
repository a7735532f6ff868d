import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ETLContext } from '../../../src/context/etl-context.ts';
import { node, relationship } from '../../../src/mapping/patterns.ts';
import { ParallelBatchProcessor } from '../../../src/parallel/parallel-batch-processor.ts';
import { SplittingBatchProcessor } from '../../../src/parallel/splitting-batch-processor.ts';
import { CSVBatchSink } from '../../../src/sinks/csv-batch-sink.ts';
import { CypherBatchSink } from '../../../src/sinks/cypher-batch-sink.ts';
import { MappingBatchSink } from '../../../src/sinks/mapping-batch-sink.ts';
import { ParquetBatchSink } from '../../../src/sinks/parquet-batch-sink.ts';
import { SQLBatchSink } from '../../../src/sinks/sql-batch-sink.ts';
import { CypherBatchSource } from '../../../src/sources/cypher-batch-source.ts';
import { CSVLoad2Neo4jTask, ParallelCSVLoad2Neo4jTask } from '../../../src/tasks/csv-load-2-neo4j-task.ts';
import { ExecuteCypherTask } from '../../../src/tasks/execute-cypher-task.ts';
import { ParquetLoad2Neo4jTask } from '../../../src/tasks/parquet-load-2-neo4j-task.ts';
import { SQLLoad2Neo4jTask } from '../../../src/tasks/sql-load-2-neo4j-task.ts';
import { ValidationBatchProcessor } from '../../../src/transforms/validation-batch-processor.ts';

const CONTEXT = new ETLContext({ env: {} });
const NODE = node('A', { id: 'id' });
const QUERY = 'UNWIND $batch AS row CREATE (n)';

const MAKERS = {
  'a CSV load': (options: object) =>
    new CSVLoad2Neo4jTask(CONTEXT, { file: 'a.csv', query: QUERY, ...options }),
  'a parallel load': (options: object) =>
    new ParallelCSVLoad2Neo4jTask(CONTEXT, { file: 'a.csv', query: QUERY, ...options }),
  'a Parquet load': (options: object) =>
    new ParquetLoad2Neo4jTask(CONTEXT, { file: 'a.parquet', query: QUERY, ...options }),
  'a SQL load': (options: object) =>
    new SQLLoad2Neo4jTask(CONTEXT, { sql: 'SELECT 1', url: 'sqlite:a', query: QUERY, ...options }),
  'a CSV sink': (options: object) => new CSVBatchSink(CONTEXT, { file: 'a.csv', ...options }),
  'a Parquet sink': (options: object) => new ParquetBatchSink(CONTEXT, { file: 'a.parquet', ...options }),
  'a SQL sink': (options: object) => new SQLBatchSink(CONTEXT, { table: 'a', url: 'sqlite:a', ...options }),
  'a mapping sink': (options: object) => new MappingBatchSink(CONTEXT, { mapping: NODE, ...options }),
  'a Cypher sink': (options: object) => new CypherBatchSink(CONTEXT, { query: QUERY, ...options }),
  'a validation': (options: object) =>
    new ValidationBatchProcessor(CONTEXT, { schema: z.object({}), rejectedFile: 'a.jsonl', ...options }),
  'a splitter': (options: object) =>
    new SplittingBatchProcessor(CONTEXT, { tableSize: 1, idExtractor: () => [0, 0], ...options }),
  'parallel workers': (options: object) =>
    new ParallelBatchProcessor(CONTEXT, { workerFactory: (rows) => rows, ...options }),
  'a Cypher source': (options: object) => new CypherBatchSource(CONTEXT, { query: 'RETURN $a', ...options }),
  statements: (options: object) => new ExecuteCypherTask(CONTEXT, { query: 'RETURN $a', ...options }),
  'a context': (options: object) => new ETLContext({ env: {}, ...options }),
};

describe('options of a type that they cannot have', () => {
  it.each([
    ['a CSV load', 'fresh', 'false'],
    ['a CSV load', 'rejectedFile', './a.csv'],
    ['a CSV load', 'strict', 'false'],
    ['a CSV load', 'blankAsNull', 0],
    ['a CSV load', 'rowNumbers', 'no'],
    ['a CSV load', 'types', ['DOUBLE']],
    ['a CSV load', 'floatColumns', 'delay'],
    ['a CSV load', 'nullKeys', 'drop'],
    ['a parallel load', 'monopartite', 'false'],
    ['a parallel load', 'buckets', 'balance'],
    ['a parallel load', 'maxBufferedRows', 0],
    ['a parallel load', 'startKey', 1],
    ['a Parquet load', 'columns', 'id'],
    ['a Parquet load', 'columns', []],
    ['a SQL load', 'parameters', 'CA'],
    ['a SQL load', 'orderBy', 'id'],
    ['a CSV sink', 'append', 'false'],
    ['a CSV sink', 'header', 'false'],
    ['a Parquet sink', 'types', 'integer'],
    ['a SQL sink', 'columns', 'id'],
    ['a SQL sink', 'columns', []],
    ['a mapping sink', 'mapping', 'A'],
    ['a Cypher source', 'parameters', ['CA']],
    ['statements', 'parameters', ['CA']],
    ['statements', 'parameters', null],
    ['a context', 'signal', new AbortController()],
  ] as const)('%s refuses %s: %j when it is made', (what, option, value) => {
    expect(() => MAKERS[what]({ [option]: value })).toThrow(
      expect.objectContaining({ code: 'GW_CONFIG_OPTION', details: { option } }),
    );
  });

  it('refuse an id of a run that is longer than the index of runs takes', () => {
    const make = (length: number) => MAKERS['a CSV load']({ resume: '\u{1f600}'.repeat(length / 2) });
    expect(() => make(1_000)).not.toThrow();
    expect(() => make(1_002)).toThrow(/^Option `resume` must be a text of at most 1000 characters, got "/);
  });

  it.each([
    ['a Cypher sink', 'maxAttempts', 'maxAttemps'],
    ['a mapping sink', 'missingNodes', 'missingNode'],
    ['a validation', 'rejectedFile', 'rejectFile'],
    ['a splitter', 'burstFactor', 'burstfactor'],
    ['parallel workers', 'maxWorkers', 'maxWorker'],
  ] as const)('%s refuses what may be a slip of %s: %s', (what, option, slip) => {
    expect(() => MAKERS[what]({ [slip]: 1 })).toThrow(
      expect.objectContaining({
        code: 'GW_CONFIG_UNKNOWN',
        message: expect.stringContaining(`\`${slip}\`; did you mean \`${option}\`?`),
      }),
    );
  });

  it.each([
    ['tableSize', 0],
    ['maxWorkers', '4'],
    ['hubs', 'shared'],
  ])('refuses %s: %j also where a mapping is for one writer', (option, value) => {
    const ends = ['B', 'C'].map((label) => relationship('R', { from: NODE, to: node(label, { id: label }) }));
    const options: object = { file: 'a.csv', mapping: ends, parallel: 'auto', [option]: value };
    expect(() => new ParallelCSVLoad2Neo4jTask(CONTEXT, options as never)).toThrow(
      expect.objectContaining({ code: 'GW_CONFIG_OPTION', details: { option } }),
    );
  });

  it.each([
    ['constraints', 'none', { query: QUERY }],
    ['missingNodes', 'error', { query: QUERY }],
    ['startKey', 'from', { mapping: NODE }],
    ['monopartite', true, { mapping: NODE }],
  ] as const)('refuses %s where it would have no effect', (option, value, what) => {
    const options: object = { file: 'a.csv', [option]: value, ...what };
    expect(() => new ParallelCSVLoad2Neo4jTask(CONTEXT, options as never)).toThrow(
      expect.objectContaining({ code: 'GW_CONFIG_OPTION', details: { option } }),
    );
  });
});
