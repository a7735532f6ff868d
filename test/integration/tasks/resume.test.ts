import { existsSync, rmSync, symlinkSync, utimesSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ETLContext } from '../../../src/context/etl-context.ts';
import { AbortedError } from '../../../src/core/errors.ts';
import { node, relationship } from '../../../src/mapping/patterns.ts';
import { RunLedger } from '../../../src/neo4j/run-ledger.ts';
import { dictIdExtractor } from '../../../src/parallel/id-extractors.ts';
import {
  CSVLoad2Neo4jTask,
  ParallelCSVLoad2Neo4jTask,
  type ParallelCSVLoad2Neo4jTaskOptions,
} from '../../../src/tasks/csv-load-2-neo4j-task.ts';
import { SQLLoad2Neo4jTask } from '../../../src/tasks/sql-load-2-neo4j-task.ts';
import { RecordingReporter, uniqueLabel, useServer } from '../../support/context.ts';
import { readJsonLines, useFolder } from '../../support/files.ts';
import { makePlaces, TRIP_TYPES, tripMapping } from '../../support/trips.ts';

const server = useServer();
const ROWS = 3_000;
const PLACES = 40;
/** Rows that name a place which is not there. */
const LOST = [7, 1_200, 2_999];
/** Rows without a start. */
const NULL_KEYS = [40, 2_000];

const csv = `n,start,end\n${Array.from({ length: ROWS }, (_, n) =>
  [n, NULL_KEYS.includes(n) ? '' : (n * 7) % PLACES, LOST.includes(n) ? 999 : (n * 13 + 1) % PLACES].join(
    ',',
  ),
).join('\n')}\n`;

interface Fixture {
  readonly label: string;
  readonly options: ParallelCSVLoad2Neo4jTaskOptions;
}

async function fixture(): Promise<Fixture> {
  const label = uniqueLabel('Place');
  const { neo4j } = server.context();
  await makePlaces(neo4j, label, PLACES);
  const folder = useFolder();
  const options = {
    name: label,
    file: folder.write('trips.csv', csv),
    rejectedFile: folder.path('rejected.jsonl'),
    types: TRIP_TYPES,
    mapping: tripMapping(label),
    maxWorkers: 3,
    batchSize: 100,
  };
  return { label, options };
}

/** A context whose tasks are aborted when so many rows are committed. */
function stoppingAt(rows: number): { readonly context: ETLContext; readonly reporter: RecordingReporter } {
  const stop = new AbortController();
  const reporter = new RecordingReporter();
  const report = reporter.taskProgress.bind(reporter);
  let done = 0;
  reporter.taskProgress = (task, progress) => {
    report(task, progress);
    done += progress.rows ?? 0;
    if (done >= rows) stop.abort(new AbortedError('GW_ABORTED', 'enough'));
  };
  return { context: new ETLContext({ reporter, signal: stop.signal }), reporter };
}

/** Numbers of the rows in the graph, sorted, each as often as it is there. */
async function trips(label: string): Promise<readonly unknown[]> {
  const { rows } = await server
    .context()
    .neo4j.query(`MATCH (:${label})-[t:TRIP]->() RETURN t.n AS n ORDER BY n`);
  return rows.map(({ n }) => n);
}

const GOOD = Array.from({ length: ROWS }, (_, n) => n).filter(
  (n) => !LOST.includes(n) && !NULL_KEYS.includes(n),
);

async function runs(label: string): Promise<readonly unknown[]> {
  const { rows } = await server
    .context()
    .neo4j.query('MATCH (r:GraphweftRun) WHERE r.id STARTS WITH $label RETURN r.state AS state', { label });
  return rows.map(({ state }) => state);
}

function expectRejected(file: string): void {
  const rejected = readJsonLines(file).map(({ rowNumber }) => Number(rowNumber));
  expect(rejected.sort((a, b) => a - b)).toEqual([...LOST, ...NULL_KEYS].sort((a, b) => a - b));
}

