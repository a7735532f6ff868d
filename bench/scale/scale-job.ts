/** What goes between the bench and the process that it measures. */

export const STAGES = ['rows made only', 'whole pipeline'] as const;
export type Stage = (typeof STAGES)[number];

export interface ScaleJob {
  readonly stage: Stage;
  readonly rows: number;
  readonly workers: number;
  readonly batchSize: number;
}

export interface ScaleOutcome {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly batches: number;
  readonly bytes: number;
  /** Resident memory when each tenth of the rows was through, in MB (10^6 bytes). */
  readonly tenthsMb: readonly number[];
  readonly peakMb: number;
}
