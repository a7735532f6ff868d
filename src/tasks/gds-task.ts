import { mergeStatistics, type Statistics } from '../core/statistics.ts';
import type { TaskReturn } from '../core/task-return.ts';
import type { QueryResult } from '../neo4j/connection.ts';
import { ExecuteCypherTask } from './execute-cypher-task.ts';

/**
 * Runs procedures of Neo4j's Graph Data Science library: project a graph, run an algorithm, write its result. The
 * numbers that they give are the task's summary (`nodeCount`, `relationshipsWritten`, `computeMillis`, …); the records
 * are in `results`.
 *
 * @throws {@link ConfigError} `GW_GDS_MISSING`, as the task's error, where the server has no such library.
 * @example
 * ```ts
 * new GDSTask(context, {
 *   query: [
 *     "CALL gds.graph.project('flights', 'Airport', 'FLIGHT')",
 *     "CALL gds.pageRank.write('flights', {writeProperty: 'rank'})",
 *   ],
 * });
 * ```
 */
export class GDSTask extends ExecuteCypherTask {
  #results: readonly QueryResult['rows'][] = [];

  /** The records of each statement, once the task has run. */
  get results(): readonly QueryResult['rows'][] {
    return this.#results;
  }

  override runInternal(): Promise<TaskReturn> {
    this.#results = [];
    return super.runInternal();
  }

  protected override summaryOf({ rows, statistics }: QueryResult): Statistics {
    this.#results = [...this.#results, rows];
    const numbers = rows.map((row) =>
      Object.fromEntries(Object.entries(row).filter(([, value]) => typeof value === 'number')),
    ) as Statistics[];
    return mergeStatistics(statistics, ...numbers);
  }
}
