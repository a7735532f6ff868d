import { AbortedError } from '../core/errors.ts';
import { TerminalReporter } from '../reporting/terminal-reporter.ts';
import { EXIT } from './exit-codes.ts';

/**
 * Gives a signal that Ctrl-C (or SIGTERM) aborts: no new work is begun, what runs is finished and counted. A second
 * Ctrl-C ends the process at once.
 */
export function stopOnSignals(): AbortController {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    const message = `${name}: finishing what runs; once more ends at once`;
    if (!TerminalReporter.writeAbove(process.stderr, message)) process.stderr.write(`\n${message}\n`);
    controller.abort(
      new AbortedError('GW_ABORTED', `Interrupted by ${name}; what was committed before is in the account.`),
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return controller;
}
