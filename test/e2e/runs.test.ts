import { Command } from 'commander';
import { addRunCommands } from 'graphweft/cli';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { ETLContext } from '../../src/context/etl-context.ts';
import { SILENT_REPORTER } from '../../src/core/reporter.ts';
import { TaskGroup } from '../../src/core/task-group.ts';
import { CSVLoad2Neo4jTask } from '../../src/tasks/csv-load-2-neo4j-task.ts';
import { ExecuteCypherTask } from '../../src/tasks/execute-cypher-task.ts';
import { uniqueLabel } from '../support/context.ts';
import { makeFolder, useFolder } from '../support/files.ts';
import { type Ended, runExample, runGraphweft } from '../support/process.ts';
import { ask, REPORTER_DATABASE } from '../support/runs.ts';

const ENV = { ...process.env, REPORTER_DATABASE, NO_COLOR: '1' };
const NAME = uniqueLabel('run');

function graphweft(...args: readonly string[]): Promise<Ended> {
  return runGraphweft(args, { env: ENV });
}

/** Plants a run that started so many days ago, as a run of neo4j-etl-lib where it has a local time. */
async function plant(
  id: string,
  {
    daysAgo = 0,
    status = 'success',
    isLocal = false,
    silentSeconds,
  }: {
    readonly daysAgo?: number;
    readonly status?: string;
    readonly isLocal?: boolean;
    readonly silentSeconds?: number;
  },
): Promise<void> {
  await ask(
    `WITH datetime() - duration({days: $daysAgo}) AS at
     WITH CASE WHEN $isLocal THEN localdatetime(at) ELSE at END AS at
     CREATE (r:ETLRun:ETLTask {uuid: $id, name: $name, order: 0, status: $status, startTime: at})
     SET r.lastSeenTime = datetime() - duration($silent)
     CREATE (r)-[:HAS_SUB_TASK]->(:ETLTask {uuid: $id + '-a', name: 'a', order: 1, status: $status, startTime: at})
       -[:HAS_SUB_TASK]->(b:ETLTask {uuid: $id + '-b', name: 'b', order: 2, status: 'open'})
     CREATE (r)-[:HAS_STATS]->(:ETLStats {nodes_created: 1}) CREATE (b)-[:HAS_STATS]->(:ETLStats)`,
    {
      id,
      name: NAME,
      daysAgo,
      status,
      isLocal,
      silent: silentSeconds === undefined ? null : `PT${silentSeconds}S`,
    },
  );
}

async function countNodes(id: string): Promise<unknown> {
  const [row] = await ask(
    'MATCH (t:ETLTask) WHERE t.uuid STARTS WITH $id OPTIONAL MATCH (t)-[:HAS_STATS]->(s) RETURN count(DISTINCT t) + count(s) AS nodes',
    { id },
  );
  return row?.nodes;
}

describe('a run that was kept', () => {
  let uuid = '';
  beforeAll(async () => {
    const folder = makeFolder();
    const context = new ETLContext({ env: ENV, reporter: SILENT_REPORTER });
    const file = folder.write('rows.csv', 'id\n1\n2\nx\n');
    const load = new CSVLoad2Neo4jTask(context, {
      name: 'rows',
      file,
      query: `UNWIND $batch AS row CREATE (:${NAME} {id: toInteger(row.id)})`,
    });
    const broken = new ExecuteCypherTask(context, { name: 'broken', query: 'RETURN 1 / 0' });
    const run = new TaskGroup(context, [load, broken], NAME);
    uuid = run.uuid;
    await run.execute();
    await context.close();
    folder.remove();
  });

  it('is listed, as a table and as JSON lines', async () => {
    const table = await graphweft('runs', '--last', '50');
    expect(table.exitCode).toBe(0);
    expect(table.stderr).toBe('');
    expect(table.stdout).toMatch(/^id +run +status +started +duration +/);
    expect(table.stdout).toMatch(
      new RegExp(
        `^${uuid.slice(0, 8)}  ${NAME} +failure  \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d +.+ 3 of 3`,
        'm',
      ),
    );
    const json = await graphweft('runs', '--json', '--last', '50');
    const runs = json.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string });
    expect(runs.find(({ id }) => id === uuid)).toMatchObject({
      name: NAME,
      status: 'failure',
      rows: 3,
      statistics: { nodes_created: 3 },
    });
    const [last] = (await graphweft('runs', '--json', '--last', '1')).stdout.trim().split('\n');
    expect(JSON.parse(last!)).toEqual(runs[0]);
  });

  it('is shown with its tasks, by a beginning of its id', async () => {
    const { exitCode, stdout } = await graphweft('run', uuid.slice(0, 12));
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^├ rows +success +.+ +1 +3/m);
    expect(stdout).toMatch(/^└ broken +failure/m);
    expect(stdout).toMatch(/^broken: .*by zero.*\(GW_NEO4J_WRITE\)$/m);
    expect(stdout).toContain('3 nodes created');
    const details = await graphweft('run', uuid, '--details');
    expect(details.stdout).toMatch(/^rows\n( {2}\w+ +\d+\n)* {2}nodes_created +3$/m);
    const json = JSON.parse((await graphweft('run', uuid, '--json')).stdout) as object;
    expect(json).toMatchObject({
      id: uuid,
      rows: 3,
      tasks: [
        { name: 'rows', status: 'success', batches: 1, rows: 3, tasks: [] },
        { name: 'broken', status: 'failure' },
      ],
    });
  });

  it('is found by the commands in a program of one’s own', async () => {
    let printed = '';
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed += String(text);
      return true;
    });
    try {
      const program = addRunCommands(new Command('nightly').exitOverride(), { env: ENV });
      await program.parseAsync(['node', 'nightly', 'run', uuid.slice(0, 12), '--json']);
    } finally {
      write.mockRestore();
    }
    expect(JSON.parse(printed)).toMatchObject({ id: uuid });
  });
});

