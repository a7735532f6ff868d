import type { Command, CommanderError } from 'commander';
import { EXIT } from './exit-codes.ts';
import { runMain } from './run-main.ts';

/**
 * Runs a commander program to its exit code: 2 for a wrong call, and for errors as {@link runMain} says. Every command
 * of it gets `--debug`.
 */
export async function runProgram(program: Command, argv: readonly string[] = process.argv): Promise<void> {
  prepareTree(program);
  await runMain(async () => {
    try {
      await program.parseAsync([...argv]);
    } catch (error) {
      if (!isCommanderError(error)) throw error;
      return error.exitCode === 0 ? EXIT.done : EXIT.usage; // commander has said what is wrong
    }
    return typeof process.exitCode === 'number' ? process.exitCode : EXIT.done;
  });
}

/** By its code: a program may have a commander of its own, whose class is another one. */
function isCommanderError(error: unknown): error is CommanderError {
  return /^commander\./.test(String((error as Partial<CommanderError> | null)?.code));
}

function prepareTree(command: Command): void {
  command.exitOverride().showHelpAfterError('(add --help for what there is)');
  command.option('--debug', 'show the stack of an error');
  for (const child of command.commands) prepareTree(child);
}
