import { afterEach } from 'vitest';
import { ETLContext } from '../../src/context/etl-context.ts';
import { RecordingReporter } from '../../src/testing/recording-reporter.ts';

export { RecordingReporter };

/** Gives a context on the run's server; it is closed after each test. */
export function useServer(): {
  readonly context: () => ETLContext;
  readonly reporter: () => RecordingReporter;
} {
  let context: ETLContext | undefined;
  let reporter = new RecordingReporter();
  afterEach(async () => {
    await context?.close();
    context = undefined;
    reporter = new RecordingReporter();
  });
  return {
    context: () => {
      context ??= new ETLContext({ reporter });
      return context;
    },
    reporter: () => reporter,
  };
}

let labels = 0;

/** Gives a label that no other test uses. */
export function uniqueLabel(prefix: string): string {
  return `${prefix}_${process.pid}_${Date.now().toString(36)}_${labels++}`;
}
