/** Files and statements that both sides get: the same bytes, the same Cypher. */
import { closeSync, existsSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';
import { CSVBatchSource, SILENT_REPORTER } from 'graphweft';
import { mulberry32 } from '../../test/support/ratings.ts';

export const WORKLOAD_NAMES = ['ratings', 'flights'] as const;
export type WorkloadName = (typeof WORKLOAD_NAMES)[number];

export interface Workload {
  readonly name: WorkloadName;
  readonly file: string;
  readonly rows: number;
  /** Run before each load, on an empty graph. */
  readonly prepare: readonly string[];
  readonly query: string;
  readonly start: string;
  readonly end: string;
  readonly monopartite: boolean;
}

const DATA = fileURLToPath(new URL('../.data', import.meta.url));
const SEED = 5;

export async function workload(name: WorkloadName, rows: number): Promise<Workload> {
  mkdirSync(DATA, { recursive: true });
  const file = join(DATA, `${name}-${rows}.csv`);
  if (name === 'ratings') {
    if (!existsSync(file)) writeRatings(file, rows);
    return {
      name,
      file,
      rows,
      prepare: [
        'CREATE CONSTRAINT IF NOT EXISTS FOR (u:User) REQUIRE u.id IS UNIQUE',
        'CREATE CONSTRAINT IF NOT EXISTS FOR (m:Movie) REQUIRE m.id IS UNIQUE',
      ],
      query: `UNWIND $batch AS row
        MERGE (u:User {id: toInteger(row.user_id)})
        MERGE (m:Movie {id: toInteger(row.movie_id)})
        MERGE (u)-[r:RATED]->(m)
        SET r.rating = toFloat(row.rating)`,
      start: 'user_id',
      end: 'movie_id',
      monopartite: false,
    };
  }
  if (!existsSync(file)) await writeFlights(file, rows);
  return {
    name,
    file,
    rows,
    prepare: [
      'CREATE CONSTRAINT IF NOT EXISTS FOR (a:Airport) REQUIRE a.iata IS UNIQUE',
      `UNWIND ${JSON.stringify(await airportsOf(file))} AS iata MERGE (:Airport {iata: iata})`,
    ],
    query: `UNWIND $batch AS row
      MATCH (a:Airport {iata: row.origin}) MATCH (b:Airport {iata: row.destination})
      CREATE (a)-[:FLIGHT {date: localdatetime(row.date), delay: toInteger(row.delay), distance: toInteger(row.distance)}]->(b)`,
    start: 'origin',
    end: 'destination',
    monopartite: true,
  };
}

/** Users and movies under a power law; the pair may come again. */
function writeRatings(file: string, rows: number): void {
  const random = mulberry32(SEED);
  const draw = (size: number) => Math.floor(size * random() ** 3);
  const out = openSync(`${file}.new`, 'w');
  writeSync(out, 'user_id,movie_id,rating,ts\n');
  const lines: string[] = [];
  for (let i = 0; i < rows; i++) {
    lines.push(`${draw(100_000)},${draw(10_000)},${1 + Math.floor(random() * 9) / 2},${1_600_000_000 + i}\n`);
    if (lines.length === 10_000 || i === rows - 1) writeSync(out, lines.splice(0).join(''));
  }
  closeSync(out);
  renameSync(`${file}.new`, file);
}

async function airportsOf(file: string): Promise<readonly string[]> {
  const source = new CSVBatchSource(
    { env: {}, reporter: SILENT_REPORTER, signal: new AbortController().signal },
    { file },
  );
  const airports = new Set<string>();
  for await (const { chunk } of source.getBatch(10_000)) {
    for (const { origin, destination } of chunk) airports.add(String(origin)).add(String(destination));
  }
  return [...airports].sort();
}

async function writeFlights(file: string, rows: number): Promise<void> {
  const entry = import.meta.resolve('vega-datasets');
  const folder = entry.slice(0, entry.lastIndexOf('/vega-datasets/') + '/vega-datasets/'.length);
  const parquet = fileURLToPath(new URL('data/flights-3m.parquet', folder));
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(
    `COPY (SELECT strftime(date, '%Y-%m-%dT%H:%M:%S') AS date, delay, distance, origin, destination
           FROM read_parquet('${parquet}') LIMIT ${rows}) TO '${file}.new' (FORMAT csv, HEADER)`,
  );
  connection.closeSync();
  instance.closeSync();
  renameSync(`${file}.new`, file);
}
