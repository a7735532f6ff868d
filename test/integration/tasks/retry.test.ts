import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { node, relationship } from '../../../src/mapping/patterns.ts';
import { deleteRememberedRun, rememberedRuns } from '../../../src/neo4j/ledger-runs.ts';
import { CSVLoad2Neo4jTask, ParallelCSVLoad2Neo4jTask } from '../../../src/tasks/csv-load-2-neo4j-task.ts';
import { RejectedRowsRetryTask } from '../../../src/tasks/rejected-rows-retry-task.ts';
import { uniqueLabel, useServer } from '../../support/context.ts';
import { readJsonLines, useFolder } from '../../support/files.ts';
import { runGraphweft } from '../../support/process.ts';

const server = useServer();

/** A load of ten trips between five places, of which two are not there. */
async function trips(more: object = {}) {
  const label = uniqueLabel('Place');
  const { neo4j } = server.context();
  await neo4j.query(`CREATE CONSTRAINT FOR (n:${label}) REQUIRE n.id IS UNIQUE`);
  await neo4j.query(`UNWIND range(0, 2) AS id CREATE (:${label} {id: id})`);
  const folder = useFolder();
  const lines = Array.from({ length: 10 }, (_, n) => `${n},${n % 5},${(n + 1) % 5},2026-11-${10 + n}`);
  const rejectedFile = folder.path('rejected.jsonl');
  const place = (column: string) => node(label, { id: column });
  const options = {
    name: label,
    file: folder.write('trips.csv', `n,start,end,day\n${lines.join('\n')}\n`),
    types: { n: 'BIGINT', start: 'BIGINT', end: 'BIGINT', day: 'DATE' },
    rejectedFile,
    mapping: relationship('TRIP', {
      from: place('start'),
      to: place('end'),
      properties: ['n', 'day'],
      write: 'create',
    }),
    ...more,
  };
  const count = async () => {
    const { rows } = await neo4j.query(
      `MATCH (:${label})-[t:TRIP]->() RETURN count(t) AS n, count(DISTINCT t.n) AS distinct, collect(DISTINCT valueType(t.day)) AS types`,
    );
    return rows[0];
  };
  return { label, options, rejectedFile, count, neo4j };
}

