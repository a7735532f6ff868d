import type { BatchResults, BatchSource } from '../../src/core/batch-processor.ts';
import type { TaskContext } from '../../src/core/context.ts';
import { SILENT_REPORTER } from '../../src/core/reporter.ts';
import { mergeStatistics, type Statistics } from '../../src/core/statistics.ts';

/** A context without files, database or terminal. */
export const PLAIN_CONTEXT: TaskContext = Object.freeze({
  env: {},
  reporter: SILENT_REPORTER,
  signal: new AbortController().signal,
});

/** Pulls everything: items, merged statistics, and the batches themselves. */
export async function drain<T>(
  source: BatchSource<T>,
  maxBatchSize: number,
): Promise<{ readonly items: T[]; readonly statistics: Statistics; readonly batches: BatchResults<T>[] }> {
  const batches: BatchResults<T>[] = [];
  for await (const batch of source.getBatch(maxBatchSize)) batches.push(batch);
  return {
    items: batches.flatMap(({ chunk }) => [...chunk]),
    statistics: mergeStatistics(...batches.map(({ statistics }) => statistics)),
    batches,
  };
}