it('an interrupted example is there as aborted, with what it had committed', async () => {
  const folder = useFolder();
  const file = folder.path('trips.csv');
  await runExample('nyc-taxi', ['generate', file, '--rows', '60000']);
  const interruptAt = { text: 'trips: started', signal: 'SIGINT' } as const;
  const env = { ...ENV, GRAPHWEFT_REPORTER: 'plain' };
  const { exitCode } = await runExample('nyc-taxi', ['parallel', file], { env, interruptAt });
  expect(exitCode).toBe(130);
  const [line] = (await graphweft('runs', '--last', '1', '--json')).stdout.trim().split('\n');
  const run = JSON.parse(line!) as { readonly id: string };
  expect(run).toMatchObject({ name: 'NYC taxi', status: 'aborted' });
  const shown = await graphweft('run', run.id);
  expect(shown.stdout).toMatch(/^└ trips +aborted/m);
  await ask('MATCH (n:Trip|Location) CALL { WITH n DETACH DELETE n } IN TRANSACTIONS OF 500 ROWS');
});

describe('a run whose process was killed', () => {
  it('is lost, not running', async () => {
    const id = uniqueLabel('silent');
    await plant(id, { status: 'running', silentSeconds: 90 });
    const json = JSON.parse((await graphweft('run', id, '--json')).stdout) as object;
    expect(json).toMatchObject({ status: 'lost', tasks: [{ status: 'lost', tasks: [{ status: 'lost' }] }] });
    await graphweft('runs', 'delete', '--id', id);
    expect(await countNodes(id)).toBe(0);
  });
});

