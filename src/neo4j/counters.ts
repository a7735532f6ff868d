import type { QueryStatistics } from 'neo4j-driver';
import type { Statistics } from '../core/statistics.ts';

/** Gives the driver's counters that are not zero, in snake_case. @internal */
export function countersOf(counters: QueryStatistics): Statistics {
  const found = Object.entries(counters.updates()).filter(([, count]) => count > 0);
  return Object.fromEntries(
    found.map(([name, count]) => [name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), count]),
  );
}