describe('rejected rows', () => {
  it('are loaded again with their types once their nodes are there, each once, and the rest stays in the file', async () => {
    const { label, options, rejectedFile, count, neo4j } = await trips();
    await new ParallelCSVLoad2Neo4jTask(server.context(), options).execute();
    expect(readJsonLines(rejectedFile)).toHaveLength(6);
    await neo4j.query(`CREATE (:${label} {id: 3})`);
    const { success, error, summary } = await new RejectedRowsRetryTask(server.context(), {
      file: rejectedFile,
    }).execute();
    expect(error).toBeUndefined();
    expect(success).toBe(true);
    expect(summary).toMatchObject({ rejected_rows_read: 6, relationships_created: 2, missing_node_rows: 4 });
    expect(await count()).toEqual({ n: 6, distinct: 6, types: ['DATE NOT NULL'] });
    const left = readJsonLines(rejectedFile);
    expect(left.map(({ rowNumber }) => rowNumber).sort()).toEqual([3, 4, 8, 9]);
    expect(left.every(({ file }) => file === options.file)).toBe(true);
    expect(existsSync(`${rejectedFile}.retrying`)).toBe(false);
    await neo4j.query(`CREATE (:${label} {id: 4})`);
    await new RejectedRowsRetryTask(server.context(), { file: rejectedFile }).execute();
    expect(await count()).toMatchObject({ n: 10, distinct: 10 });
    expect(existsSync(rejectedFile)).toBe(false);
  });

  it('are loaded once also when a retry ended before it had cleared its file away', async () => {
    const { label, options, rejectedFile, count, neo4j } = await trips();
    await new CSVLoad2Neo4jTask(server.context(), options).execute();
    await neo4j.query(`UNWIND [3, 4] AS id CREATE (:${label} {id: id})`);
    const [{ load }] = readJsonLines(rejectedFile) as [{ load: string }];
    const aside = `${rejectedFile}.${load}.retrying`;
    renameSync(rejectedFile, aside); // as a retry that was killed leaves it
    expect(await new RejectedRowsRetryTask(server.context(), { file: rejectedFile }).execute()).toMatchObject(
      {
        success: true,
      },
    );
    expect(await count()).toMatchObject({ n: 10, distinct: 10 });
    expect(existsSync(aside)).toBe(false);
  });

  it('of several loads that share a file are loaded again by each', async () => {
    const { label, options, rejectedFile, count, neo4j } = await trips();
    const [nodes, visits] = [uniqueLabel('Day'), 'VISITED'];
    await new CSVLoad2Neo4jTask(server.context(), options).execute();
    const { name: _, ...others } = options;
    await new CSVLoad2Neo4jTask(server.context(), {
      ...others,
      mapping: relationship(visits, {
        from: node(nodes, { day: 'day' }, { write: 'merge' }),
        to: node(label, { id: 'end' }),
      }),
    }).execute();
    expect(readJsonLines(rejectedFile)).toHaveLength(6 + 4);
    await neo4j.query(`CREATE (:${label} {id: 3})`);
    const { success, summary } = await new RejectedRowsRetryTask(server.context(), {
      file: rejectedFile,
    }).execute();
    expect(success).toBe(true);
    expect(summary).toMatchObject({ relationships_created: 2 + 2, nodes_created: 2 });
    expect(await count()).toMatchObject({ n: 6, distinct: 6 });
    expect(readJsonLines(rejectedFile)).toHaveLength(4 + 2);
    await neo4j.query(`CREATE (:${label} {id: 4})`);
    const retried = await runGraphweft(['rejected', 'retry', rejectedFile]);
    expect(retried.stdout).toContain('6 rows loaded; 0 rows left');
    expect(existsSync(rejectedFile)).toBe(false);
  });

  it('of another load are not taken for those of a retry that failed and goes on', async () => {
    const { label, options, rejectedFile, count, neo4j } = await trips();
    await new CSVLoad2Neo4jTask(server.context(), options).execute();
    const { name: _, ...others } = options;
    const visits = relationship('VISITED', {
      from: node(uniqueLabel('Day'), { day: 'day' }, { write: 'merge' }),
      to: node(label, { id: 'end' }),
    });
    await new CSVLoad2Neo4jTask(server.context(), { ...others, mapping: visits }).execute();
    expect(readJsonLines(rejectedFile)).toHaveLength(6 + 4);
    const retry = (more: object) =>
      new RejectedRowsRetryTask(server.context(), { file: rejectedFile, ...more }).execute();
    const { error } = await retry({ missingNodes: 'error' });
    expect(error).toMatchObject({ code: 'GW_WRITE_MISSING_NODE' });
    await neo4j.query(`UNWIND [3, 4] AS id CREATE (:${label} {id: id})`);
    expect(await retry({})).toMatchObject({ success: true, summary: { relationships_created: 6 + 4 } });
    expect(await count()).toMatchObject({ n: 10, distinct: 10 });
    expect(existsSync(rejectedFile)).toBe(false);
  });

  it('are mended in the file, and carried over where nobody mended them', async () => {
    const { options, rejectedFile, count } = await trips();
    await new CSVLoad2Neo4jTask(server.context(), options).execute();
    const mended = readJsonLines(rejectedFile).map((line) => ({
      ...line,
      row: { ...(line.row as object), start: 0, end: 1 },
    }));
    const malformed = {
      file: 'x.csv',
      rowNumber: null,
      lineNumber: 7,
      stage: 'read',
      code: 'GW_SOURCE_ROW',
      message: 'm',
      text: 'a,b',
    };
    writeFileSync(rejectedFile, [...mended, malformed].map((line) => `${JSON.stringify(line)}\n`).join(''));
    const { summary } = await new RejectedRowsRetryTask(server.context(), { file: rejectedFile }).execute();
    expect(summary).toMatchObject({ relationships_created: 6, rejected_rows_kept: 1 });
    expect(await count()).toMatchObject({ n: 10, distinct: 10 });
    expect(readJsonLines(rejectedFile)).toMatchObject([{ code: 'GW_SOURCE_ROW', text: 'a,b' }]);
  });

  it('are malformed lines too: mended as text, they are read as the load would read them', async () => {
    const label = uniqueLabel('Day');
    const folder = useFolder();
    const rejectedFile = folder.path('rejected.jsonl');
    const lines = [
      '1;2026-11-26;one',
      '2;some day;two',
      'x;2026-11-27;th"ree',
      '4;2026-11-28',
      '5;2026-11-29;"five',
    ];
    const load = new CSVLoad2Neo4jTask(server.context(), {
      file: folder.write('days.csv', `n;day;"the; name"\n${lines.join('\n')}\n`),
      delimiter: ';',
      types: { n: 'BIGINT', day: 'DATE' },
      mapping: node(label, { n: 'n' }, { properties: { day: 'day', name: 'the; name' } }),
      rejectedFile,
    });
    expect(await load.execute()).toMatchObject({ success: true, summary: { nodes_created: 1 } });
    const retry = () => new RejectedRowsRetryTask(server.context(), { file: rejectedFile }).execute();
    expect(await retry()).toMatchObject({ success: true, summary: { rejected_rows_kept: 4 } });
    const left = readJsonLines(rejectedFile);
    expect(left.map(({ text }) => text)).toEqual(lines.slice(1));
    const mended: Record<string, string> = {
      [lines[1]!]: '2;2026-11-30;two',
      [lines[2]!]: '3;2026-11-27;"th""r;ee\nof them"',
      [lines[3]!]: '4;2026-11-28;',
    };
    const write = (rows: readonly object[]) =>
      writeFileSync(rejectedFile, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    write(left.map((row) => ({ ...row, text: mended[row.text as string] ?? row.text })));
    const { summary } = await retry();
    expect(summary).toMatchObject({ nodes_created: 3, rejected_rows_read: 3, rejected_rows_kept: 1 });
    expect(readJsonLines(rejectedFile)).toMatchObject([
      { file: load.options.file, lineNumber: 6, code: 'GW_SOURCE_ROW', text: '5;2026-11-29;"five' },
    ]);
    const { rows } = await server
      .context()
      .neo4j.query(`MATCH (d:${label}) RETURN d.n AS n, toString(d.day) AS day, d.name AS name ORDER BY n`);
    expect(rows).toEqual([
      { n: 1, day: '2026-11-26', name: 'one' },
      { n: 2, day: '2026-11-30', name: 'two' },
      { n: 3, day: '2026-11-27', name: 'th"r;ee\nof them' },
      { n: 4, day: '2026-11-28', name: null },
    ]);
  });

  it('need their program where the load had functions, and a description in any case', async () => {
    const { options, rejectedFile, label, neo4j } = await trips();
    const [pattern] = [options.mapping];
    const mapping = relationship('TRIP', {
      from: pattern.from,
      to: pattern.to,
      properties: { n: (row) => row.n },
      write: 'create',
    });
    await new CSVLoad2Neo4jTask(server.context(), { ...options, mapping }).execute();
    const retry = () => new RejectedRowsRetryTask(server.context(), { file: rejectedFile });
    expect(retry).toThrow(expect.objectContaining({ code: 'GW_REJECTED_RETRY' }));
    await neo4j.query(`UNWIND [3, 4] AS id CREATE (:${label} {id: id})`);
    const own = new RejectedRowsRetryTask(server.context(), { file: rejectedFile, mapping });
    expect(await own.execute()).toMatchObject({ success: true, summary: { relationships_created: 6 } });
    expect(() => new RejectedRowsRetryTask(server.context(), { file: 'nowhere.jsonl' })).toThrow(
      expect.objectContaining({ code: 'GW_SOURCE_MISSING' }),
    );
  });

  it('are summed up and loaded again on the command line', async () => {
    const { label, options, rejectedFile, neo4j, count } = await trips();
    await new CSVLoad2Neo4jTask(server.context(), options).execute();
    const shown = await runGraphweft(['rejected', 'show', rejectedFile]);
    expect(shown).toMatchObject({ exitCode: 0 });
    expect(shown.stdout).toMatch(/│ +6 │ write │ GW_WRITE_MISSING_NODE │ There is no :Place_/);
    expect(shown.stdout).toContain('6 rejected rows, 1 cause');
    const json = await runGraphweft(['rejected', 'show', rejectedFile, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      rows: 6,
      first: expect.stringMatching(/^trips\.csv, row \d$/),
    });
    await neo4j.query(`UNWIND [3, 4] AS id CREATE (:${label} {id: id})`);
    const retried = await runGraphweft(['rejected', 'retry', rejectedFile]);
    expect(retried.stderr).not.toContain('GW_');
    expect(retried).toMatchObject({ exitCode: 0 });
    expect(retried.stdout).toContain('6 rows loaded; 0 rows left');
    expect(await count()).toMatchObject({ n: 10, distinct: 10 });
    expect(await runGraphweft(['rejected', 'show', 'nowhere.jsonl'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('GW_SOURCE_MISSING'),
    });
  });
});

describe('a run with a tag', () => {
  it('is deleted with all that it created, and nothing else', async () => {
    const run = uniqueLabel('run');
    const { options, label, neo4j, count } = await trips({ runTag: 'load run', resume: run });
    const mapping = relationship('TRIP', {
      from: node(label, { id: 'start' }, { write: 'merge' }),
      to: node(label, { id: 'end' }, { write: 'merge' }),
      properties: ['n', 'day'],
      write: 'create',
    });
    await new CSVLoad2Neo4jTask(server.context(), { ...options, mapping }).execute();
    expect(await count()).toMatchObject({ n: 10 });
    expect(await rememberedRuns(neo4j)).toContainEqual(
      expect.objectContaining({ id: run, state: 'done', rows: 10 }),
    );
    const listed = await runGraphweft(['runs', 'unfinished']);
    expect(listed.stdout).toContain(run);
    expect(await deleteRememberedRun(neo4j, run, { withRows: true })).toEqual({
      nodes: 2,
      relationships: 10,
    });
    const { rows } = await neo4j.query(`MATCH (n:${label}) RETURN count(n) AS n`);
    expect(rows).toEqual([{ n: 3 }]);
    expect(await deleteRememberedRun(neo4j, run, { withRows: true })).toBeUndefined();
  });

  it('needs an id, and rows without a tag stay', async () => {
    const run = uniqueLabel('run');
    const { options, neo4j } = await trips({ resume: run });
    expect(() => new CSVLoad2Neo4jTask(server.context(), { ...options, resume: false, runTag: 'x' })).toThrow(
      expect.objectContaining({ code: 'GW_CONFIG_OPTION' }),
    );
    await new CSVLoad2Neo4jTask(server.context(), options).execute();
    const deleted = await runGraphweft(['runs', 'delete', '--id', run, '--rows']);
    expect(deleted).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('carry no tag') });
    expect((await runGraphweft(['runs', 'delete', '--id', run])).stdout).toContain(
      'Deleted what the ledger knows',
    );
    expect((await rememberedRuns(neo4j)).map(({ id }) => id)).not.toContain(run);
  });
});
