import {
  CSVLoad2Neo4jTask,
  type ETLContext,
  ExecuteCypherTask,
  ParallelCSVLoad2Neo4jTask,
  ParallelParquetLoad2Neo4jTask,
  ParquetLoad2Neo4jTask,
  type Task,
  TaskGroup,
} from 'graphweft';
import { trip } from './trip.ts';

/** The zones of the TLC's map, of which 264 and 265 mean "unknown" and "outside". */
const ZONES = 265;

const TRIPS = `UNWIND $batch AS row
  MATCH (pickUp:Location {id: row.PULocationID})
  MATCH (dropOff:Location {id: row.DOLocationID})
  CREATE (t:Trip {
    vendor: row.VendorID, pickedUpAt: row.tpep_pickup_datetime, droppedOffAt: row.tpep_dropoff_datetime,
    passengers: row.passenger_count, distance: row.trip_distance, fare: row.fare_amount, total: row.total_amount
  })
  CREATE (t)-[:PICKED_UP_AT]->(pickUp)
  CREATE (t)-[:DROPPED_OFF_AT]->(dropOff)`;

export interface TripsOptions {
  readonly file: string;
  readonly mode: 'sequential' | 'parallel';
  readonly workers?: number;
  /** Id of the load. */
  readonly resume?: string;
  readonly fresh?: boolean;
}

/** Builds the load: the constraint, the zones, then the trips. Uniqueness is all it asks for: Community has it. */
export function tripsTask(context: ETLContext, { file, mode, workers, ...run }: TripsOptions): Task {
  const constraint = new ExecuteCypherTask(context, {
    name: 'constraint',
    query: 'CREATE CONSTRAINT location_id IF NOT EXISTS FOR (l:Location) REQUIRE l.id IS UNIQUE',
  });
  const zones = new ExecuteCypherTask(context, {
    name: 'zones',
    query: 'UNWIND range(1, $zones) AS id MERGE (:Location {id: id})',
    parameters: { zones: ZONES },
  });
  const options = { name: 'trips', file, schema: trip, query: TRIPS, floatColumns: FLOATS, ...run };
  // A zone is where one trip begins and another ends: rows and columns of the grid are buckets of the same nodes.
  const grid = {
    startKey: 'PULocationID',
    endKey: 'DOLocationID',
    monopartite: true,
    ...(workers !== undefined && { maxWorkers: workers }),
  };
  return new TaskGroup(context, [constraint, zones, tripsLoad()], 'NYC taxi');

  function tripsLoad(): Task {
    if (/\.parquet$/i.test(file)) {
      return mode === 'parallel'
        ? new ParallelParquetLoad2Neo4jTask(context, { ...options, ...grid })
        : new ParquetLoad2Neo4jTask(context, options);
    }
    return mode === 'parallel'
      ? new ParallelCSVLoad2Neo4jTask(context, { ...options, ...grid })
      : new CSVLoad2Neo4jTask(context, options);
  }
}

/** Distances and amounts stay floats where they happen to be whole. */
const FLOATS = ['trip_distance', 'fare_amount', 'total_amount'];

export async function readBack(
  context: ETLContext,
): Promise<{ readonly trips: number; readonly relationships: number }> {
  const { rows } = await context.neo4j.query(
    `RETURN COUNT { (:Trip) } AS trips,
       COUNT { ()-[:PICKED_UP_AT]->() } + COUNT { ()-[:DROPPED_OFF_AT]->() } AS relationships`,
  );
  return { trips: Number(rows[0]?.trips), relationships: Number(rows[0]?.relationships) };
}
