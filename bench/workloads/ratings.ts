import { closeSync, existsSync, openSync, renameSync, writeSync } from 'node:fs';
import { mulberry32 } from '../../test/support/ratings.ts';
import type { WorkloadKind } from './workload.ts';

const SEED = 5;
const LINES_A_WRITE = 10_000;

/** In MovieLens's set of 25 million a user has 154 ratings on average, and none has fewer than 20. */
const RATINGS_A_USER = 150;
const MOVIES = 10_000;

/**
 * Users and movies under a power law, as many ratings a user as in MovieLens; the pair may come again, and its last rating
 * counts.
 */
export const RATINGS: WorkloadKind = {
  defaultRows: 300_000,
  async write(file, rows) {
    if (existsSync(file)) return;
    const next = ratings(SEED, Math.ceil(rows / RATINGS_A_USER));
    const out = openSync(`${file}.new`, 'w');
    writeSync(out, 'user_id,movie_id,rating,ts\n');
    const lines: string[] = [];
    for (let i = 0; i < rows; i++) {
      const { user_id, movie_id, rating } = next();
      lines.push(`${user_id},${movie_id},${rating},${1_600_000_000 + i}\n`);
      if (lines.length === LINES_A_WRITE || i === rows - 1) writeSync(out, lines.splice(0).join(''));
    }
    closeSync(out);
    renameSync(`${file}.new`, file);
  },
  async prepare() {
    return [
      'CREATE CONSTRAINT IF NOT EXISTS FOR (u:User) REQUIRE u.id IS UNIQUE',
      'CREATE CONSTRAINT IF NOT EXISTS FOR (m:Movie) REQUIRE m.id IS UNIQUE',
    ];
  },
  query: `UNWIND $batch AS row
    MERGE (u:User {id: toInteger(row.user_id)})
    MERGE (m:Movie {id: toInteger(row.movie_id)})
    MERGE (u)-[r:RATED]->(m)
    SET r.rating = toFloat(row.rating)`,
  start: 'user_id',
  end: 'movie_id',
  monopartite: false,
  expectedSql: `
    WITH pairs AS (
      SELECT user_id::BIGINT AS u, movie_id::BIGINT AS m, arg_max(rating::DOUBLE, ts::BIGINT) AS rating
      FROM csv GROUP BY ALL
    )
    SELECT count(DISTINCT u) + count(DISTINCT m) AS nodes, count(*) AS relationships,
      sum(u * 31 + m) AS ends, sum((rating * 2)::BIGINT) AS values
    FROM pairs`,
  checkQuery: `MATCH (u:User)-[r:RATED]->(m:Movie)
    RETURN sum(u.id * 31 + m.id) AS ends, sum(toInteger(r.rating * 2)) AS values`,
  offline: {
    idType: 'integer',
    nodes: [
      { name: 'User', header: 'id:ID(User){id-type:long}', sql: 'SELECT DISTINCT user_id FROM csv' },
      { name: 'Movie', header: 'id:ID(Movie){id-type:long}', sql: 'SELECT DISTINCT movie_id FROM csv' },
    ],
    relationships: [
      {
        name: 'RATED',
        header: ':START_ID(User),:END_ID(Movie),rating:double',
        sql: 'SELECT user_id, movie_id, arg_max(rating, ts::BIGINT) FROM csv GROUP BY ALL',
      },
    ],
  },
};

export interface RatingRow {
  readonly user_id: number;
  readonly movie_id: number;
  readonly rating: number;
}

/** Makes ratings one by one, the same ones for the same seed and number of users. */
export function ratings(seed: number, users: number): () => RatingRow {
  const random = mulberry32(seed);
  const draw = (size: number) => Math.floor(size * random() ** 3);
  return () => ({
    user_id: draw(users),
    movie_id: draw(MOVIES),
    rating: 1 + Math.floor(random() * 9) / 2,
  });
}
