/** The examples of docs/testing.md, run as they stand. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { arraySource, CollectingSink, FailingSink, testContext } from '../../src/testing/index.ts';
import { ROOT, runNode } from '../support/process.ts';

const folder = mkdtempSync(join(ROOT, '.kit-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const page = readFileSync(join(ROOT, 'docs/testing.md'), 'utf8');
const blocks = [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, block]) => block!);

describe('docs/testing.md', () => {
  it.each(blocks.map((block, i) => [i, block] as const))('example %i runs', async (i, block) => {
    const file = join(folder, `example-${i}.ts`);
    writeFileSync(file, block);
    const { stderr } = await promisify(execFile)(process.execPath, ['--import', 'tsx', file], { cwd: ROOT });
    expect(stderr).toBe('');
  });

  it('has the two kinds of tests', () => {
    expect(blocks).toHaveLength(2);
  });
});

describe('the kit', () => {
  it('gives batches of the size that is asked for, and fails when it is told to', async () => {
    const context = testContext({ X: '1' });
    expect(context.env).toEqual({ X: '1' });
    const collecting = new CollectingSink(context, arraySource([1, 2, 3, 4, 5]));
    const failing = new FailingSink(context, collecting, { atBatch: 2 });
    const run = async () => {
      for await (const _ of failing.getBatch(2));
    };
    await expect(run()).rejects.toThrow('the sink failed');
    expect(collecting.rows).toEqual([1, 2, 3, 4, 5]);
    expect(collecting.batchSizes).toEqual([2, 2, 1]);
    context.abort.abort();
    expect(context.signal.aborted).toBe(true);
  });
});

it('stops its server when the run is killed', async () => {
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  const file = join(folder, 'killed.mjs');
  writeFileSync(
    file,
    `import { startTestNeo4j } from 'graphweft/testing';
     await startTestNeo4j();
     process.kill(process.pid, 'SIGKILL');`,
  );
  const { NEO4J_URI: _, ...env } = process.env;
  expect(await runNode([file], { env: { ...env, TMPDIR: temporary } })).toMatchObject({ signal: 'SIGKILL' });
  // The folder goes when the server has ended.
  await vi.waitUntil(() => readdirSync(temporary).length === 0, { timeout: 60_000, interval: 100 });
});