describe('a load that was stopped', () => {
  it.each(['claims', 'waves', 'sequential'] as const)(
    'goes on where it was when it is started again (%s), and is then forgotten',
    async (schedule) => {
      const { label, options } = await fixture();
      const make = (context: ETLContext, batchSize: number) => {
        const { maxWorkers: _, ...sequential } = { ...options, batchSize };
        return schedule === 'sequential'
          ? new CSVLoad2Neo4jTask(context, sequential)
          : new ParallelCSVLoad2Neo4jTask(context, { ...options, batchSize, schedule });
      };
      const { context } = stoppingAt(700);
      await using _ = context;
      const stopped = await make(context, 100).execute();
      expect(stopped).toMatchObject({ success: false, error: { code: 'GW_ABORTED' } });
      const before = await trips(label);
      expect(before.length).toBeGreaterThan(0);
      expect(before.length).toBeLessThan(GOOD.length);
      expect(await runs(label)).toEqual(['stopped']);
      // Batches are no part of what is remembered, so they may be others.
      const { success, error, summary } = await make(server.context(), 170).execute();
      expect(error).toBeUndefined();
      expect(success).toBe(true);
      expect(summary.rows_skipped).toBeGreaterThan(0);
      expect(summary.relationships_created).toBe(GOOD.length - before.length);
      expect(server.reporter().warnings[0]).toMatch(/goes on with run ".+", of which [\d,]+ rows are done/);
      expect(await trips(label)).toEqual(GOOD);
      expectRejected(options.rejectedFile!);
      expect(await runs(label)).toEqual([]);
      // Loads of other tests may be unfinished on the same server.
      const { rows } = await server
        .context()
        .neo4j.query('MATCH (c:GraphweftCell) WHERE c.run STARTS WITH $label RETURN count(c) AS cells', {
          label,
        });
      expect(rows).toEqual([{ cells: 0 }]);
    },
  );

  it('leaves nothing open behind where its context was closed in its midst, and goes on', async () => {
    const { label, options } = await fixture();
    const reporter = new RecordingReporter();
    const context = new ETLContext({ reporter });
    const report = reporter.taskProgress.bind(reporter);
    reporter.taskProgress = (task, progress) => {
      report(task, progress);
      if (progress.rows) void context.close();
    };
    const { error } = await new ParallelCSVLoad2Neo4jTask(context, options).execute();
    expect(error).toMatchObject({ code: 'GW_ABORTED' });
    expect(context.neo4j.isOpen).toBe(false);
    expect(await runs(label)).toEqual(['stopped']);
    const { success } = await new ParallelCSVLoad2Neo4jTask(server.context(), options).execute();
    expect(success).toBe(true);
    expect(await trips(label)).toEqual(GOOD);
  });

  it('keeps its grid when it goes on with another number of workers', async () => {
    const { label, options } = await fixture();
    const { context } = stoppingAt(500);
    await using _ = context;
    await new ParallelCSVLoad2Neo4jTask(context, options).execute();
    const { error } = await new ParallelCSVLoad2Neo4jTask(server.context(), {
      ...options,
      maxWorkers: 1,
    }).execute();
    expect(error).toBeUndefined();
    expect(await trips(label)).toEqual(GOOD);
  });

  it('says what differs when it is another load now, and starts over when it is told to', async () => {
    const { label, options } = await fixture();
    const { context } = stoppingAt(500);
    await using _ = context;
    await new ParallelCSVLoad2Neo4jTask(context, options).execute();
    utimesSync(options.file, new Date(), new Date('2020-02-03T04:05:06Z'));
    const changed = { ...options, tableSize: 5 };
    const { error } = await new ParallelCSVLoad2Neo4jTask(server.context(), changed).execute();
    expect(error).toMatchObject({ code: 'GW_RUN_CHANGED' });
    expect(error!.message).toMatch(/source files\.0\.modifiedAt was "20.+Z", is "2020-02-03T04:05:06.000Z"/);
    expect(error!.message).toContain('grid tableSize was 7, is 5');
    await server.context().neo4j.query(`MATCH (:${label})-[t:TRIP]->() DELETE t`);
    const again = new ParallelCSVLoad2Neo4jTask(server.context(), { ...changed, fresh: true });
    expect(await again.execute()).toMatchObject({ success: true });
    expect(await trips(label)).toEqual(GOOD);
  });

  it('does not go on with an extractor that was made otherwise', async () => {
    const { label, options } = await fixture();
    const { context } = stoppingAt(500);
    await using _ = context;
    const split = (tableSize: number) => ({
      ...options,
      tableSize: 9,
      idExtractor: dictIdExtractor({ tableSize, monopartite: true }),
    });
    await new ParallelCSVLoad2Neo4jTask(context, split(9)).execute();
    const { error } = await new ParallelCSVLoad2Neo4jTask(server.context(), split(8)).execute();
    expect(error).toMatchObject({ code: 'GW_RUN_CHANGED' });
    await new ParallelCSVLoad2Neo4jTask(server.context(), split(9)).execute();
    expect(await trips(label)).toEqual(GOOD);
  });

  it('may be another load where nothing was written yet', async () => {
    const { label, options } = await fixture();
    const { maxWorkers: _, ...sequential } = options;
    const mapping = { ...tripMapping(label), properties: [{ name: 'n', source: 'nn' }] };
    const wrong = await new CSVLoad2Neo4jTask(server.context(), { ...sequential, mapping }).execute();
    expect(wrong.error).toMatchObject({ code: 'GW_MAPPING_COLUMN' });
    expect(await new CSVLoad2Neo4jTask(server.context(), sequential).execute()).toMatchObject({
      success: true,
    });
    expect(await trips(label)).toEqual(GOOD);
  });

  it('is not taken for done by what an attempt before `fresh` left over', async () => {
    const { label, options } = await fixture();
    for (const fresh of [false, true]) {
      const { context } = stoppingAt(500);
      await using _ = context;
      await server.context().neo4j.query(`MATCH (:${label})-[t:TRIP]->() DELETE t`);
      await new ParallelCSVLoad2Neo4jTask(context, { ...options, fresh }).execute();
    }
    expect(await new ParallelCSVLoad2Neo4jTask(server.context(), options).execute()).toMatchObject({
      success: true,
    });
    expect(await trips(label)).toEqual(GOOD);
  });
});

