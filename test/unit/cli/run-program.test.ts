import { Command } from 'commander';
import { afterEach, expect, it } from 'vitest';
import { runProgram } from '../../../src/cli/run-program.ts';

afterEach(() => {
  process.exitCode = undefined;
});

/** Throws what another copy of commander throws: the same code, of another class. */
function program(): Command {
  const command = new Command('nightly').configureOutput({ writeErr: () => {} });
  command.error = (message) => {
    throw Object.assign(new Error(message), { code: 'commander.unknownOption', exitCode: 1 });
  };
  return command.action(() => {});
}

it('ends with 2 for a wrong call, whichever copy of commander the program has', async () => {
  await runProgram(program(), ['node', 'nightly', '--nope']);
  expect(process.exitCode).toBe(2);
});
