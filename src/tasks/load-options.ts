/** The options that all loads have. */
import { resolve } from 'node:path';
import { optionError, stringOption } from '../core/options.ts';
import type { CompiledMapping } from '../mapping/compile.ts';
import type { MappingFor } from '../mapping/patterns.ts';
import type { RowPolicy } from '../sinks/batch-writer.ts';
import { CYPHER_WRITE_OPTION_NAMES, type CypherWriteOptions } from '../sinks/cypher-batch-sink.ts';
import type { RejectLimit } from '../sinks/reject-limit.ts';
import type { RowPolicies } from '../sinks/row-policies.ts';
import type { RowSchema } from '../transforms/validation-batch-processor.ts';

/** Any row; with a schema, what it gives out. */
// biome-ignore lint/suspicious/noExplicitAny: a load without a schema knows nothing of its rows, and all of them fit
export type AnyRow = any;

/**
 * The options that all loads have.
 * @typeParam Out What the schema gives out: the mapping can name no other columns.
 */
export interface LoadOptions<Out = AnyRow> extends CypherWriteOptions, RowPolicies {
  /** Name in reports. Default: the class's name. */
  readonly name?: string;
  /** A statement over `$batch`, sent as given: `UNWIND $batch AS row MERGE (…)`. Either this or `mapping`. */
  readonly query?: string;
  /** What each row becomes: compiled to the fastest statement known. Either this or `query`. */
  readonly mapping?: MappingFor<Out>;
  /**
   * For a mapping: `create` makes the unique constraints that its keys need, `check` ends the load where one is missing,
   * `none` does neither. Default: 'create'.
   */
  readonly constraints?: ConstraintPolicy;
  /** For a mapping: what to do with a row whose end node is not in the database. Default: 'reject'. */
  readonly missingNodes?: RowPolicy;
  /** Rows a transaction, at most; from 1. Default: 10,000; 20,000 for a mapping that merges relationships. */
  readonly batchSize?: number;
  /** What a row must be (zod, valibot, …); rows that are not go to the rejected file. Default: no check. */
  readonly schema?: RowSchema<unknown, Out>;
  /** JSON-lines file for rejected rows. Default: `rejected/<name of the source>.jsonl`. */
  readonly rejectedFile?: string;
  /** Rows that may be rejected: a number, or a share such as '0.5%'; one more ends the load. Default: any number. */
  readonly maxRejected?: RejectLimit;
  /** What to do with a row that has no node key. Default: 'reject'. */
  readonly nullKeys?: RowPolicy;
  /**
   * Id of the run. A load that was stopped goes on where it was when it is started again; with an id of its own it is
   * also remembered when it is done, and never loaded twice. `false`: the database remembers nothing. Default: an id
   * from the load's name and source, forgotten when the load is done. At most 1,000 characters.
   */
  readonly resume?: string | false;
  /**
   * Property that the run's id is written to: by a mapping on all that it creates; a `query` has the id as `$run` and sets
   * it itself. `graphweft runs delete --id RUN --rows` then undoes the load. Needs `resume`. Default: none.
   */
  readonly runTag?: string;
  /** Forgets what an earlier attempt of the run committed, and begins from the start. Default: false. */
  readonly fresh?: boolean;
}

/** The options that all loads of files have. */
export interface FileLoadOptions<Out = AnyRow> extends LoadOptions<Out> {
  /** Path or pattern (`*`, `**`, `?`, `[…]`) of the source; `.gz` and `.zst` are unpacked. */
  readonly file: string;
}

/** @internal */
export const LOAD_OPTION_NAMES = [
  'name',
  'query',
  'mapping',
  'constraints',
  'missingNodes',
  'batchSize',
  'schema',
  'rejectedFile',
  'maxRejected',
  'nullKeys',
  'badRows',
  'duplicateKeys',
  'resume',
  'runTag',
  'fresh',
  ...CYPHER_WRITE_OPTION_NAMES,
] as const satisfies readonly (keyof LoadOptions)[];

export const CONSTRAINT_POLICIES = ['create', 'check', 'none'] as const;
/** `create` makes the constraints that are missing, `check` ends the load where one is, `none` does neither. */
export type ConstraintPolicy = (typeof CONSTRAINT_POLICIES)[number];

/** Flights and taxi trips were as fast with 5,000, and took 5 % longer with 20,000. */
export const DEFAULT_BATCH_SIZE = 10_000;
/**
 * Rows a batch where relationships are merged: a node that comes again in a batch is found and looked through once. 3 M ratings took 36.0
 * and 48.2 s with 10,000, 32.9 and 31.0 with 20,000, 31.9 and 31.6 with 40,000.
 */
const MERGED_BATCH_SIZE = 20_000;

/** Rows a batch where nothing else is asked for. */
export function defaultBatchSize(mapping: CompiledMapping | undefined): number {
  return mapping?.statementByEnd === undefined ? DEFAULT_BATCH_SIZE : MERGED_BATCH_SIZE;
}

/** The `file` of a load; rejected rows do not go there. @internal */
export function fileOf({ file, rejectedFile }: FileLoadOptions): string {
  stringOption('file', file);
  if (rejectedFile !== undefined && resolve(stringOption('rejectedFile', rejectedFile)) === resolve(file))
    throw optionError('rejectedFile', 'another file than the source', rejectedFile);
  return file;
}
