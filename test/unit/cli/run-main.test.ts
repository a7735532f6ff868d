import { afterEach, expect, it, vi } from 'vitest';
import { runMain } from '../../../src/cli/run-main.ts';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

it.each([
  ['what the program gives', 130, 3, 3],
  ['what was set by then, as by an interrupted task, where it gives none', 130, undefined, 130],
  ['0 where nothing was set', undefined, undefined, 0],
])('ends with %s', async (_what, set, given, exitCode) => {
  await runMain(async () => {
    process.exitCode = set;
    return given;
  });
  expect(process.exitCode).toBe(exitCode);
});

it('warns of a variable of ours that there is not, with the nearest name', async () => {
  vi.stubEnv('GRAPHWEFT_REPORTR', 'log');
  vi.stubEnv('GRAPHWEFT_WORKERS_AT_ONCE', '8');
  vi.stubEnv('GRAPHWEFT_REPORTER', 'log');
  const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  await runMain(async () => 0);
  expect(written.mock.calls.map(([text]) => text)).toEqual([
    'warning: there is no variable GRAPHWEFT_REPORTR; did you mean GRAPHWEFT_REPORTER?\n',
    'warning: there is no variable GRAPHWEFT_WORKERS_AT_ONCE; `npx graphweft config print --all` shows what there is.\n',
  ]);
});
