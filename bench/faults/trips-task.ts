import { CSVLoad2Neo4jTask, type ETLContext, node, ParallelCSVLoad2Neo4jTask, relationship } from 'graphweft';
import type { LoadJob } from './killed-load.ts';
import type { Kind } from './trips.ts';

const TYPES = { start: 'BIGINT', end: 'BIGINT', n: 'BIGINT' };
const WORKERS = 4;

/** What becomes of a trip: by a mapping, or by a statement with the keys that it needs in parallel. */
function writeOf(kind: Kind, isParallel: boolean) {
  if (kind === 'query') {
    return {
      query: `UNWIND $batch AS row MATCH (a:Place {id: row.start}) MATCH (b:Place {id: row.end})
        CREATE (a)-[:TRIP {n: row.n, day: date(row.day)}]->(b)`,
      ...(isParallel && { startKey: 'start', endKey: 'end', monopartite: true }),
    };
  }
  const place = (column: string) => node('Place', { id: column });
  return {
    mapping: relationship('TRIP', {
      from: place('start'),
      to: place('end'),
      properties: ['n', 'day'],
      write: 'create',
    }),
  };
}

/** The load of the trips. */
export function tripsTask(
  context: ETLContext,
  { file, kind, schedule, run, rejectedFile, batchSize }: LoadJob,
): CSVLoad2Neo4jTask | ParallelCSVLoad2Neo4jTask {
  const options = { file, types: TYPES, resume: run, rejectedFile, batchSize };
  return schedule === 'sequential'
    ? new CSVLoad2Neo4jTask(context, { ...options, ...writeOf(kind, false) })
    : new ParallelCSVLoad2Neo4jTask(context, {
        ...options,
        ...writeOf(kind, true),
        schedule,
        maxWorkers: WORKERS,
      });
}
