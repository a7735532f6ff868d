import type { Mapping } from 'graphweft';
import type { WorkloadName } from './workload.ts';

export interface WorkloadMapping {
  /** DuckDB's types by column. */
  readonly types: Readonly<Record<string, string>>;
  readonly mapping: Mapping;
}

export const MAPPINGS: Readonly<Record<WorkloadName, WorkloadMapping>>;
