/**
 * A synthetic feed: lines that call at every so many stops of an imaginary town, in both directions, all day. It is a
 * function of scale and seed, so the files are the same every time.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';

const STOPS_A_SCALE = 240;
const ROUTES_A_SCALE = 12;
/** Trips of a route in one direction, on each of the two services: every half hour from 05:00 to past midnight. */
const DEPARTURES = 40;
const MIN_STOPS = 12;

export interface GenerateOptions {
  /** From 1; a scale of 1 has about 34,000 stop times, and so has each more. */
  readonly scale: number;
  readonly seed: number;
}

/** Writes the feed into a folder, and gives the number of its stop times. */
export async function generateFeed(folder: string, { scale, seed }: GenerateOptions): Promise<number> {
  mkdirSync(folder, { recursive: true });
  const stops = STOPS_A_SCALE * scale;
  const u = (...keys: readonly (string | number)[]) =>
    `((hash(${keys.join(', ')}, ${seed}) % 1000003) / 1000003.0)`;
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const write = (table: string, select: string) =>
    connection.run(
      `COPY (${select}) TO '${join(folder, `${table}.txt`).replaceAll("'", "''")}' (FORMAT csv, header)`,
    );
  const clock = (seconds: string) =>
    `format('{:02d}:{:02d}:{:02d}', (${seconds}) // 3600, (${seconds}) // 60 % 60, (${seconds}) % 60)`;
  try {
    await connection.run(`CREATE TABLE lines AS
      SELECT r, floor(${u('r', 1)} * ${stops})::INTEGER AS first, 1 + floor(${u('r', 2)} * 5)::INTEGER AS step,
        ${MIN_STOPS} + floor(${u('r', 3)} * 13)::INTEGER AS calls, 90 + floor(${u('r', 4)} * 120)::INTEGER AS pace
      FROM range(${ROUTES_A_SCALE * scale}) t(r)`);
    await connection.run(`CREATE TABLE runs AS
      SELECT *, format('T{}-{}-{}-{}', r, direction, service, departure) AS trip_id
      FROM lines, range(2) d(direction), (VALUES ('WEEKDAY'), ('WEEKEND')) s(service), range(${DEPARTURES}) n(departure)`);
    await write(
      'agency',
      `SELECT 'SYN' AS agency_id, 'Synthetic Transit (seed ${seed})' AS agency_name, 'https://synthetic.example.org' AS agency_url, 'Europe/Berlin' AS agency_timezone`,
    );
    await write(
      'routes',
      `SELECT format('R{}', r) AS route_id, 'SYN' AS agency_id, format('{}', r + 1) AS route_short_name, format('Line {}', r + 1) AS route_long_name, 3 AS route_type FROM lines ORDER BY r`,
    );
    await write(
      'stops',
      `SELECT format('S{}', i) AS stop_id, format('Stop {}', i) AS stop_name, round(50 + ${u('i', 5)}, 6) AS stop_lat, round(8 + ${u('i', 6)}, 6) AS stop_lon,
         CASE WHEN i % 10 = 0 THEN 1 ELSE 0 END AS location_type, CASE WHEN i % 10 IN (1, 2) THEN format('S{}', i - i % 10) END AS parent_station
       FROM range(${stops}) t(i) ORDER BY i`,
    );
    await write(
      'calendar',
      `SELECT 'WEEKDAY' AS service_id, 1 AS monday, 1 AS tuesday, 1 AS wednesday, 1 AS thursday, 1 AS friday, 0 AS saturday, 0 AS sunday, '20240101' AS start_date, '20241231' AS end_date
       UNION ALL SELECT 'WEEKEND', 0, 0, 0, 0, 0, 1, 1, '20240101', '20241231'`,
    );
    await write(
      'calendar_dates',
      `SELECT service_id, date, exception_type FROM (VALUES ('20240101'), ('20241225'), ('20241226')) d(date), (VALUES ('WEEKDAY', 2), ('WEEKEND', 1)) s(service_id, exception_type)`,
    );
    await write(
      'trips',
      `SELECT format('R{}', r) AS route_id, service AS service_id, trip_id, direction AS direction_id FROM runs ORDER BY r, direction, service, departure`,
    );
    const arrival = '18000 + departure * 1800 + k * pace';
    await write(
      'stop_times',
      `SELECT trip_id, ${clock(arrival)} AS arrival_time, ${clock(`${arrival} + 20`)} AS departure_time,
         format('S{}', (first + step * CASE WHEN direction = 0 THEN k ELSE calls - 1 - k END) % ${stops}) AS stop_id, k + 1 AS stop_sequence
       FROM runs, unnest(range(calls)) u(k) ORDER BY r, direction, service, departure, k`,
    );
    await write(
      'transfers',
      `SELECT format('S{}', i) AS from_stop_id, format('S{}', i + 1) AS to_stop_id, 2 AS transfer_type, 60 + (i % 5) * 30 AS min_transfer_time FROM range(${stops - 1}) t(i) WHERE i % 10 = 1 ORDER BY i`,
    );
    const [row] = (await connection.runAndReadAll('SELECT sum(calls) FROM runs')).getRows();
    return Number(row?.[0]);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
