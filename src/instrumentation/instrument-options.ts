import type { Environment } from '../core/context.ts';
import { choiceOption, optionError } from '../core/options.ts';

export const INSTRUMENT_KINDS = ['none', 'csv'] as const;
/** `csv`: events go to a file; `none`: nowhere, unless somebody subscribes. */
export type InstrumentKind = (typeof INSTRUMENT_KINDS)[number];

export interface ResolvedInstrumentOptions {
  readonly kind: InstrumentKind;
  readonly path: string;
  /** Share of the events that are written, 0 < x <= 1. */
  readonly sampling: number;
}

export const DEFAULT_INSTRUMENT_PATH = 'graphweft-events.csv';

/**
 * Reads GRAPHWEFT_INSTRUMENT, GRAPHWEFT_INSTRUMENT_PATH and GRAPHWEFT_INSTRUMENT_SAMPLING; blank counts as not set.
 * @throws {@link ConfigError} `GW_CONFIG_OPTION`
 */
export function resolveInstrumentOptions(env: Environment): ResolvedInstrumentOptions {
  const { GRAPHWEFT_INSTRUMENT, GRAPHWEFT_INSTRUMENT_PATH, GRAPHWEFT_INSTRUMENT_SAMPLING } = env;
  const sampling = Number(GRAPHWEFT_INSTRUMENT_SAMPLING || 1);
  if (!(sampling > 0 && sampling <= 1)) {
    throw optionError(
      'GRAPHWEFT_INSTRUMENT_SAMPLING',
      'a number above 0 and at most 1',
      GRAPHWEFT_INSTRUMENT_SAMPLING,
    );
  }
  return Object.freeze({
    kind: choiceOption('GRAPHWEFT_INSTRUMENT', GRAPHWEFT_INSTRUMENT || 'none', INSTRUMENT_KINDS),
    path: GRAPHWEFT_INSTRUMENT_PATH || DEFAULT_INSTRUMENT_PATH,
    sampling,
  });
}