describe('graphweft runs delete', () => {
  const planted: string[] = [];
  const plantOne = async (kind: string, fields: Parameters<typeof plant>[1]): Promise<string> => {
    const id = `${kind}-${uniqueLabel(kind)}`;
    planted.push(id);
    await plant(id, fields);
    return id;
  };
  afterEach(async () => {
    for (const id of planted.splice(0)) {
      await ask('MATCH (t:ETLTask) WHERE t.uuid STARTS WITH $id DETACH DELETE t', { id });
    }
  });

  it('deletes whole trees, and says how many', async () => {
    const [one, two, three] = [await plantOne('d1', {}), await plantOne('d2', {}), await plantOne('d3', {})];
    const { exitCode, stdout } = await graphweft('runs', 'delete', '--id', `${one},${two}`);
    expect(stdout).toBe('Deleted 2 runs with 6 tasks.\n');
    expect(exitCode).toBe(0);
    expect([await countNodes(one), await countNodes(two), await countNodes(three)]).toEqual([0, 0, 5]);
    const json = await graphweft('runs', 'delete', '--id', three, '--json');
    expect(JSON.parse(json.stdout)).toEqual({ runs: 1, tasks: 3, kept: 0 });
  });

  it('deletes what is older than days or before a date, also of neo4j-etl-lib', async () => {
    const [young, old, theirs] = [
      await plantOne('young', { daysAgo: 9_000 }),
      await plantOne('old', { daysAgo: 10_001 }),
      await plantOne('theirs', { daysAgo: 10_002, isLocal: true, status: 'running' }),
    ];
    expect((await graphweft('runs', 'delete', '--older-than', '10000')).stdout).toBe(
      'Deleted 2 runs with 6 tasks.\n',
    );
    expect([await countNodes(young), await countNodes(old), await countNodes(theirs)]).toEqual([5, 0, 0]);
    const day = new Date(Date.now() - 8_990 * 86_400_000).toISOString().slice(0, 10);
    expect((await graphweft('runs', 'delete', '--before', '1990-01-01')).stdout).toBe(
      'No run was deleted.\n',
    );
    expect((await graphweft('runs', 'delete', '--before', day)).stdout).toBe('Deleted 1 run with 3 tasks.\n');
  });

  it('leaves a run that is at work', async () => {
    const id = await plantOne('alive', { daysAgo: 20_000, status: 'running', silentSeconds: 5 });
    expect((await graphweft('runs', 'delete', '--older-than', '19000')).stdout).toBe(
      'No run was deleted. 1 run is at work and stays.\n',
    );
    expect(await countNodes(id)).toBe(5);
  });

  it('leaves a run whose rows it cannot delete along with it', async () => {
    const id = await plantOne('kept', { daysAgo: 20_000 });
    for (const which of [
      ['--id', id],
      ['--older-than', '19000'],
    ]) {
      const { exitCode, stderr } = await graphweft('runs', 'delete', ...which, '--rows');
      expect(stderr).toContain('`--rows` needs --id');
      expect(exitCode).toBe(2);
    }
    expect(await countNodes(id)).toBe(5);
  });

  it('deletes many, a batch a transaction', async () => {
    const prefix = uniqueLabel('many');
    planted.push(prefix);
    await ask(
      `UNWIND range(1, 120) AS i CREATE (:ETLRun:ETLTask {uuid: $prefix + i, startTime: datetime('1970-05-01'), status: 'success'})
         -[:HAS_SUB_TASK]->(:ETLTask {uuid: $prefix + i + 'a'})`,
      { prefix },
    );
    expect((await graphweft('runs', 'delete', '--before', '1970-06-01')).stdout).toBe(
      'Deleted 120 runs with 240 tasks.\n',
    );
    expect(await countNodes(prefix)).toBe(0);
  });

  it.each([
    ['nothing', [], 'exactly one of --id, --before and --older-than'],
    ['two', ['--id', 'a', '--before', '2026-01-01'], 'exactly one of'],
    ['a blank id', ['--id', 'a,,b'], 'Option `--id` must be an id'],
    ['no day', ['--before', '2026-02-30'], 'Option `--before` must be a day such as 2026-01-31'],
    ['no number', ['--older-than', ''], 'Option `--older-than` must be an integer of at least 0'],
    ['an unknown run', ['--id', 'no-such-run'], 'There is no run "no-such-run"'],
  ])('refuses %s', async (_what, flags, message) => {
    const { exitCode, stdout, stderr } = await graphweft('runs', 'delete', ...flags);
    expect(stderr).toContain(message);
    expect(stdout).toBe('');
    expect(exitCode).toBe(2);
  });
});

it.each([
  [
    ['run', 'no-such-run'],
    'There is no run "no-such-run"; `graphweft runs` lists those there are. (GW_RUN_ID)',
  ],
  [['runs', '--last', '0'], 'Option `--last` must be an integer of at least 1'],
  [['runs', '--database', 'nowhere'], '(GW_NEO4J_DATABASE)'],
])('graphweft %j is refused in one sentence', async (args, message) => {
  const { exitCode, stderr } = await graphweft(...args);
  expect(stderr).toContain(message);
  expect(exitCode).toBe(2);
});

it('names the runs where an id fits several', async () => {
  const prefix = uniqueLabel('twin');
  await plant(`${prefix}1`, {});
  await plant(`${prefix}2`, {});
  const { exitCode, stderr } = await graphweft('run', prefix);
  expect(stderr).toContain(`More than one run begins with "${prefix}": ${prefix}1, ${prefix}2. (GW_RUN_ID)`);
  expect(exitCode).toBe(2);
  expect((await graphweft('runs', 'delete', '--id', `${prefix}1,${prefix}2`)).exitCode).toBe(0);
});
