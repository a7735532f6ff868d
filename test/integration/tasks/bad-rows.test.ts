import { describe, expect, it } from 'vitest';
import { exitCodeFor } from '../../../src/cli/exit-codes.ts';
import { node } from '../../../src/mapping/patterns.ts';
import {
  CSVLoad2Neo4jTask,
  type CSVLoad2Neo4jTaskOptions,
  ParallelCSVLoad2Neo4jTask,
} from '../../../src/tasks/csv-load-2-neo4j-task.ts';
import { ParquetLoad2Neo4jTask } from '../../../src/tasks/parquet-load-2-neo4j-task.ts';
import { uniqueLabel, useServer } from '../../support/context.ts';
import { readJsonLines, useFolder } from '../../support/files.ts';
import { writeParquet } from '../../support/parquet.ts';

const server = useServer();

/** A load of 1,000 days, of which some are none, one key is there already and one comes twice. */
async function days(): Promise<{
  readonly label: string;
  readonly rejectedFile: string;
  readonly load: (more?: Partial<CSVLoad2Neo4jTaskOptions>) => ReturnType<CSVLoad2Neo4jTask['execute']>;
}> {
  const label = uniqueLabel('Day');
  const { neo4j } = server.context();
  await neo4j.query(`CREATE CONSTRAINT FOR (n:${label}) REQUIRE n.id IS UNIQUE`);
  await neo4j.query(`CREATE (:${label} {id: 'd500'})`);
  const folder = useFolder();
  const idOf = (n: number) => (n === 801 ? 'd800' : `d${n}`);
  const dateOf = (n: number) => (n % 250 === 249 ? 'someday' : '2026-11-25');
  const lines = Array.from({ length: 1_000 }, (_, n) => `${idOf(n)},${dateOf(n)}`);
  const rejectedFile = folder.path('rejected.jsonl');
  const options = {
    file: folder.write('days.csv', `id,date\n${lines.join('\n')}\n`),
    query: `UNWIND $batch AS row CREATE (:${label} {id: row.id, date: date(row.date)})`,
    rejectedFile,
    batchSize: 400,
  };
  return {
    label,
    rejectedFile,
    load: (more) => new CSVLoad2Neo4jTask(server.context(), { ...options, ...more }).execute(),
  };
}

async function count(label: string): Promise<unknown> {
  const { rows } = await server.context().neo4j.query(`MATCH (n:${label}) RETURN count(n) AS n`);
  return rows[0]?.n;
}

