/** What a load is, in JSON, so that rows which it rejected can be loaded again without its program. */
import { readFileSync } from 'node:fs';
import { GraphweftError } from '../core/errors.ts';
import { pickOptions } from '../core/options.ts';
import { type LoadDescription, RejectedRows } from '../sinks/rejected-rows.ts';
import { LINE_OPTION_NAMES, type LineOptions } from '../sources/mended-lines.ts';
import type { LoadOptions } from './load-options.ts';
import { digest, mappingText } from './load-run.ts';

/** Options that a retry takes over as they are. */
const KEPT = [
  'name',
  'query',
  'batchSize',
  'constraints',
  'missingNodes',
  'nullKeys',
  'badRows',
  'duplicateKeys',
] as const satisfies readonly (keyof LoadOptions)[];

export interface DescribedLoad extends LoadDescription {
  readonly version: 1;
  readonly options: Partial<LoadOptions>;
  /** What JSON cannot hold of it: `schema`, or `functions` of the mapping. */
  readonly lacks: readonly string[];
  /** How lines of its source are read. */
  readonly lines: LineOptions;
}

/** Describes a load. Neither addresses nor secrets are in it. */
export function describeLoad(options: LoadOptions, floatColumns: readonly string[]): DescribedLoad {
  const hasFunctions = holdsFunctions(options.mapping);
  const described = {
    version: 1 as const,
    options: {
      ...pickOptions(options, KEPT),
      ...(options.mapping && { mapping: options.mapping }),
      floatColumns,
    },
    lacks: [...(options.schema ? ['schema'] : []), ...(hasFunctions ? ['functions'] : [])],
    lines: pickOptions(options as LoadOptions & LineOptions, LINE_OPTION_NAMES),
  };
  return { id: digest([described, mappingText(options.mapping)]), ...described };
}

function holdsFunctions(value: unknown): boolean {
  if (typeof value === 'function') return true;
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsFunctions);
}

/**
 * Reads the descriptions beside a file of rejected rows, the last one first.
 * @throws {@link GraphweftError} `GW_REJECTED_RETRY` where there are none.
 */
export function readDescriptions(file: string): readonly DescribedLoad[] {
  const path = RejectedRows.descriptionPath(file);
  let described: readonly DescribedLoad[];
  try {
    const lines = readFileSync(path, 'utf8').split('\n');
    described = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as DescribedLoad);
  } catch (cause) {
    const message = `${path}, which says how the rows were loaded, cannot be read: ${(cause as Error).message}`;
    throw retryError(message, { cause });
  }
  if (described.some(({ version }) => version !== 1))
    throw retryError(`${path} is of another version of graphweft.`);
  return described.toReversed();
}

/** Leaves out the loads that only a program has. @throws {@link GraphweftError} `GW_REJECTED_RETRY` where none is left. */
export function withoutPrograms(described: readonly DescribedLoad[]): readonly DescribedLoad[] {
  const whole = described.filter(({ lacks }) => lacks.length === 0);
  if (whole.length > 0) return whole;
  const what = [...new Set(described.flatMap(({ lacks }) => lacks))]
    .map((part) => (part === 'schema' ? 'a schema' : 'functions in its mapping'))
    .join(' and ');
  throw retryError(
    `The load has ${what}, which only its program has; load the rows again there, with a RejectedRowsRetryTask and the ` +
      "load's own options.",
  );
}

function retryError(message: string, options: { readonly cause?: unknown } = {}): GraphweftError {
  return new GraphweftError('GW_REJECTED_RETRY', message, options);
}
