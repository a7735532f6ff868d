/**
 * Tables of the MusicBrainz database, with its names and the columns that are loaded, and a seeded generator for want of
 * the real one. Everything that the generator makes up is synthetic.
 */
export interface SyntheticTable {
  readonly name: string;
  readonly columns: string;
  /** Rows for each artist. */
  readonly perArtist: number;
  /** What a generated row holds; `n` is its number from 1, `pick(table)` the number of some row of another table. */
  readonly values: (pick: (table: string, salt?: string) => string) => string;
}

/** The same text gives the same identifier. */
const gid = (table: string) => `md5('${table} ' || n)::uuid`;

export const TABLES: readonly SyntheticTable[] = [
  {
    name: 'area',
    columns: 'id integer PRIMARY KEY, gid uuid, name varchar, type integer',
    perArtist: 0.05,
    values: () => `n, ${gid('area')}, 'Area ' || n, 1 + n % 5`,
  },
  {
    name: 'artist',
    columns:
      'id integer PRIMARY KEY, gid uuid, name varchar, sort_name varchar, begin_date_year smallint, type integer, area integer',
    perArtist: 1,
    values: (pick) =>
      `n, ${gid('artist')}, 'Artist ' || n, n || ', Artist', CASE WHEN n % 7 = 0 THEN NULL ELSE 1900 + n % 110 END, 1 + n % 2, ${pick('area')}`,
  },
  {
    name: 'artist_credit',
    columns: 'id integer PRIMARY KEY, name varchar, artist_count smallint, created timestamptz',
    perArtist: 1.5,
    values: () =>
      `n, 'Credit ' || n, 1 + n % 2, timestamptz '2011-05-16 16:32:11+00' + n * interval '1 minute'`,
  },
  {
    name: 'artist_credit_name',
    columns: 'artist_credit integer, position smallint, artist integer, name varchar, join_phrase text',
    perArtist: 2,
    values: (pick) =>
      `${pick('artist_credit')}, n % 2, ${pick('artist')}, 'Artist', CASE WHEN n % 2 = 0 THEN ' & ' ELSE '' END`,
  },
  {
    name: 'label',
    columns: 'id integer PRIMARY KEY, gid uuid, name varchar, label_code integer, area integer',
    perArtist: 0.1,
    values: (pick) => `n, ${gid('label')}, 'Label ' || n, n % 9999, ${pick('area')}`,
  },
  {
    name: 'place',
    columns: 'id integer PRIMARY KEY, gid uuid, name varchar, area integer',
    perArtist: 0.05,
    values: (pick) => `n, ${gid('place')}, 'Place ' || n, ${pick('area')}`,
  },
  {
    name: 'release_group',
    columns: 'id integer PRIMARY KEY, gid uuid, name varchar, artist_credit integer, type integer',
    perArtist: 1.5,
    values: (pick) => `n, ${gid('release_group')}, 'Album ' || n, ${pick('artist_credit')}, 1 + n % 3`,
  },
  {
    name: 'release',
    columns: 'id integer PRIMARY KEY, gid uuid, name varchar, artist_credit integer, release_group integer',
    perArtist: 2,
    values: (pick) =>
      `n, ${gid('release')}, 'Release ' || n, ${pick('artist_credit')}, ${pick('release_group')}`,
  },
  {
    name: 'release_label',
    columns: 'id integer PRIMARY KEY, release integer, label integer, catalog_number varchar',
    perArtist: 2,
    // As in life, not every release has a label, and not every label gave it a number.
    values: (pick) =>
      `n, ${pick('release')}, CASE WHEN n % 11 > 0 THEN ${pick('label')} END, CASE WHEN n % 5 > 0 THEN 'CAT-' || n END`,
  },
  {
    name: 'medium',
    columns: 'id integer PRIMARY KEY, release integer, position integer, format integer, track_count integer',
    perArtist: 2.2,
    values: (pick) => `n, ${pick('release')}, 1 + n % 2, 1 + n % 4, 10`,
  },
  {
    name: 'recording',
    columns: 'id integer PRIMARY KEY, gid uuid, name varchar, artist_credit integer, length integer',
    perArtist: 8,
    values: (pick) =>
      `n, ${gid('recording')}, 'Recording ' || n, ${pick('artist_credit')}, 60000 + n % 300000`,
  },
  {
    name: 'track',
    columns:
      'id integer PRIMARY KEY, gid uuid, recording integer, medium integer, position integer, number text, name varchar',
    perArtist: 10,
    values: (pick) =>
      `n, ${gid('track')}, ${pick('recording')}, ${pick('medium')}, 1 + n % 10, (1 + n % 10)::text, 'Track ' || n`,
  },
  {
    name: 'work',
    columns: 'id integer PRIMARY KEY, gid uuid, name varchar, type integer',
    perArtist: 3,
    values: () => `n, ${gid('work')}, 'Work ' || n, 1 + n % 20`,
  },
  {
    name: 'url',
    columns: 'id integer PRIMARY KEY, gid uuid, url text',
    perArtist: 1,
    values: () => `n, ${gid('url')}, 'https://example.org/' || n`,
  },
  {
    name: 'tag',
    columns: 'id integer PRIMARY KEY, name varchar, ref_count integer',
    perArtist: 0.1,
    values: () => `n, 'tag ' || n, n % 1000`,
  },
  {
    name: 'genre',
    columns: 'id integer PRIMARY KEY, gid uuid, name varchar',
    perArtist: 0.02,
    values: () => `n, ${gid('genre')}, 'genre ' || n`,
  },
  {
    name: 'artist_tag',
    columns: 'artist integer, tag integer, count integer',
    perArtist: 3,
    values: (pick) => `${pick('artist')}, ${pick('tag')}, 1 + n % 9`,
  },
  {
    name: 'l_artist_url',
    columns: 'id integer PRIMARY KEY, link integer, entity0 integer, entity1 integer',
    perArtist: 1,
    values: (pick) => `n, 1, ${pick('artist')}, ${pick('url')}`,
  },
  {
    name: 'l_artist_recording',
    columns: 'id integer PRIMARY KEY, link integer, entity0 integer, entity1 integer',
    perArtist: 4,
    values: (pick) => `n, 1, ${pick('artist')}, ${pick('recording')}`,
  },
  {
    name: 'l_recording_work',
    columns: 'id integer PRIMARY KEY, link integer, entity0 integer, entity1 integer',
    perArtist: 5,
    values: (pick) => `n, 1, ${pick('recording')}, ${pick('work')}`,
  },
];

/** Gives the statements that make and fill the tables; few artists have most of everything, as in life. */
export function syntheticStatements(artists: number, seed: number): readonly string[] {
  const rowsOf = (perArtist: number) => Math.max(2, Math.round(perArtist * artists));
  const sizes = new Map(TABLES.map(({ name, perArtist }) => [name, rowsOf(perArtist)]));
  return TABLES.flatMap(({ name, columns, values }) => {
    const pick = (table: string, salt = table) => {
      const hash = `('x' || substr(md5('${seed} ${name} ${salt} ' || n), 1, 8))::bit(32)::bigint`;
      return `1 + floor(${sizes.get(table)} * power((${hash}) / 4294967296.0, 2))::int`;
    };
    return [
      `DROP TABLE IF EXISTS ${name}`,
      `CREATE TABLE ${name} (${columns})`,
      `INSERT INTO ${name} SELECT ${values(pick)} FROM generate_series(1, ${sizes.get(name)}) AS n`,
    ];
  });
}
