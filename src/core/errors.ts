/**
 * Every error that graphweft raises has a code from this one table. `docs/errors.md` holds the same codes with
 * cause and remedy; a test compares the two.
 */
export const ERROR_CODES = {
  GW_CONFIG_OPTION: 'an option has a value that it cannot have',
  GW_CONFIG_UNKNOWN: 'an option, flag or variable that does not exist',
  GW_CONFIG_NO_DATABASE: 'no database address is known',
  GW_CONFIG_STATEMENT: 'a statement cannot serve as asked',
  GW_CONFIG_CONSTRAINT: 'a constraint that a mapping needs is missing',
  GW_MAPPING_COLUMN: 'a mapping wants a column that the rows do not have',
  GW_SOURCE_MISSING: 'a source file does not exist or cannot be read',
  GW_SOURCE_FORMAT: 'a source file is not what its options say',
  GW_SOURCE_MEMORY: 'a file takes more memory to read than its reader may use',
  GW_SOURCE_ROW: 'a line of a source file is malformed',
  GW_SOURCE_ORDER: 'rows that are to be read again in the same order have none',
  GW_SQL_DRIVER: "the package of a SQL database's driver is not installed",
  GW_SQL_UNAVAILABLE: 'a SQL database does not answer',
  GW_SQL_AUTH: 'a SQL database refused the credentials',
  GW_SQL_STATEMENT: 'a SQL database refused a statement',
  GW_VALIDATION_ROW: 'a row does not satisfy its schema',
  GW_VALIDATION_ALL: 'a schema rejects every row',
  GW_SPLIT_KEY: 'a row has no usable node key',
  GW_SPLIT_RANGE: 'an id extractor gave a bucket outside the grid',
  GW_PARALLEL_CELL: 'a cell of a wave could not be written',
  GW_VALUE_INTEGER: 'an integer cannot be sent without loss',
  GW_VALUE_FUNCTION: 'a function of a mapping fails for a row',
  GW_VALUE_TYPE: 'a value has no Neo4j type',
  GW_RUN_TAKEN: 'another process loads the same run',
  GW_RUN_CHANGED: 'a run cannot go on because its load is another one now',
  GW_RUN_LEDGER: 'a load that is to be resumed cannot keep its ledger',
  GW_REJECTED_LIMIT: 'more rows were rejected than the load allows',
  GW_REJECTED_RETRY: 'rejected rows cannot be loaded again as asked',
  GW_WRITE_ALL: 'the server refuses every row',
  GW_VALUE_TEXT: 'a text is not well-formed',
  GW_VALUE_PROPERTY: 'a property cannot hold a value',
  GW_WRITE_MISSING_NODE: 'an end of a relationship is not in the database',
  GW_SINK_FILE: 'a file cannot be written',
  GW_SINK_TYPE: 'a value does not fit its column, or has none',
  GW_GDS_MISSING: 'the Graph Data Science library is not installed',
  GW_NEO4J_UNAVAILABLE: 'the server does not answer',
  GW_NEO4J_TOKEN: 'no token could be got to sign in with',
  GW_NEO4J_AUTH: 'the server refused the credentials',
  GW_NEO4J_DATABASE: 'the database does not exist or is not ready',
  GW_NEO4J_SYNTAX: 'the server refused the statement',
  GW_NEO4J_CONSTRAINT: 'the server refused a row for a constraint',
  GW_NEO4J_TIMEOUT: 'a transaction ran longer than its limit',
  GW_NEO4J_RETRIES: 'a transient error outlasted its retries',
  GW_NEO4J_WRITE: 'the server refused a write',
  GW_EMBEDDED_JAVA: 'no suitable Java runtime',
  GW_EMBEDDED_MAVEN: 'the server cannot be fetched',
  GW_EMBEDDED_PORT: 'the port of the embedded server is taken',
  GW_EMBEDDED_START: 'the embedded server did not start',
  GW_EMBEDDED_DATA: 'the data folder of the embedded server cannot be used',
  GW_REJECTED_FILE: 'the file of rejected rows cannot be written',
  GW_RUN_ID: 'no run has this id, or more than one',
  GW_INSTRUMENT_FILE: 'the file of events cannot be written',
  GW_TASK_FAILED: 'a task failed',
  GW_ABORTED: 'the run was interrupted',
  GW_INTERNAL: 'a defect in graphweft',
} as const;

