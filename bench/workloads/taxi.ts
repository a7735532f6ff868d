import { existsSync, renameSync, rmSync } from 'node:fs';
import { generateTrips } from '../../examples/nyc-taxi/generate.ts';
import { quoted, withDuckdb } from './sql.ts';
import type { WorkloadKind } from './workload.ts';

const SEED = 1;
/** The zones of the TLC's map. */
const ZONES = 265;
const ISO = '%Y-%m-%dT%H:%M:%S';

/** The trips of examples/nyc-taxi, a node and two relationships each; the zones are there before. */
export const TAXI: WorkloadKind = {
  defaultRows: 1_000_000,
  async write(file, rows) {
    if (existsSync(file)) return;
    const trips = `${file}.parquet`;
    await generateTrips(trips, { rows, seed: SEED });
    // Date and time as Cypher's localdatetime() takes them: nobody has to pay for mending the text.
    await withDuckdb([
      `COPY (FROM read_parquet(${quoted(trips)}))
       TO ${quoted(`${file}.new`)} (FORMAT csv, HEADER, TIMESTAMPFORMAT ${quoted(ISO)})`,
    ]);
    rmSync(trips);
    renameSync(`${file}.new`, file);
  },
  async prepare() {
    return [
      'CREATE CONSTRAINT IF NOT EXISTS FOR (l:Location) REQUIRE l.id IS UNIQUE',
      `UNWIND range(1, ${ZONES}) AS id MERGE (:Location {id: id})`,
    ];
  },
  query: `UNWIND $batch AS row
    MATCH (pickUp:Location {id: toInteger(row.PULocationID)})
    MATCH (dropOff:Location {id: toInteger(row.DOLocationID)})
    CREATE (t:Trip {
      vendor: toInteger(row.VendorID), pickedUpAt: localdatetime(row.tpep_pickup_datetime),
      droppedOffAt: localdatetime(row.tpep_dropoff_datetime), passengers: toInteger(row.passenger_count),
      distance: toFloat(row.trip_distance), fare: toFloat(row.fare_amount), total: toFloat(row.total_amount)
    })
    CREATE (t)-[:PICKED_UP_AT]->(pickUp)
    CREATE (t)-[:DROPPED_OFF_AT]->(dropOff)`,
  start: 'PULocationID',
  end: 'DOLocationID',
  monopartite: true,
  expectedSql: `
    SELECT ${ZONES} + count(*) AS nodes, 2 * count(*) AS relationships,
      sum("PULocationID"::BIGINT * 31 + "DOLocationID"::BIGINT) AS ends,
      sum(round(fare_amount::DOUBLE * 100)::BIGINT + passenger_count::BIGINT + minute(tpep_pickup_datetime::TIMESTAMP))
        AS values
    FROM csv`,
  checkQuery: `MATCH (p:Location)<-[:PICKED_UP_AT]-(t:Trip)-[:DROPPED_OFF_AT]->(d:Location)
    RETURN sum(p.id * 31 + d.id) AS ends,
      sum(toInteger(round(t.fare * 100)) + t.passengers + t.pickedUpAt.minute) AS values`,
  offline: {
    idType: 'integer',
    nodes: [
      {
        name: 'Location',
        header: 'id:ID(Location){id-type:long}',
        sql: `SELECT i FROM range(1, ${ZONES + 1}) t(i)`,
      },
      {
        name: 'Trip',
        header:
          ':ID(Trip),vendor:long,pickedUpAt:localdatetime,droppedOffAt:localdatetime,passengers:long,distance:double,' +
          'fare:double,total:double',
        sql: `SELECT row_number() OVER (), "VendorID", tpep_pickup_datetime, tpep_dropoff_datetime, passenger_count,
                trip_distance, fare_amount, total_amount FROM csv`,
      },
    ],
    relationships: [
      {
        name: 'PICKED_UP_AT',
        header: ':START_ID(Trip),:END_ID(Location)',
        sql: 'SELECT row_number() OVER (), "PULocationID" FROM csv',
      },
      {
        name: 'DROPPED_OFF_AT',
        header: ':START_ID(Trip),:END_ID(Location)',
        sql: 'SELECT row_number() OVER (), "DOLocationID" FROM csv',
      },
    ],
  },
};
