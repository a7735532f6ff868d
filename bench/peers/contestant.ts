/** What is compared: a way to load a workload, and the settings that it is tried with. */
import type { BenchServer } from '../support/bench-server.ts';
import type { GraphFigures, Workload } from '../workloads/workload.ts';

export interface Arena extends BenchServer {
  /** Folder for files of the bench's own; it goes with the bench. */
  readonly scratch: string;
  /** A load that takes longer has failed. */
  readonly timeoutMs: number;
}

export interface Settings {
  /** Writers at the same time. Undefined where the program decides, or there is one. */
  readonly workers?: number;
  readonly batchSize?: number;
  readonly tableSize?: number;
  /** Whether a mapping's batches are counted, which costs a little. Default: false. */
  readonly countsBatches?: boolean;
}

export interface Outcome {
  readonly success: boolean;
  readonly error?: string;
  readonly seconds: number;
  readonly retries: number;
  /** Of the client's process. Undefined where there is none. */
  readonly cpuSeconds?: number;
  readonly peakMb?: number;
  /** Rows that were given up. Default: 0. */
  readonly lost?: number;
  readonly statistics?: Readonly<Record<string, number>>;
  /** What was built, where it is not in the server's database. */
  readonly graph?: Partial<GraphFigures>;
}

export interface Tuning {
  /** Numbers of workers to try. Default: the contestant's own. */
  readonly workers?: readonly number[] | undefined;
  /** Rows a transaction to try. */
  readonly batchSizes: readonly number[];
  readonly tableSize: number;
}

export interface Contestant {
  /** Its name on the command line and in the results. */
  readonly id: string;
  readonly name: string;
  /** Settings to try; the fastest that loses no row is compared. */
  settings(tuning: Tuning): readonly Settings[];
  run(arena: Arena, work: Workload, settings: Settings): Promise<Outcome>;
  /** Whether of rows that are one relationship the last one counts. Default: true. */
  keepsOrder?(settings: Settings): boolean;
  /** Whether it builds a store of its own and leaves the server alone. Default: false. */
  readonly isOffline?: boolean;
  /** Installs what it needs. */
  prepare?(): Promise<void>;
}

/** Combines numbers of workers with sizes of batches, and with what does not vary. */
export function byWorkers(
  counts: readonly number[],
  batchSizes: readonly number[],
  rest: Omit<Settings, 'workers' | 'batchSize'> = {},
): readonly Settings[] {
  return counts.flatMap((workers) => batchSizes.map((batchSize) => ({ ...rest, workers, batchSize })));
}