describe('a run with an id of its own', () => {
  it('is never loaded twice, unless afresh', async () => {
    const { label, options } = await fixture();
    const load = (more: object = {}) =>
      new ParallelCSVLoad2Neo4jTask(server.context(), { ...options, resume: label, ...more }).execute();
    expect(await load()).toMatchObject({ success: true, summary: { relationships_created: GOOD.length } });
    expect(await runs(label)).toEqual(['done']);
    const again = await load();
    expect(again.success).toBe(true);
    expect(again.summary).toEqual({ rows_skipped: ROWS - NULL_KEYS.length });
    expect(server.reporter().warnings.at(-1)).toContain('is done, so there is nothing to load');
    expect(await trips(label)).toEqual(GOOD);
    expect(await load({ fresh: true })).toMatchObject({ summary: { relationships_created: GOOD.length } });
    expect(await trips(label)).toHaveLength(2 * GOOD.length);
    expect(server.reporter().warnings).toContainEqual(
      expect.stringMatching(/: begins anew, and .* has rows that it rejected before \(\d+\); remove those/),
    );
  });

  it('is of one load: another one with its id is refused, and not left out', async () => {
    const { label, options } = await fixture();
    const { maxWorkers: _, ...sequential } = options;
    const load = (more: object = {}) =>
      new CSVLoad2Neo4jTask(server.context(), { ...sequential, ...more, resume: label });
    expect(await load().execute()).toMatchObject({ success: true });
    utimesSync(options.file, new Date(0), new Date(0));
    expect(await load().execute()).toMatchObject({
      success: true,
      summary: { rows_skipped: expect.any(Number) },
    });
    const file = useFolder().write('others.csv', csv);
    const query = 'UNWIND $batch AS row CREATE (n:Other)';
    for (const other of [{ file }, { mapping: undefined, query }]) {
      const { error } = await load(other).execute();
      expect(error).toMatchObject({ code: 'GW_RUN_CHANGED' });
      expect(error?.message).toMatch(/is done, and was of another load: .* Give this load an id of its own/);
    }
  });

  it('belongs to one of two loads at once; the other says so and leaves', async () => {
    const { label, options } = await fixture();
    const load = () =>
      new ParallelCSVLoad2Neo4jTask(server.context(), { ...options, resume: label }).execute();
    const results = await Promise.all([load(), load(), load()]);
    expect(results.filter(({ success }) => success)).toHaveLength(1);
    for (const { success, error } of results)
      if (!success) expect(error).toMatchObject({ code: 'GW_RUN_TAKEN' });
    expect(await trips(label)).toEqual(GOOD);
    expectRejected(options.rejectedFile!);
  });

  it('is left alone by who looked at it before another one took it up, and even finished it', async () => {
    const { neo4j } = server.context();
    const run = uniqueLabel('run');
    const begin = async (found?: Awaited<ReturnType<typeof RunLedger.find>>) =>
      RunLedger.open(neo4j, { run, found, isKept: true, fingerprint: { a: { b: 1 } }, instance: run });
    await (await begin()).close('stopped');
    const seen = await RunLedger.find(neo4j, run);
    await (await begin(seen)).close('done');
    await expect(begin(seen)).rejects.toMatchObject({ code: 'GW_RUN_TAKEN' });
    await expect(begin()).rejects.toMatchObject({ code: 'GW_RUN_TAKEN' });
    expect((await begin(await RunLedger.find(neo4j, run))).isDone).toBe(true);
  });

  it.each([true, false])(
    'is written no more by who was taken for lost, though another one finished it (kept: %s)',
    async (isKept) => {
      const { neo4j } = server.context();
      const run = uniqueLabel('Run');
      const begin = async () =>
        RunLedger.open(neo4j, {
          run,
          found: await RunLedger.find(neo4j, run),
          isKept,
          fingerprint: { a: { b: 1 } },
          instance: run,
        });
      const write = (ledger: RunLedger) =>
        neo4j.transact((send) => send(`CREATE (:${run})`, {}), {
          mark: ledger.mark({ row: 0, col: 0 }, 0, 1),
        });
      const lost = await begin();
      await neo4j.query(
        "MATCH (r:GraphweftRun {id: $run}) SET r.host = 'elsewhere', r.seenAt = datetime() - duration('PT2M')",
        { run },
      );
      const other = await begin();
      await write(other);
      await other.close('done');
      await expect(write(lost)).rejects.toMatchObject({ code: 'GW_RUN_TAKEN' });
      await lost.close('stopped');
      const { rows } = await neo4j.query(`MATCH (n:${run}) RETURN count(n) AS nodes`);
      expect(rows).toEqual([{ nodes: 1 }]);
    },
  );

  it('is given back when its rejected rows cannot be read', async () => {
    const { label, options } = await fixture();
    const { rejectedFile } = options;
    symlinkSync(rejectedFile!, rejectedFile!);
    const load = () =>
      new ParallelCSVLoad2Neo4jTask(server.context(), { ...options, resume: label }).execute();
    expect((await load()).error).toMatchObject({ code: 'GW_REJECTED_FILE', cause: { code: 'ELOOP' } });
    expect(await runs(label)).toEqual(['stopped']);
    rmSync(rejectedFile!);
    expect(await load()).toMatchObject({ success: true });
    expect(await trips(label)).toEqual(GOOD);
  });

  it('leaves nothing behind where nothing is to be remembered', async () => {
    const { label, options } = await fixture();
    const { context } = stoppingAt(500);
    await using _ = context;
    await new ParallelCSVLoad2Neo4jTask(context, { ...options, resume: false }).execute();
    expect(await runs(label)).toEqual([]);
  });
});

