import type { Mapping } from 'graphweft';
import type { WorkloadName } from './workload.ts';

export interface WorkloadMapping {
  /** DuckDB's types by column. */
  readonly types: Readonly<Record<string, string>>;
  /** Those that are read. Default: all. */
  readonly columns?: readonly string[];
  readonly mapping: Mapping;
}

export const MAPPINGS: Readonly<Record<WorkloadName, WorkloadMapping>>;
