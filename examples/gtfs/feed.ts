/** What is in the folder of a feed, counted from the files themselves and not by the load that is to be checked. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { SourceError } from 'graphweft';

const REQUIRED = ['agency', 'stops', 'routes', 'trips', 'stop_times'] as const;
const OPTIONAL = ['calendar', 'calendar_dates', 'transfers'] as const;
export type FeedTable = (typeof REQUIRED)[number] | (typeof OPTIONAL)[number];

/** How many nodes of each label and relationships of each type a graph has. */
export type GraphCounts = Readonly<Record<string, number>>;

export interface Feed {
  /** Gives the path of a table's file. */
  readonly file: (table: FeedTable) => string;
  readonly has: (table: FeedTable) => boolean;
  /** What the one agency of a feed is called where the feed does not say. */
  readonly onlyAgency: string;
  /** What the graph of the feed must have. */
  readonly expected: GraphCounts;
}

/**
 * Counts what is in the folder of a feed.
 * @param name What the feed is called in messages. Default: the folder.
 * @throws {@link SourceError} `GW_SOURCE_MISSING` where a table that every feed has is missing.
 */
export async function openFeed(folder: string, name = folder): Promise<Feed> {
  const file = (table: FeedTable) => join(folder, `${table}.txt`);
  const has = (table: FeedTable) => existsSync(file(table));
  const missing = REQUIRED.filter((table) => !has(table));
  if (!has('calendar') && !has('calendar_dates')) missing.push('calendar' as never);
  if (missing.length > 0) {
    throw new SourceError(
      'GW_SOURCE_MISSING',
      `${name} is no GTFS feed: there is no ${missing.join('.txt, no ')}.txt.`,
    );
  }
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    for (const table of [...REQUIRED, ...OPTIONAL].filter(has)) {
      const path = file(table).replaceAll("'", "''");
      await connection.run(
        `CREATE VIEW ${table} AS FROM read_csv('${path}', header = true, all_varchar = true, delim = ',', quote = '"')`,
      );
    }
    const [agency] = await columnsOf(connection, 'agency').then((columns) =>
      columns.includes('agency_id') ? ask(connection, 'SELECT any_value(agency_id) FROM agency') : [null],
    );
    return {
      file,
      has,
      onlyAgency: agency === null ? 'agency' : String(agency),
      expected: await count(connection, has),
    };
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

async function count(connection: DuckDBConnection, has: (table: FeedTable) => boolean): Promise<GraphCounts> {
  const one = async (select: string) => Number((await ask(connection, `SELECT ${select}`))[0]);
  const services = (['calendar', 'calendar_dates'] as const)
    .filter(has)
    .map((table) => `SELECT service_id FROM ${table}`);
  const agencies = (await columnsOf(connection, 'agency')).includes('agency_id')
    ? "count(DISTINCT coalesce(agency_id, 'agency'))"
    : 'count(*)';
  const hasParents = (await columnsOf(connection, 'stops')).includes('parent_station');
  const stopTimes = await one('count(*) FROM stop_times');
  const trips = await one('count(DISTINCT trip_id) FROM trips');
  const routes = await one('count(DISTINCT route_id) FROM routes');
  return {
    Agency: await one(`${agencies} FROM agency`),
    Route: routes,
    Stop: await one('count(DISTINCT stop_id) FROM stops'),
    Service: await one(`count(DISTINCT service_id) FROM (${services.join(' UNION ALL ')})`),
    Day: has('calendar_dates') ? await one('count(DISTINCT date) FROM calendar_dates') : 0,
    Trip: trips,
    StopTime: stopTimes,
    OPERATED_BY: routes,
    PART_OF: hasParents ? await one('count(parent_station) FROM stops') : 0,
    EXCEPTION: has('calendar_dates')
      ? await one('count(DISTINCT (service_id, date)) FROM calendar_dates')
      : 0,
    OF_ROUTE: trips,
    ON_SERVICE: trips,
    OF_TRIP: stopTimes,
    AT_STOP: stopTimes,
    TRANSFER: has('transfers')
      ? await one(
          'count(DISTINCT (from_stop_id, to_stop_id)) FROM transfers WHERE from_stop_id IS NOT NULL AND to_stop_id IS NOT NULL',
        )
      : 0,
    NEXT: stopTimes - (await one('count(DISTINCT trip_id) FROM stop_times')),
  };
}

/** Gives the first row of a result. */
async function ask(connection: DuckDBConnection, sql: string): Promise<readonly unknown[]> {
  const [row] = (await connection.runAndReadAll(sql)).getRows();
  return row ?? [];
}

async function columnsOf(connection: DuckDBConnection, table: string): Promise<readonly string[]> {
  return (await connection.runAndReadAll(`FROM ${table} LIMIT 0`)).columnNames();
}
