/** Loads that are stopped in the middle, each way a user can do it, and started again: the graph is the file. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { uniqueLabel, useServer } from '../support/context.ts';
import { readJsonLines, useFolder } from '../support/files.ts';
import { type Ended, ROOT, runGraphweft, runNode } from '../support/process.ts';
import { makePlaces, TRIP_TYPES, tripMapping } from '../support/trips.ts';

const ROWS = 40_000;
const PLACES = 500;
const PROGRAM = ['--import', 'tsx', fileURLToPath(new URL('stoppable-load.ts', import.meta.url))];
const server = useServer();

/** A load of a file, in a process of its own. */
async function stoppableLoad({ hasPlaces = true } = {}) {
  const label = uniqueLabel('Place');
  const { neo4j } = server.context();
  if (hasPlaces) await makePlaces(neo4j, label, PLACES);
  const folder = useFolder();
  const lines = Array.from({ length: ROWS }, (_, n) => `${n},${n % PLACES},${(n * 7 + 3) % PLACES}`);
  const rejectedFile = folder.path('rejected.jsonl');
  const doneFile = folder.path('done');
  const file = folder.write('trips.csv', `n,start,end\n${lines.join('\n')}\n`);
  const options = {
    name: label,
    file,
    types: TRIP_TYPES,
    mapping: tripMapping(label),
    resume: label,
    rejectedFile,
    batchSize: 100, // many transactions, so that there is a middle to be stopped in
  };
  const argument = JSON.stringify({ doneFile, options });
  const loaded = async () => {
    const { rows } = await neo4j.query(
      `MATCH (:${label})-[t:TRIP]->() RETURN count(t) AS rows, count(DISTINCT t.n) AS distinct`,
    );
    return rows[0] as { readonly rows: number; readonly distinct: number };
  };
  return {
    label,
    argument,
    rejectedFile,
    doneFile,
    makePlaces: () => makePlaces(neo4j, label, PLACES),
    loaded,
    run: (onStart?: (child: ChildProcess) => void): Promise<Ended> =>
      runNode([...PROGRAM, argument], { env: plain(), ...(onStart && { onStart }) }),
    /** Waits until some of the rows are there. */
    inTheMiddle: () => vi.waitUntil(async () => (await loaded()).rows > 0, { timeout: 60_000, interval: 20 }),
  };
}

async function expectToGoOn(load: Awaited<ReturnType<typeof stoppableLoad>>): Promise<void> {
  expect((await load.loaded()).rows).toBeLessThan(ROWS);
  expect(await load.run()).toMatchObject({ exitCode: 0 });
  expect(await load.loaded()).toEqual({ rows: ROWS, distinct: ROWS });
}

function plain(): NodeJS.ProcessEnv {
  return { ...process.env, GRAPHWEFT_REPORTER: 'plain' };
}

