import {
  CSVLoad2Neo4jTask,
  type ETLContext,
  ExecuteCypherTask,
  ParallelParquetLoad2Neo4jTask,
  type Task,
  TaskGroup,
} from 'graphweft';
import { z } from 'zod';
import { dataFile } from './data.ts';

const airport = z.object({
  iata: z.string().min(3),
  name: z.string(),
  city: z.string().nullable(),
  state: z.string().nullable(),
  latitude: z.coerce.number().min(-90).max(90),
  longitude: z.coerce.number().min(-180).max(180),
});

/** What the tasks say that they did. */
export interface Account {
  readonly airports: number;
  readonly flights: number;
  readonly rows: number;
  readonly rowsPerSecond: number;
  readonly retries: number;
  readonly rejected: number;
}

/** Builds the load: the constraint, then the airports, then the flights in parallel. */
export function flightsTask(
  context: ETLContext,
  rows: number,
): { readonly task: Task; readonly account: () => Account } {
  const airports = new CSVLoad2Neo4jTask(context, {
    name: 'airports',
    file: dataFile('airports.csv'),
    schema: airport,
    query: `UNWIND $batch AS row
      MERGE (a:Airport {iata: row.iata})
      SET a += {name: row.name, city: row.city, state: row.state, latitude: row.latitude, longitude: row.longitude}`,
  });
  // Airports are on both ends, so rows and columns of the grid are buckets of the same nodes.
  const flights = new ParallelParquetLoad2Neo4jTask(context, {
    name: 'flights',
    file: dataFile('flights-3m.parquet'),
    maxRows: rows,
    startKey: 'origin',
    endKey: 'destination',
    monopartite: true,
    query: `UNWIND $batch AS row
      MATCH (origin:Airport {iata: row.origin})
      MATCH (destination:Airport {iata: row.destination})
      CREATE (origin)-[:FLIGHT {date: row.date, delay: row.delay, distance: row.distance}]->(destination)`,
  });
  const constraint = new ExecuteCypherTask(context, {
    name: 'constraint',
    query: 'CREATE CONSTRAINT airport_iata IF NOT EXISTS FOR (a:Airport) REQUIRE a.iata IS UNIQUE',
  });
  const task = new TaskGroup(context, [constraint, airports, flights], 'US flights');
  return { task, account: () => accountOf(airports, flights) };
}

function accountOf(airports: Task, flights: Task): Account {
  const { startedAt, endedAt, summary } = flights;
  const seconds = startedAt && endedAt ? (endedAt.getTime() - startedAt.getTime()) / 1000 : 0;
  const rows = summary.cypher_rows_written ?? 0;
  const both = (name: string) => (airports.summary[name] ?? 0) + (summary[name] ?? 0);
  return {
    airports: airports.summary.nodes_created ?? 0,
    flights: summary.relationships_created ?? 0,
    rows,
    rowsPerSecond: seconds > 0 ? rows / seconds : 0,
    retries: both('retries'),
    rejected: both('invalid_rows') + both('csv_lines_rejected'),
  };
}

export async function countAirports(context: ETLContext): Promise<number> {
  const { rows } = await context.neo4j.query('MATCH (a:Airport) RETURN count(a) AS airports');
  return Number(rows[0]?.airports);
}

/** Deletes airports and flights in transactions of a bounded size. */
export async function clearFlights(context: ETLContext): Promise<void> {
  await context.neo4j.query(
    'MATCH (:Airport)-[f:FLIGHT]->() CALL (f) { DELETE f } IN TRANSACTIONS OF 50000 ROWS',
  );
  await context.neo4j.query('MATCH (a:Airport) CALL (a) { DETACH DELETE a } IN TRANSACTIONS OF 1000 ROWS');
}
