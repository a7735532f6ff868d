/**
 * Synthetic trips with the TLC's columns: zones under a power law, as in Manhattan, prices from distances. A trip is a
 * function of its number and the seed, so the file is the same every time.
 */
import { DuckDBInstance } from '@duckdb/node-api';
import { ConfigError } from 'graphweft';

/** Zones with a place on the map. */
const ZONES = 263;
/** The larger, the more of the trips the most popular zones have. */
const SKEW = 2.2;

export async function generateTrips(
  file: string,
  { rows, seed }: { readonly rows: number; readonly seed: number },
): Promise<void> {
  const format = /\.parquet$/i.test(file)
    ? 'parquet'
    : /\.csv(\.gz|\.zst)?$/i.test(file)
      ? 'csv, header'
      : undefined;
  if (!format)
    throw new ConfigError('GW_CONFIG_OPTION', `${file} must end in .parquet, .csv, .csv.gz or .csv.zst.`);
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await connection.run(`COPY (${trips(rows, seed)}) TO '${file.replaceAll("'", "''")}' (FORMAT ${format})`);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** The columns in the TLC's order. `u(k)` is a number from 0 to 1 that depends on row, seed and k alone. */
function trips(rows: number, seed: number): string {
  const u = (k: number) => `((hash(i, ${seed}, ${k}) % 1000003) / 1000003.0)`;
  const zone = (k: number) =>
    `(1 + (floor(${ZONES} * pow(${u(k)}, ${SKEW}))::INTEGER * 97 + 41) % ${ZONES})::INTEGER`;
  return `
    WITH base AS (
      SELECT i, TIMESTAMP '2024-01-01 00:00:00' + to_seconds(floor(${u(1)} * 2678400)::BIGINT) AS picked_up,
        round((0.4 - 3.1 * ln(1 - 0.999 * ${u(2)}))::DOUBLE, 2) AS miles, ${zone(3)} AS pu, ${zone(4)} AS dropped
      FROM range(${rows}) t(i)
    ), priced AS (
      SELECT *, round(3 + 2.9 * miles, 2) AS fare, round(CASE WHEN ${u(5)} < 0.65 THEN 0.2 * (3 + 2.9 * miles) ELSE 0 END, 2) AS tip
      FROM base
    )
    SELECT (1 + floor(2 * ${u(6)}))::INTEGER AS "VendorID", picked_up AS tpep_pickup_datetime,
      picked_up + to_seconds(floor(120 + 240 * miles)::BIGINT) AS tpep_dropoff_datetime,
      (1 + floor(4 * pow(${u(7)}, 3)))::BIGINT AS passenger_count, miles AS trip_distance, 1::BIGINT AS "RatecodeID",
      'N' AS store_and_fwd_flag, pu AS "PULocationID", dropped AS "DOLocationID",
      (1 + floor(2 * ${u(8)}))::BIGINT AS payment_type, fare AS fare_amount, 1.0::DOUBLE AS extra, 0.5::DOUBLE AS mta_tax,
      tip AS tip_amount, 0.0::DOUBLE AS tolls_amount, 1.0::DOUBLE AS improvement_surcharge,
      round(fare + tip + 2.5, 2) AS total_amount, 2.5::DOUBLE AS congestion_surcharge, 0.0::DOUBLE AS airport_fee
    FROM priced ORDER BY i`;
}
