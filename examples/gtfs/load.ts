import {
  CSVLoad2Neo4jTask,
  type CSVLoad2Neo4jTaskOptions,
  type ETLContext,
  ExecuteCypherTask,
  node,
  ParallelCSVLoad2Neo4jTask,
  relationship,
  type Task,
  TaskGroup,
} from 'graphweft';
import type { Feed, GraphCounts } from './feed.ts';
import {
  agencyTable,
  calendarDateTable,
  calendarTable,
  routeTable,
  stopTable,
  stopTimeTable,
  transferTable,
  tripTable,
} from './tables.ts';

/** Labels with the properties of their unique key. Uniqueness is all that is asked for: Community has it. */
const KEYS = {
  Agency: ['id'],
  Route: ['id'],
  Stop: ['id'],
  Service: ['id'],
  Day: ['date'],
  Trip: ['id'],
  StopTime: ['trip', 'sequence'],
} as const;

const RELATIONSHIPS = [
  'OPERATED_BY',
  'PART_OF',
  'EXCEPTION',
  'OF_ROUTE',
  'ON_SERVICE',
  'OF_TRIP',
  'AT_STOP',
  'TRANSFER',
  'NEXT',
] as const;

const PARENTS = `UNWIND $batch AS row
  WITH row WHERE row.parent_station IS NOT NULL
  MATCH (stop:Stop {id: row.stop_id}) MATCH (station:Stop {id: row.parent_station})
  MERGE (stop)-[:PART_OF]->(station)`;

/** The order of a trip's stops is known when all are there; each transaction takes some trips. */
const NEXT = `MATCH (trip:Trip) WHERE trip.id IS NOT NULL
  CALL (trip) {
    MATCH (trip)<-[:OF_TRIP]-(stopTime:StopTime)
    WITH stopTime ORDER BY stopTime.sequence
    WITH collect(stopTime) AS stopTimes
    UNWIND range(1, size(stopTimes) - 1) AS i
    WITH stopTimes[i - 1] AS here, stopTimes[i] AS there
    MERGE (here)-[next:NEXT]->(there)
    SET next.seconds = there.arrival - here.departure
  } IN TRANSACTIONS OF 500 ROWS`;

export interface GtfsOptions {
  /** Cells written at the same time, where stop times are. Default: that of the load. */
  readonly workers?: number | undefined;
}