describe('a load from SQL', () => {
  async function table(rows: readonly (readonly [id: number, rank: number])[]) {
    const label = uniqueLabel('Item');
    const url = process.env.POSTGRES_URL!;
    const name = label.toLowerCase();
    const values = rows.map(([id, rank]) => `(${id}, ${rank})`).join(', ');
    const { parseSqlAddress } = await import('../../../src/sql/sql-address.ts');
    const { sqlDriver } = await import('../../../src/sql/sql-database.ts');
    const address = parseSqlAddress(url);
    const [connection] = await (await sqlDriver(address)).open(address, 1);
    await connection!.query(`CREATE TABLE ${name} AS SELECT * FROM (VALUES ${values}) AS v(id, rank)`);
    await connection!.close();
    const query = `UNWIND $batch AS row CREATE (:${label} {id: row.id})`;
    return { label, options: { url, sql: `SELECT id, rank FROM ${name}`, query, batchSize: 10 } };
  }

  it('goes on where it was, when its rows have one order', async () => {
    const { label, options } = await table(Array.from({ length: 300 }, (_, id) => [id, id % 7]));
    const ordered = { ...options, orderBy: ['rank', 'id'], resume: label };
    const { context } = stoppingAt(50);
    await using _ = context;
    expect(await new SQLLoad2Neo4jTask(context, ordered).execute()).toMatchObject({ success: false });
    const { success, summary } = await new SQLLoad2Neo4jTask(server.context(), ordered).execute();
    expect(success).toBe(true);
    expect(summary.rows_skipped).toBeGreaterThan(0);
    const { rows } = await server
      .context()
      .neo4j.query(`MATCH (n:${label}) RETURN count(n) AS n, count(DISTINCT n.id) AS ids`);
    expect(rows).toEqual([{ n: 300, ids: 300 }]);
  });

  it('is refused when they have none, or not one only', async () => {
    const { label, options } = await table([
      [1, 1],
      [2, 1],
    ]);
    const load = (more: object) => new SQLLoad2Neo4jTask(server.context(), { ...options, ...more }).execute();
    expect((await load({ resume: label })).error).toMatchObject({ code: 'GW_CONFIG_OPTION' });
    expect((await load({ orderBy: ['rank'] })).error).toMatchObject({ code: 'GW_SOURCE_ORDER' });
    expect(await load({})).toMatchObject({ success: true });
  });
});

