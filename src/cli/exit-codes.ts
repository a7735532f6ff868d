import { AbortedError, ConfigError, GraphweftError, isAbort } from '../core/errors.ts';

/** What the command line ends with. */
export const EXIT = {
  done: 0,
  /** A task failed. */
  failed: 1,
  /** Usage or configuration. */
  usage: 2,
  /** More rejected rows than allowed. */
  rejected: 3,
  interrupted: 130,
} as const;

/** Gives the exit code for an error: of the first cause that says more than "failed". */
export function exitCodeFor(error: unknown): number {
  if (isAbort(error)) return EXIT.interrupted;
  for (let e = error; e instanceof Error; e = e.cause) {
    if (e instanceof AbortedError) return EXIT.interrupted;
    if (e instanceof ConfigError) return EXIT.usage;
    if (e instanceof GraphweftError && e.code === 'GW_REJECTED_LIMIT') return EXIT.rejected;
  }
  return EXIT.failed;
}
