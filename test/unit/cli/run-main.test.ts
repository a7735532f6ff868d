import { afterEach, expect, it } from 'vitest';
import { runMain } from '../../../src/cli/run-main.ts';

afterEach(() => {
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