describe('rows that the server refuses', () => {
  it('are found one by one and set aside with their reason, and the rest is loaded', async () => {
    const { label, rejectedFile, load } = await days();
    const { success, summary } = await load();
    expect(success).toBe(true);
    expect(summary).toMatchObject({ cypher_rows_written: 994, nodes_created: 994, rows_rejected: 6 });
    expect(await count(label)).toBe(995);
    const rejected = readJsonLines(rejectedFile).map(({ rowNumber, code, stage }) => [
      rowNumber,
      code,
      stage,
    ]);
    expect(rejected).toEqual([
      [249, 'GW_NEO4J_SYNTAX', 'write'],
      [499, 'GW_NEO4J_SYNTAX', 'write'],
      [500, 'GW_NEO4J_CONSTRAINT', 'write'],
      [749, 'GW_NEO4J_SYNTAX', 'write'],
      [801, 'GW_NEO4J_CONSTRAINT', 'write'],
      [999, 'GW_NEO4J_SYNTAX', 'write'],
    ]);
    expect(readJsonLines(rejectedFile)[0]).toMatchObject({
      message: expect.stringContaining('Text cannot be parsed to a Date'),
      row: { id: 'd249', date: 'someday' },
    });
  });

  it('end the load, or are dropped and counted, as the policies say', async () => {
    const { label, load } = await days();
    const { success, error, summary } = await load({ duplicateKeys: 'ignore', badRows: 'error' });
    expect(success).toBe(false);
    expect(error).toMatchObject({ code: 'GW_NEO4J_SYNTAX' });
    expect(summary.nodes_created ?? 0).toBe(((await count(label)) as number) - 1);
    const ignored = await days();
    const result = await ignored.load({ badRows: 'ignore' });
    expect(result).toMatchObject({ success: true, summary: { rows_ignored: 6, nodes_created: 994 } });
    expect(() => readJsonLines(ignored.rejectedFile)).toThrow('ENOENT');
    const first = await days();
    expect((await first.load({ duplicateKeys: 'error' })).error).toMatchObject({
      code: 'GW_NEO4J_CONSTRAINT',
    });
  });

  it('are no more than the load allows, else it ends with a code and an exit code of its own', async () => {
    const { load } = await days();
    const { success, error } = await load({ maxRejected: 3 });
    expect(success).toBe(false);
    expect(error).toMatchObject({ code: 'GW_REJECTED_LIMIT', details: { rejected: 4, allowed: 3 } });
    expect(exitCodeFor(error)).toBe(3);
    const share = await days();
    expect((await share.load({ maxRejected: '0.5%' })).error).toMatchObject({
      code: 'GW_REJECTED_LIMIT',
      details: { rejected: 6, allowed: 5 },
    });
    expect(await (await days()).load({ maxRejected: '0.6%' })).toMatchObject({ success: true });
    for (const wrong of [-1, 1.5, '5', '101%'] as const)
      await expect(async () => share.load({ maxRejected: wrong as never })).rejects.toMatchObject({
        code: 'GW_CONFIG_OPTION',
      });
  });

  it('stop the load before one is lost when the file cannot be written', async () => {
    const { label, load } = await days();
    const { success, error } = await load({ rejectedFile: '/dev/full' });
    expect(success).toBe(false);
    expect(error).toMatchObject({ code: 'GW_REJECTED_FILE', message: expect.stringContaining('ENOSPC') });
    const before = (await count(label)) as number;
    expect(before).toBeLessThanOrEqual(250); // the rows before the first bad one, and the one from before
  });

  it('are not looked for when the statement itself is at fault', async () => {
    const { label, load } = await days();
    const { error } = await load({ query: `UNWIND $batch AS row CRATE (:${label})` });
    expect(error).toMatchObject({
      code: 'GW_NEO4J_SYNTAX',
      message: expect.stringMatching(/line 1, column 22/),
    });
    expect(error!.message).not.toContain('EXPLAIN');
    const { error: all } = await load({
      query: `UNWIND $batch AS row CREATE (:${label} {id: row.id, date: date('never')})`,
      batchSize: 1_000,
    });
    expect(all).toMatchObject({ code: 'GW_WRITE_ALL' });
  });

  it('are told apart from values that cannot be sent, which never leave the client', async () => {
    const label = uniqueLabel('Value');
    const folder = useFolder();
    const rejectedFile = folder.path('rejected.jsonl');
    const task = new CSVLoad2Neo4jTask(server.context(), {
      file: folder.write('values.csv', `id\n${Array.from({ length: 500 }, (_, n) => n).join('\n')}\n`),
      mapping: node(
        label,
        { id: 'id' },
        { properties: { value: (row) => (Number(row.id) % 100 === 50 ? 2n ** 70n : row.id) } },
      ),
      rejectedFile,
      batchSize: 300,
    });
    const { success, summary } = await task.execute();
    expect(success).toBe(true);
    expect(summary).toMatchObject({ nodes_created: 495, rows_rejected: 5 });
    const rejected = readJsonLines(rejectedFile);
    expect(rejected.map(({ rowNumber }) => rowNumber)).toEqual([50, 150, 250, 350, 450]);
    expect(new Set(rejected.map(({ code }) => code))).toEqual(new Set(['GW_VALUE_INTEGER']));
  });
});

