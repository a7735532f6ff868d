import { type ETLContext, node, ParallelCSVLoad2Neo4jTask, relationship } from 'graphweft';
import type { Kind } from './trips.ts';

export interface TripsLoad {
  readonly file: string;
  readonly kind: Kind;
  readonly run: string;
  readonly rejectedFile: string;
}

/** The parallel load of the trips, by a mapping or by a statement. */
export function tripsTask(
  context: ETLContext,
  { file, kind, run, rejectedFile }: TripsLoad,
): ParallelCSVLoad2Neo4jTask {
  const place = (column: string) => node('Place', { id: column });
  const what =
    kind === 'mapping'
      ? {
          mapping: relationship('TRIP', {
            from: place('start'),
            to: place('end'),
            properties: ['n', 'day'],
            write: 'create',
          }),
        }
      : {
          query: `UNWIND $batch AS row MATCH (a:Place {id: row.start}) MATCH (b:Place {id: row.end})
            CREATE (a)-[:TRIP {n: row.n, day: date(row.day)}]->(b)`,
          startKey: 'start',
          endKey: 'end',
          monopartite: true,
        };
  return new ParallelCSVLoad2Neo4jTask(context, {
    file,
    ...what,
    types: { start: 'BIGINT', end: 'BIGINT', n: 'BIGINT' },
    resume: run,
    rejectedFile,
    batchSize: 2_000,
  });
}
