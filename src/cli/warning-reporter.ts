import { type Reporter, SILENT_REPORTER } from '../core/reporter.ts';

/** For commands that show results: warnings alone, on the error stream. */
export const WARNING_REPORTER: Reporter = Object.freeze({
  ...SILENT_REPORTER,
  warn: (message: string) => void process.stderr.write(`warning: ${message}\n`),
});
