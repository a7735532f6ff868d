import { choiceOption } from '../core/options.ts';
import type { Task } from '../core/task.ts';
import type { Neo4jContext, WriteOptions } from '../neo4j/connection.ts';
import type { RunLedger } from '../neo4j/run-ledger.ts';
import { type BatchWriterOptions, ROW_POLICIES, type RowPolicy, type SharedWriting } from './batch-writer.ts';
import { RejectedRows } from './rejected-rows.ts';

/** What becomes of rows that cannot be written. */
export interface RowPolicies {
  /** A row that the server refuses, or that cannot be sent. Default: 'reject' in load tasks, 'error' elsewhere. */
  readonly badRows?: RowPolicy;
  /** A row whose key exists already. Default: as `badRows`. */
  readonly duplicateKeys?: RowPolicy;
}

/** What a load hands to its sinks. */
export interface SinkSurroundings {
  /** JSON-lines file for rows that are rejected. Default: `rejected/rows.jsonl`. */
  readonly rejectedFile?: string | RejectedRows;
  /** Remembers what is committed. Default: nothing does. */
  readonly ledger?: RunLedger | undefined;
  /** What the sinks of a load know together. */
  readonly shared?: SharedWriting | undefined;
}

/** Options that all sinks of Neo4j have, but for those of the write itself. @internal */
export const SINK_OPTION_NAMES = [
  'predecessor',
  'task',
  'badRows',
  'duplicateKeys',
  'rejectedFile',
  'ledger',
  'shared',
] as const;

/** Makes the options of a sink's writer. @throws {@link ConfigError} `GW_CONFIG_OPTION` @internal */
export function writerOptions(
  { context, task }: { readonly context: Neo4jContext; readonly task: Task | undefined },
  write: Omit<WriteOptions, 'signal'>,
  options: RowPolicies & SinkSurroundings,
  statement: string,
): BatchWriterOptions {
  const { rejectedFile = RejectedRows.defaultPath('rows'), ledger, shared } = options;
  const badRows = choiceOption('badRows', options.badRows ?? 'error', ROW_POLICIES);
  return {
    neo4j: context.neo4j,
    task,
    rejected: rejectedFile instanceof RejectedRows ? rejectedFile : new RejectedRows(rejectedFile),
    write: { ...write, signal: () => task?.signal ?? context.signal },
    badRows,
    duplicateKeys: choiceOption('duplicateKeys', options.duplicateKeys ?? badRows, ROW_POLICIES),
    statement,
    ledger,
    shared,
  };
}
