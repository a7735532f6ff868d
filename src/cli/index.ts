/** For command lines of one's own: exit codes, clear errors, and Ctrl-C as graphweft's own has it. */
export { addRunCommands, type RunCommandsOptions } from './commands/runs.ts';
export { EXIT, exitCodeFor } from './exit-codes.ts';
export { createProgram } from './main.ts';
export { runMain } from './run-main.ts';
export { runProgram } from './run-program.ts';
export { stopOnSignals } from './signals.ts';
