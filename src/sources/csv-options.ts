import {
  booleanOption,
  choiceOption,
  integerOption,
  optionError,
  someNamesOption,
  stringOption,
} from '../core/options.ts';
import type { RejectedRows } from '../sinks/rejected-rows.ts';
import { DEFAULT_MEMORY_LIMIT_MB } from './duckdb.ts';
import { DECIMAL_FORMS, type DecimalForm } from './duckdb-values.ts';

/** Encodings that a CSV file can be in. */
export const CSV_ENCODINGS = ['utf-8', 'utf-16', 'latin-1'] as const;
/** An encoding of a CSV file. */
export type CsvEncoding = (typeof CSV_ENCODINGS)[number];

/** How CSV files are read. */
export interface CsvReadOptions {
  /** Between fields, 1 to 4 characters. Default: ','. */
  readonly delimiter?: string;
  /** Around fields that hold delimiters or line breaks; '' for none. Default: '"'. */
  readonly quote?: string;
  /** Before a quote inside a quoted field; '' for none. Default: the quote itself, doubled. */
  readonly escape?: string;
  /** Default: 'utf-8', with or without a byte-order mark. */
  readonly encoding?: CsvEncoding;
  /** Whether blank fields are null; otherwise they are empty text. Default: true. */
  readonly blankAsNull?: boolean;
  /**
   * 'text' keeps every field as it stands; 'inferred' takes types from a sample, of dates only where the year comes first; an object gives DuckDB types to some
   * columns ({ price: 'DOUBLE' }) and leaves the rest text. Default: 'text'.
   */
  readonly types?: 'text' | 'inferred' | Readonly<Record<string, string>>;
  /** Columns to read, in this order; the others take no time and no memory, and rejected rows do not have them. Default: all. */
  readonly columns?: readonly string[];
  /** Whether rows get their number as `_row`, counted from 0 in their file. Default: true. */
  readonly rowNumbers?: boolean;
  /** Whether a malformed line ends the load before its first row; otherwise it is a rejected row. Default: false. */
  readonly strict?: boolean;
  /** JSON-lines file for malformed lines. Default: `rejected/<name of the source file>.jsonl`. */
  readonly rejectedFile?: string | RejectedRows;
  /** How decimals arrive. Default: 'number'. */
  readonly decimals?: DecimalForm;
  /** Buffers of the reader in MB (10^6 bytes), at least 64. Default: 1,024, of which most files need a small part. */
  readonly memoryLimitMb?: number;
}

export const CSV_OPTION_NAMES = [
  'delimiter',
  'quote',
  'escape',
  'encoding',
  'blankAsNull',
  'types',
  'columns',
  'rowNumbers',
  'strict',
  'rejectedFile',
  'decimals',
  'memoryLimitMb',
] as const satisfies readonly (keyof CsvReadOptions)[];

export type ResolvedCsvReadOptions = Readonly<
  Required<Omit<CsvReadOptions, 'rejectedFile' | 'columns'>> & { columns: readonly string[] | undefined }
>;

/** The reader wants at least this much to work at all. */
const MIN_MEMORY_LIMIT_MB = 64;

/** Fills in defaults and checks the values. @throws {@link ConfigError} `GW_CONFIG_OPTION` */
export function resolveCsvReadOptions(options: CsvReadOptions): ResolvedCsvReadOptions {
  const quote = options.quote ?? '"';
  const resolved = {
    delimiter: options.delimiter ?? ',',
    quote,
    escape: options.escape ?? quote,
    encoding: choiceOption('encoding', options.encoding ?? 'utf-8', CSV_ENCODINGS),
    blankAsNull: booleanOption('blankAsNull', options.blankAsNull ?? true),
    types: options.types ?? 'text',
    rowNumbers: booleanOption('rowNumbers', options.rowNumbers ?? true),
    strict: booleanOption('strict', options.strict ?? false),
    ...resolveReaderOptions(options),
  };
  if (
    typeof resolved.delimiter !== 'string' ||
    resolved.delimiter.length < 1 ||
    resolved.delimiter.length > 4
  ) {
    throw optionError('delimiter', '1 to 4 characters', options.delimiter);
  }
  for (const name of ['quote', 'escape'] as const) {
    if (typeof resolved[name] !== 'string' || resolved[name].length > 1) {
      throw optionError(name, "one character or ''", options[name]);
    }
  }
  if (typeof resolved.types === 'string') choiceOption('types', resolved.types, ['text', 'inferred']);
  else if (typeof resolved.types !== 'object' || Array.isArray(resolved.types))
    throw optionError('types', '"text", "inferred" or an object with the types of columns', options.types);
  else for (const [column, type] of Object.entries(resolved.types)) stringOption(`types.${column}`, type);
  return Object.freeze(resolved);
}

/** Fills in what every file source has. @internal */
export function resolveReaderOptions(options: {
  readonly columns?: readonly string[] | undefined;
  readonly decimals?: DecimalForm | undefined;
  readonly memoryLimitMb?: number | undefined;
}): {
  readonly columns: readonly string[] | undefined;
  readonly decimals: DecimalForm;
  readonly memoryLimitMb: number;
} {
  const { columns } = options;
  if (columns) someNamesOption('columns', columns);
  return {
    columns,
    decimals: choiceOption('decimals', options.decimals ?? 'number', DECIMAL_FORMS),
    memoryLimitMb: integerOption('memoryLimitMb', options.memoryLimitMb ?? DEFAULT_MEMORY_LIMIT_MB, {
      min: MIN_MEMORY_LIMIT_MB,
    }),
  };
}
