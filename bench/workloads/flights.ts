import { existsSync, renameSync } from 'node:fs';
import { query, quoted, withDuckdb } from './sql.ts';
import { vegaDataset } from './vega-datasets.ts';
import type { WorkloadKind } from './workload.ts';

const AIRPORTS = 'SELECT origin AS iata FROM csv UNION SELECT destination FROM csv';

/** The real flights of vega-datasets between the airports, which are there before. */
export const FLIGHTS: WorkloadKind = {
  defaultRows: 3_000_000,
  async write(file, rows) {
    if (existsSync(file)) return;
    await withDuckdb([
      `COPY (SELECT strftime(date, '%Y-%m-%dT%H:%M:%S') AS date, delay, distance, origin, destination
             FROM read_parquet(${quoted(vegaDataset('flights-3m.parquet'))}) LIMIT ${rows})
       TO ${quoted(`${file}.new`)} (FORMAT csv, HEADER)`,
    ]);
    renameSync(`${file}.new`, file);
  },
  async prepare(file) {
    const airports = await query(file, `${AIRPORTS} ORDER BY iata`);
    const codes = JSON.stringify(airports.map(({ iata }) => iata));
    return [
      'CREATE CONSTRAINT IF NOT EXISTS FOR (a:Airport) REQUIRE a.iata IS UNIQUE',
      `UNWIND ${codes} AS iata MERGE (:Airport {iata: iata})`,
    ];
  },
  query: `UNWIND $batch AS row
    MATCH (a:Airport {iata: row.origin}) MATCH (b:Airport {iata: row.destination})
    CREATE (a)-[:FLIGHT {date: localdatetime(row.date), delay: toInteger(row.delay), distance: toInteger(row.distance)}]->(b)`,
  start: 'origin',
  end: 'destination',
  monopartite: true,
  expectedSql: `
    SELECT (SELECT count(*) FROM (${AIRPORTS})) AS nodes, count(*) AS relationships,
      sum(CASE WHEN origin < destination THEN distance::BIGINT ELSE 0 END) AS ends,
      sum(delay::BIGINT + hour(date::TIMESTAMP)) AS values
    FROM csv`,
  checkQuery: `MATCH (a:Airport)-[f:FLIGHT]->(b:Airport)
    RETURN sum(CASE WHEN a.iata < b.iata THEN f.distance ELSE 0 END) AS ends,
      sum(f.delay + f.date.hour) AS values`,
  offline: {
    idType: 'string',
    nodes: [{ name: 'Airport', header: 'iata:ID(Airport)', sql: AIRPORTS }],
    relationships: [
      {
        name: 'FLIGHT',
        header: ':START_ID(Airport),:END_ID(Airport),date:localdatetime,delay:long,distance:long',
        sql: 'SELECT origin, destination, date, delay, distance FROM csv',
      },
    ],
  },
};