describe('a load that is stopped in the middle', () => {
  it.each([
    { name: 'Ctrl-C', signal: 'SIGINT', ending: { exitCode: 130 } },
    { name: 'SIGTERM', signal: 'SIGTERM', ending: { exitCode: 130 } },
    { name: 'kill -9', signal: 'SIGKILL', ending: { signal: 'SIGKILL' } },
  ] as const)('by $name goes on where it was', async ({ signal, ending }) => {
    const load = await stoppableLoad();
    const stopped = await load.run(async (child) => {
      await load.inTheMiddle();
      child.kill(signal);
    });
    expect(stopped).toMatchObject(ending);
    const isOrderly = signal !== 'SIGKILL';
    expect(stopped.stderr.includes(`${signal}: finishing what runs`)).toBe(isOrderly);
    expect(stopped.stderr.includes('(GW_ABORTED)')).toBe(isOrderly);
    await expectToGoOn(load);
  });

  it('by Ctrl-C twice ends at once, and goes on where it was', async () => {
    const load = await stoppableLoad();
    const { neo4j } = server.context();
    await using holder = (await neo4j.driver()).session({ database: 'neo4j' });
    const held = await holder.beginTransaction();
    let said = '';
    const stopped = await load.run(async (child) => {
      child.stderr!.on('data', (data: Buffer) => {
        said += data.toString();
      });
      await load.inTheMiddle();
      // A transaction that waits for it does not end, so neither does a load that finishes what runs.
      await held.run(`MATCH (n:${load.label}) SET n.isHeld = true`);
      child.kill('SIGINT');
      await vi.waitUntil(() => said.includes('SIGINT: finishing what runs'), {
        timeout: 10_000,
        interval: 10,
      });
      await sleep(500);
      expect(child.exitCode).toBeNull();
      child.kill('SIGINT');
    });
    await held.rollback();
    expect(stopped.exitCode).toBe(130);
    expect(stopped.stderr).not.toContain('(GW_ABORTED)');
    await expectToGoOn(load);
  });

  it('by Ctrl-C ends with 130 also where the program looks at no error, as docs/resuming.md has it', async () => {
    const label = uniqueLabel('Trip');
    const folder = mkdtempSync(join(ROOT, '.docs-test-')); // inside the project, where 'graphweft' is found
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'trips.csv');
    writeFileSync(file, `id\n${Array.from({ length: ROWS }, (_, n) => n).join('\n')}\n`);
    const [, block] = /^```ts\n([\s\S]*?)^```$/m.exec(readFileSync(join(ROOT, 'docs/resuming.md'), 'utf8'))!;
    const program = block!
      .replace('trips.csv', file)
      .replace(':Trip ', `:${label} `)
      .replace('name:', 'batchSize: 100, name:');
    writeFileSync(join(folder, 'program.ts'), program);
    const rows = async () =>
      (await server.context().neo4j.query(`MATCH (t:${label}) RETURN count(t) AS rows`)).rows[0]!
        .rows as number;
    const run = (onStart?: (child: ChildProcess) => Promise<void>) =>
      runNode(['--import', 'tsx', join(folder, 'program.ts')], { env: plain(), ...(onStart && { onStart }) });
    const stopped = await run(async (child) => {
      await vi.waitUntil(async () => (await rows()) > 0, { timeout: 60_000, interval: 20 });
      child.kill('SIGINT');
    });
    expect(stopped).toMatchObject({ exitCode: 130, stdout: '' });
    expect(stopped.stderr).toContain('Interrupted by SIGINT');
    const done = await rows();
    expect(done).toBeLessThan(ROWS);
    expect(await run()).toMatchObject({ exitCode: 0, stdout: `${done} rows were there already\n` });
    expect(await rows()).toBe(ROWS);
  });

  it('by nothing: SIGHUP lets it finish', async () => {
    const load = await stoppableLoad();
    const { exitCode } = await load.run(async (child) => {
      await load.inTheMiddle();
      child.kill('SIGHUP');
    });
    expect(exitCode).toBe(0);
    expect(await load.loaded()).toEqual({ rows: ROWS, distinct: ROWS });
  });

  it('by nothing: it outlives its terminal', async () => {
    const load = await stoppableLoad();
    // util-linux's script holds the terminal; when it is killed, the load gets SIGHUP and nobody reads what it says.
    const command = [process.execPath, ...PROGRAM, `'${load.argument}'`].join(' ');
    const terminal = spawn('script', ['-qfc', command, '/dev/null'], { cwd: ROOT, stdio: 'ignore' });
    await load.inTheMiddle();
    const before = await load.loaded();
    terminal.kill('SIGKILL');
    expect(before.rows).toBeLessThan(ROWS);
    await vi.waitUntil(() => existsSync(load.doneFile), { timeout: 60_000, interval: 100 });
    expect(await load.loaded()).toEqual({ rows: ROWS, distinct: ROWS });
  });
});

describe('a retry of rejected rows that is killed', () => {
  it('loads each row once when it is done again', async () => {
    const load = await stoppableLoad({ hasPlaces: false });
    expect(await load.run()).toMatchObject({ exitCode: 0 });
    expect(readJsonLines(load.rejectedFile)).toHaveLength(ROWS);
    await load.makePlaces();
    const killed = await runGraphweft(['rejected', 'retry', load.rejectedFile], {
      env: plain(),
      onStart: async (child) => {
        await load.inTheMiddle();
        child.kill('SIGKILL');
      },
    });
    expect(killed.signal).toBe('SIGKILL');
    expect((await load.loaded()).rows).toBeLessThan(ROWS);
    expect(await runGraphweft(['rejected', 'retry', load.rejectedFile], { env: plain() })).toMatchObject({
      exitCode: 0,
    });
    expect(await load.loaded()).toEqual({ rows: ROWS, distinct: ROWS });
    expect(existsSync(load.rejectedFile)).toBe(false);
  });
});
