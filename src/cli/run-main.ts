import { loadEnvironment } from '../context/environment.ts';
import { SETTINGS } from '../context/settings.ts';
import { GraphweftError } from '../core/errors.ts';
import { nearestName } from '../core/options.ts';
import { EXIT, exitCodeFor } from './exit-codes.ts';

/**
 * Runs a program to its exit code: an error becomes one clear sentence with its code on the error stream, its stack
 * only with `--debug` (or GRAPHWEFT_DEBUG=1).
 *
 * @param main Gives the exit code. Default: what `process.exitCode` is by then, or else 0.
 */
export async function runMain(main: () => Promise<number | undefined>): Promise<void> {
  outliveReaders();
  try {
    warnOfUnknownSettings();
    process.exitCode = (await main()) ?? process.exitCode ?? 0;
  } catch (error) {
    process.stderr.write(`${describeFailure(error)}\n`);
    process.exitCode = exitCodeFor(error);
  }
}

/** A variable of ours with a slip in its name would have no effect, without a word. */
function warnOfUnknownSettings(): void {
  const known = SETTINGS.map(({ name }) => name);
  for (const name of Object.keys(loadEnvironment().env)) {
    if (!name.startsWith('GRAPHWEFT_') || known.includes(name)) continue;
    const near = nearestName(name, known);
    const hint = near ? `did you mean ${near}?` : '`npx graphweft config print --all` shows what there is.';
    process.stderr.write(`warning: there is no variable ${name}; ${hint}\n`);
  }
}

/** Says in one line what failed, with the innermost code that explains it. */
export function describeFailure(error: unknown): string {
  if (wantsStack()) return String((error as Error)?.stack ?? error);
  if (!(error instanceof GraphweftError))
    return `graphweft: ${(error as Error)?.message ?? error} (GW_INTERNAL)`;
  return `graphweft: ${error.message} (${rootCode(error)})`;
}

function wantsStack(): boolean {
  if (process.argv.includes('--debug')) return true;
  try {
    return loadEnvironment().env.GRAPHWEFT_DEBUG === '1';
  } catch {
    return process.env.GRAPHWEFT_DEBUG === '1'; // that the file cannot be read may be the failure itself
  }
}

/** The code of the deepest error of ours: "a task failed" says less than why. */
function rootCode(error: GraphweftError): string {
  return error.cause instanceof GraphweftError ? rootCode(error.cause) : error.code;
}

/**
 * Has the program go on to its end where nobody reads what it writes any more, such as `head` or a terminal that was
 * closed, and where it cannot be kept, as on a full disk; that is said, and the exit code is not 0 then.
 */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.off('error', noteLostOutput).on('error', noteLostOutput);
  }
}

let isLossNoted = false;

/** What is shown is lost, and the load is not. */
function noteLostOutput(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE' || error.code === 'EIO' || isLossNoted) return;
  isLossNoted = true; // each later line fails too, and so may this one
  process.exitCode ||= EXIT.failed;
  process.stderr.write(`graphweft: The output cannot be written: ${error.message} (GW_SINK_FILE)\n`);
}