describe('values that cannot be sent', () => {
  it('are named with their row and file where a statement writes them', async () => {
    const folder = useFolder();
    const rejectedFile = folder.path('rejected.jsonl');
    const file = await writeParquet(
      folder.path('n.parquet'),
      'SELECT range::UBIGINT << 63 AS n FROM range(2)',
    );
    const task = new ParquetLoad2Neo4jTask(server.context(), {
      ...{ file, rejectedFile },
      query: `UNWIND $batch AS row CREATE (:${uniqueLabel('Number')} {n: row.n})`,
    });
    expect(await task.execute()).toMatchObject({
      success: true,
      summary: { nodes_created: 1, rows_rejected: 1 },
    });
    expect(readJsonLines(rejectedFile)).toMatchObject([
      {
        message: expect.stringContaining(`In row 1 of ${file}, field \`n\`: the integer 9223372036854775808`),
      },
    ]);
  });
});

describe('rows without a key', () => {
  it.each([
    ['reject', 2],
    ['ignore', 0],
  ] as const)('are left out as the policy says (%s), and counted', async (nullKeys, lines) => {
    const label = uniqueLabel('Key');
    const folder = useFolder();
    const rejectedFile = folder.path('rejected.jsonl');
    const task = new CSVLoad2Neo4jTask(server.context(), {
      file: folder.write('keys.csv', 'id,x\n1,a\n,b\n2,c\n,d\n'),
      mapping: node(label, { id: 'id' }),
      rejectedFile,
      nullKeys,
    });
    expect(await task.execute()).toMatchObject({ summary: { null_key_rows: 2, nodes_created: 2 } });
    if (lines > 0)
      expect(readJsonLines(rejectedFile).map(({ rowNumber, code }) => [rowNumber, code])).toEqual([
        [1, 'GW_SPLIT_KEY'],
        [3, 'GW_SPLIT_KEY'],
      ]);
  });

  it('are found where their node is created, too', async () => {
    const rejectedFile = useFolder().path('rejected.jsonl');
    const task = new CSVLoad2Neo4jTask(server.context(), {
      file: useFolder().write('keys.csv', 'id,x\n1,a\n,b\n2,c\n'),
      mapping: node(uniqueLabel('Key'), { id: 'id' }, { properties: ['x'], write: 'create' }),
      rejectedFile,
    });
    expect(await task.execute()).toMatchObject({ summary: { null_key_rows: 1, nodes_created: 2 } });
    expect(readJsonLines(rejectedFile)).toMatchObject([{ rowNumber: 1, code: 'GW_SPLIT_KEY' }]);
  });

  it('are those for which a function of the mapping fails, as are rows without one of their values', async () => {
    const folder = useFolder();
    const rejectedFile = folder.path('rejected.jsonl');
    const failing = (column: 'id' | 'x') => (row: Readonly<Record<string, unknown>>) => {
      if (row[column] === 'bad') throw new Error('no good');
      return row[column];
    };
    const task = new ParallelCSVLoad2Neo4jTask(server.context(), {
      file: folder.write('keys.csv', 'id,x\n1,a\nbad,b\n2,bad\n3,c\n'),
      mapping: node(uniqueLabel('Key'), { id: failing('id') }, { properties: { x: failing('x') } }),
      rejectedFile,
    });
    const { success, summary } = await task.execute();
    expect(success).toBe(true);
    expect(summary).toMatchObject({ null_key_rows: 1, rows_rejected: 1, nodes_created: 2 });
    expect(readJsonLines(rejectedFile)).toMatchObject([
      { rowNumber: 1, code: 'GW_VALUE_FUNCTION', message: expect.stringContaining('row 1 ') },
      { rowNumber: 2, code: 'GW_VALUE_FUNCTION', message: expect.stringMatching(/failed for .*: no good$/) },
    ]);
  });

  it('end the load where that is asked for', async () => {
    const folder = useFolder();
    const task = new CSVLoad2Neo4jTask(server.context(), {
      file: folder.write('keys.csv', 'id,x\n1,a\n,b\n'),
      mapping: node(uniqueLabel('Key'), { id: 'id' }),
      nullKeys: 'error',
    });
    expect((await task.execute()).error).toMatchObject({ code: 'GW_SPLIT_KEY' });
  });
});
