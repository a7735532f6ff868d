import type { Environment } from '../core/context.ts';
import { choiceOption } from '../core/options.ts';
import { type Reporter, SILENT_REPORTER, shieldReporter } from '../core/reporter.ts';
import { LogReporter } from './log-reporter.ts';
import { type ReportStream, TerminalReporter } from './terminal-reporter.ts';

export const REPORTER_KINDS = ['auto', 'terminal', 'plain', 'log', 'none'] as const;
/** `auto`: the live tree on a terminal, plain lines elsewhere; `log`: readable on a terminal, JSON lines elsewhere. */
export type ReporterKind = (typeof REPORTER_KINDS)[number];

/** What {@link createReporter} can be told. */
export interface CreateReporterOptions {
  /** Default: GRAPHWEFT_REPORTER, else 'auto'. */
  readonly kind?: ReporterKind;
  /** Default: the process's environment. */
  readonly env?: Environment;
  /** Default: the error stream, since the output stream is for results. */
  readonly stream?: ReportStream;
}

/**
 * Makes the reporter that options or environment ask for; an error in it warns once and never stops a load.
 * @throws {@link ConfigError} `GW_CONFIG_OPTION` for a kind that there is not.
 */
export function createReporter({
  kind,
  env = process.env,
  stream = process.stderr,
}: CreateReporterOptions = {}): Reporter {
  const asked = kind ?? (env.GRAPHWEFT_REPORTER || 'auto');
  const chosen = choiceOption(kind ? 'kind' : 'GRAPHWEFT_REPORTER', asked, REPORTER_KINDS);
  switch (chosen) {
    case 'none':
      return SILENT_REPORTER;
    case 'log':
      return shieldReporter(new LogReporter({ stream }));
    case 'plain':
      return shieldReporter(new TerminalReporter({ stream, env, live: false }));
    case 'terminal':
      return shieldReporter(new TerminalReporter({ stream, env, live: true }));
    case 'auto':
      return shieldReporter(new TerminalReporter({ stream, env }));
    default:
      return chosen satisfies never;
  }
}