describe('malformed lines of a load that looks at its rows before', () => {
  it('are set aside once, by the load: not by explain(), nor when it goes on or is done', async () => {
    const { label, options } = await fixture();
    const folder = useFolder();
    const place = (key: string) => node(`${label}Pair`, { id: key, n: 'n' }, { write: 'merge' });
    const composite: ParallelCSVLoad2Neo4jTaskOptions = {
      ...options,
      file: folder.write('trips.csv', `${csv}broken\n`),
      // Keys of two properties are counted from rows, and not by the reader.
      mapping: relationship('TRIP', { from: place('start'), to: place('end'), write: 'create' }),
      buckets: 'balanced',
      resume: label,
    };
    const malformed = () => readJsonLines(options.rejectedFile!).filter(({ stage }) => stage === 'read');
    await new ParallelCSVLoad2Neo4jTask(server.context(), composite).explain();
    expect(existsSync(options.rejectedFile!)).toBe(false);
    const stopped = await new ParallelCSVLoad2Neo4jTask(stoppingAt(500).context, composite).execute();
    expect(stopped).toMatchObject({ success: false, error: { code: 'GW_ABORTED' } });
    expect(malformed()).toHaveLength(1);
    for (const _ of ['goes on', 'is done']) {
      const { success } = await new ParallelCSVLoad2Neo4jTask(server.context(), composite).execute();
      expect(success).toBe(true);
      expect(malformed()).toHaveLength(1);
    }
  });
});