/** Builds the load of a feed: constraints, tables in the order of their references, and what follows from them. */
export function gtfsTask(context: ETLContext, feed: Feed, { workers }: GtfsOptions = {}): Task {
  const { file, has, onlyAgency, expected } = feed;
  const table = (name: string, options: Omit<CSVLoad2Neo4jTaskOptions, 'name'>) =>
    new CSVLoad2Neo4jTask(context, { name, ...options });
  const stopTime = node(
    'StopTime',
    { trip: 'trip_id', sequence: 'stop_sequence' },
    { properties: { arrival: 'arrival_time', departure: 'departure_time' }, write: 'create' },
  );
  const stopTimes = [
    relationship('OF_TRIP', { from: stopTime, to: node('Trip', { id: 'trip_id' }), write: 'create' }),
    relationship('AT_STOP', { from: stopTime, to: node('Stop', { id: 'stop_id' }), write: 'create' }),
  ];
  const trip = node(
    'Trip',
    { id: 'trip_id' },
    { properties: { headsign: 'trip_headsign', direction: 'direction_id' }, write: 'merge' },
  );
  return new TaskGroup(
    context,
    [
      new ExecuteCypherTask(context, { name: 'constraints', query: Object.keys(KEYS).map(constraint) }),
      table('agencies', {
        file: file('agency'),
        schema: agencyTable(onlyAgency),
        mapping: node(
          'Agency',
          { id: 'agency_id' },
          { properties: { name: 'agency_name', timezone: 'agency_timezone' } },
        ),
      }),
      table('routes', {
        file: file('routes'),
        schema: routeTable(onlyAgency),
        mapping: relationship('OPERATED_BY', {
          from: node(
            'Route',
            { id: 'route_id' },
            {
              properties: { shortName: 'route_short_name', longName: 'route_long_name', type: 'route_type' },
              write: 'merge',
            },
          ),
          to: node('Agency', { id: 'agency_id' }),
        }),
      }),
      table('stops', {
        file: file('stops'),
        schema: stopTable,
        floatColumns: ['stop_lat', 'stop_lon'],
        mapping: node(
          'Stop',
          { id: 'stop_id' },
          {
            properties: {
              name: 'stop_name',
              latitude: 'stop_lat',
              longitude: 'stop_lon',
              type: 'location_type',
            },
          },
        ),
      }),
      ...when(
        expected.PART_OF! > 0,
        () => table('stations', { file: file('stops'), schema: stopTable, query: PARENTS }), // a station may come after its stops
      ),
      ...when(has('calendar'), () =>
        table('calendars', {
          file: file('calendar'),
          schema: calendarTable,
          mapping: node(
            'Service',
            { id: 'service_id' },
            {
              properties: {
                monday: 'monday',
                tuesday: 'tuesday',
                wednesday: 'wednesday',
                thursday: 'thursday',
                friday: 'friday',
                saturday: 'saturday',
                sunday: 'sunday',
                from: 'start_date',
                to: 'end_date',
              },
            },
          ),
        }),
      ),
      ...when(has('calendar_dates'), () =>
        table('calendar dates', {
          file: file('calendar_dates'),
          schema: calendarDateTable,
          mapping: relationship('EXCEPTION', {
            from: node('Service', { id: 'service_id' }, { write: 'merge' }),
            to: node('Day', { date: 'date' }, { write: 'merge' }),
            properties: { runs: 'exception_type' },
          }),
        }),
      ),
      table('trips', {
        file: file('trips'),
        schema: tripTable,
        mapping: [
          relationship('OF_ROUTE', { from: trip, to: node('Route', { id: 'route_id' }) }),
          relationship('ON_SERVICE', { from: trip, to: node('Service', { id: 'service_id' }) }),
        ],
      }),
      new ParallelCSVLoad2Neo4jTask(context, {
        name: 'stop times',
        file: file('stop_times'),
        schema: stopTimeTable,
        mapping: stopTimes,
        ...(workers !== undefined && { maxWorkers: workers }),
      }),
      ...when(expected.TRANSFER! > 0, () =>
        table('transfers', {
          file: file('transfers'),
          schema: transferTable,
          mapping: relationship('TRANSFER', {
            from: node('Stop', { id: 'from_stop_id' }),
            to: node('Stop', { id: 'to_stop_id' }),
            properties: { type: 'transfer_type', minSeconds: 'min_transfer_time' },
          }),
        }),
      ),
      new ExecuteCypherTask(context, { name: 'next stops', query: NEXT }),
    ],
    'GTFS',
  );
}

function when(condition: boolean, build: () => Task): readonly Task[] {
  return condition ? [build()] : [];
}

function constraint(label: string): string {
  const keys = KEYS[label as keyof typeof KEYS].map((key) => `n.${key}`).join(', ');
  return `CREATE CONSTRAINT gtfs_${label.toLowerCase()} IF NOT EXISTS FOR (n:${label}) REQUIRE (${keys}) IS UNIQUE`;
}

/** Counts what is there; nodes without their key, and relationships of other nodes, are of somebody else. */
export async function readBack(context: ETLContext): Promise<GraphCounts> {
  const nodes = Object.entries(KEYS).map(
    ([label, [key]]) => `COUNT { MATCH (n:${label}) WHERE n.${key} IS NOT NULL } AS ${label}`,
  );
  const own = Object.keys(KEYS).join('|');
  const relationships = RELATIONSHIPS.map((type) => `COUNT { (:${own})-[:${type}]->(:${own}) } AS ${type}`);
  const { rows } = await context.neo4j.query(`RETURN ${[...nodes, ...relationships].join(',\n  ')}`);
  return Object.fromEntries(Object.entries(rows[0]!).map(([name, count]) => [name, Number(count)]));
}

/** Counts the nodes of a feed. */
export async function countNodes(context: ETLContext): Promise<number> {
  const found = await readBack(context);
  return Object.keys(KEYS).reduce((sum, label) => sum + (found[label] ?? 0), 0);
}

export async function clearFeed(context: ETLContext): Promise<void> {
  for (const [label, [key]] of Object.entries(KEYS).reverse()) {
    await context.neo4j.query(
      `MATCH (n:${label}) WHERE n.${key} IS NOT NULL CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS`,
    );
  }
}