/** One of the codes of {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** What an error knows beside its code and its sentence. */
export interface ErrorOptions {
  /** What was underneath; always kept. */
  readonly cause?: unknown;
  /** Whether the same call may succeed later. Default: false. */
  readonly retriable?: boolean;
  /** Plain values that say where: file, row, task, cell, batch. Never secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The plain form of an error, for logs and other processes. */
export interface ErrorJson {
  readonly name: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly retriable: boolean;
  readonly details: Readonly<Record<string, unknown>>;
  readonly cause?: CauseJson;
}

/** The plain form of a cause, which may be anyone's error. */
export type CauseJson =
  | ErrorJson
  | {
      readonly name: string;
      readonly message: string;
      readonly code?: string;
      readonly cause?: CauseJson;
    };

/** Is the root of all errors of graphweft: a code, one clear sentence, and what was underneath. */
export class GraphweftError extends Error {
  override readonly name: string = 'GraphweftError';
  readonly code: ErrorCode;
  readonly retriable: boolean;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retriable = options.retriable ?? false;
    this.details = Object.freeze({ ...options.details });
  }

  toJSON(): ErrorJson {
    const cause = causeToJson(this.cause);
    return {
      name: this.name,
      code: this.code,
      message: this.message,
      retriable: this.retriable,
      details: plainDetails(this.details),
      ...(cause && { cause }),
    };
  }

  /** Builds the error again from {@link GraphweftError.toJSON}; unknown names become a plain GraphweftError. */
  static fromJSON(json: ErrorJson): GraphweftError {
    const { cause, details, retriable } = json;
    const options = { details, retriable, ...(cause && { cause: causeFromJson(cause) }) };
    const Class = CLASSES[json.name] ?? CLASSES.GraphweftError;
    return new Class(json.code, json.message, options);
  }
}

/** Says that an option, flag, variable or statement is not what it must be. Command line: exit code 2. */
export class ConfigError extends GraphweftError {
  override readonly name = 'ConfigError';
}
/** Says that a source cannot be read. */
export class SourceError extends GraphweftError {
  override readonly name = 'SourceError';
}
/** Says that rows are not what the load needs: schema, keys, values. */
export class ValidationError extends GraphweftError {
  override readonly name = 'ValidationError';
}
/** Says that the database did not take what it was sent. */
export class WriteError extends GraphweftError {
  override readonly name = 'WriteError';
}
/** Says that the work was interrupted before it was done. Command line: exit code 130. */
export class AbortedError extends GraphweftError {
  override readonly name = 'AbortedError';
}

/** Also the root itself: a class that names itself within is called otherwise in the bundle. */
const CLASSES: Readonly<Record<string, typeof GraphweftError>> & {
  readonly GraphweftError: typeof GraphweftError;
} = {
  GraphweftError,
  ConfigError,
  SourceError,
  ValidationError,
  WriteError,
  AbortedError,
};

/** Details may hold a row, and a row what JSON has no form for: bigints become text, what refers to itself its class. */
function plainDetails(details: ErrorJson['details']): ErrorJson['details'] {
  return Object.fromEntries(Object.entries(details).map(([name, value]) => [name, plainValue(value)]));
}

function plainValue(value: unknown): unknown {
  try {
    const text = JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? String(v) : v));
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return Object.prototype.toString.call(value); // a cycle
  }
}

function causeToJson(cause: unknown): CauseJson | undefined {
  if (cause instanceof GraphweftError) return cause.toJSON();
  if (cause instanceof Error) {
    const code = (cause as { code?: unknown }).code;
    const below = causeToJson(cause.cause);
    return {
      name: cause.name,
      message: cause.message,
      ...(typeof code === 'string' && { code }),
      ...(below && { cause: below }),
    };
  }
  return cause === undefined ? undefined : { name: typeof cause, message: String(cause) };
}

function causeFromJson(json: CauseJson): Error {
  if ('details' in json) return GraphweftError.fromJSON(json);
  const options = json.cause && { cause: causeFromJson(json.cause) };
  const error: Error & { code?: string } = new Error(json.message, options);
  error.name = json.name;
  if (json.code !== undefined) error.code = json.code;
  return error;
}

/** Finds the first {@link AbortedError} or `AbortError` in a chain of causes. */
export function isAbort(error: unknown): boolean {
  for (let e = error; e instanceof Error; e = e.cause) {
    if (e instanceof AbortedError || e.name === 'AbortError') return true;
  }
  return false;
}

/** Throws {@link AbortedError} when the signal is aborted; the reason becomes its cause. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  if (signal.reason instanceof AbortedError) throw signal.reason;
  throw new AbortedError('GW_ABORTED', 'The run was interrupted.', { cause: signal.reason });
}
