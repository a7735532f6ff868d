import { describe, expect, it } from 'vitest';
import { ETLContext } from '../../../src/context/etl-context.ts';
import { node } from '../../../src/mapping/patterns.ts';
import { CSVLoad2Neo4jTask, ParallelCSVLoad2Neo4jTask } from '../../../src/tasks/csv-load-2-neo4j-task.ts';
import { ExecuteCypherTask } from '../../../src/tasks/execute-cypher-task.ts';
import { ParquetLoad2Neo4jTask } from '../../../src/tasks/parquet-load-2-neo4j-task.ts';
import { SQLLoad2Neo4jTask } from '../../../src/tasks/sql-load-2-neo4j-task.ts';

const CONTEXT = new ETLContext({ env: {} });
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
    ['a parallel load', 'monopartite', 'false'],
    ['a parallel load', 'buckets', 'balance'],
    ['a parallel load', 'maxBufferedRows', 0],
    ['a parallel load', 'startKey', 1],
    ['a Parquet load', 'columns', 'id'],
    ['a Parquet load', 'columns', []],
    ['a SQL load', 'parameters', 'CA'],
    ['a SQL load', 'orderBy', 'id'],
    ['statements', 'parameters', ['CA']],
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
    ['constraints', 'none', { query: QUERY }],
    ['missingNodes', 'error', { query: QUERY }],
    ['startKey', 'from', { mapping: node('A', { id: 'id' }) }],
    ['monopartite', true, { mapping: node('A', { id: 'id' }) }],
  ] as const)('refuses %s where it would have no effect', (option, value, what) => {
    const options: object = { file: 'a.csv', [option]: value, ...what };
    expect(() => new ParallelCSVLoad2Neo4jTask(CONTEXT, options as never)).toThrow(
      expect.objectContaining({ code: 'GW_CONFIG_OPTION', details: { option } }),
    );
  });
});
