import { describe, expect, it } from 'vitest';
import { node } from '../../../src/mapping/patterns.ts';
import type { Neo4jContext } from '../../../src/neo4j/connection.ts';
import { CSVLoad2Neo4jTask } from '../../../src/tasks/csv-load-2-neo4j-task.ts';
import { ParquetLoad2Neo4jTask } from '../../../src/tasks/parquet-load-2-neo4j-task.ts';
import { PLAIN_CONTEXT } from '../../support/batches.ts';
import { useFolder } from '../../support/files.ts';
import { writeParquet } from '../../support/parquet.ts';

/** A database that knows of no run, and in which nothing is made. */
const repeatable = async (statement: string) => {
  expect(statement).not.toMatch(/CREATE|MERGE/);
  return [];
};
const CONTEXT = {
  ...PLAIN_CONTEXT,
  neo4j: { verify: async () => {}, repeatable },
} as unknown as Neo4jContext;

describe('columns of a load', () => {
  it('are compared with the mapping before anything is made in the database, also in files without rows', async () => {
    const folder = useFolder();
    const csv = folder.write('a.csv', 'id,name\n');
    const parquet = await writeParquet(folder.path('a.parquet'), 'SELECT 1 AS id, 2 AS name LIMIT 0');
    const mapping = node('Person', { id: 'id' }, { properties: { name: 'nam' } });
    for (const task of [
      new CSVLoad2Neo4jTask(CONTEXT, { file: csv, mapping }),
      new ParquetLoad2Neo4jTask(CONTEXT, { file: parquet, mapping }),
    ]) {
      const { success, error } = await task.execute();
      expect(success).toBe(false);
      expect(error).toMatchObject({ code: 'GW_MAPPING_COLUMN', message: expect.stringContaining('`name`') });
    }
  });

  it('are those that floatColumns may name', async () => {
    const csv = useFolder().write('a.csv', 'id,delay\n1,2\n');
    const query = 'UNWIND $batch AS row CREATE (n)';
    const { error } = await new CSVLoad2Neo4jTask(CONTEXT, {
      file: csv,
      query,
      floatColumns: ['dely'],
    }).execute();
    expect(error).toMatchObject({ code: 'GW_CONFIG_OPTION', details: { option: 'floatColumns' } });
    expect(error?.message).toContain('columns of the source (id, delay, _row), got ["dely"]');
  });
});
