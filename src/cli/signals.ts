import { AbortedError } from '../core/errors.ts';
import { subscribeToEvents, type TaskEndEvent, type TaskStartEvent } from '../core/events.ts';
import { TerminalReporter } from '../reporting/terminal-reporter.ts';
import { EXIT } from './exit-codes.ts';
import { outliveReaders } from './run-main.ts';

/**
 * Gives a signal that Ctrl-C (or SIGTERM) aborts: no new work is begun, what runs is finished and counted. A second
 * Ctrl-C ends the process at once. A terminal that is closed (SIGHUP, and writing to it fails) stops nothing. Whichever
 * way it ends, the load goes on where it was when it is started again. The process's exit code is 130 once a task ended
 * because of it; a task that was done all the same leaves it.
 */
export function stopOnSignals(): AbortController {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    const message = `${name}: finishing what runs, to go on from there; once more ends at once`;
    if (!TerminalReporter.writeAbove(process.stderr, message)) process.stderr.write(`\n${message}\n`);
    subscribeToEvents({ task: noteInterruption });
    controller.abort(
      new AbortedError('GW_ABORTED', `Interrupted by ${name}; what was committed before is in the account.`),
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  process.on('SIGHUP', () => undefined); // without a listener it would end the process
  outliveReaders();
  return controller;
}

/** `execute()` does not throw, so a program that looks at nothing would end as if all were done. */
function noteInterruption(event: TaskStartEvent | TaskEndEvent): void {
  const isAborted = event.event === 'task:end' && event.errorCode === 'GW_ABORTED';
  if (isAborted && event.parentUuid === undefined) process.exitCode = EXIT.interrupted;
}
