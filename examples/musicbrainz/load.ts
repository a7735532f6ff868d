import {
  type ETLContext,
  type Mapping,
  node,
  ParallelSQLLoad2Neo4jTask,
  ParallelTaskGroup,
  type RelationshipPattern,
  relationship,
  SQLLoad2Neo4jTask,
  type Task,
  TaskGroup,
} from 'graphweft';

/** A label, its table, and the columns that become properties beside `id`. */
const NODES: readonly (readonly [label: string, table: string, properties: readonly string[]])[] = [
  ['Area', 'area', ['gid', 'name', 'type']],
  ['Artist', 'artist', ['gid', 'name', 'sort_name', 'begin_date_year', 'type']],
  ['ArtistCredit', 'artist_credit', ['name', 'artist_count', 'created']],
  ['Label', 'label', ['gid', 'name', 'label_code']],
  ['Place', 'place', ['gid', 'name']],
  ['ReleaseGroup', 'release_group', ['gid', 'name', 'type']],
  ['Release', 'release', ['gid', 'name']],
  ['Medium', 'medium', ['position', 'format', 'track_count']],
  ['Recording', 'recording', ['gid', 'name', 'length']],
  ['Track', 'track', ['gid', 'name', 'number']],
  ['Work', 'work', ['gid', 'name', 'type']],
  ['Url', 'url', ['gid', 'url']],
  ['Tag', 'tag', ['name', 'ref_count']],
  ['Genre', 'genre', ['gid', 'name']],
];

interface Link {
  /** Table and columns; `from` and `to` are the ids of the two ends. */
  readonly sql: string;
  readonly pattern: RelationshipPattern;
}

function link(
  type: string,
  from: string,
  to: string,
  sql: string,
  options: { readonly properties?: readonly string[]; readonly key?: readonly string[] } = {},
): Link {
  const pattern = relationship(type, {
    from: node(from, { id: 'from' }),
    to: node(to, { id: 'to' }),
    ...options,
  });
  return { sql, pattern };
}

const LINKS: readonly Link[] = [
  link(
    'CREDITED_AS',
    'Artist',
    'ArtistCredit',
    'SELECT artist AS "from", artist_credit AS "to", position, name, join_phrase FROM artist_credit_name',
    { key: ['position'], properties: ['name', 'join_phrase'] },
  ),
  link('FROM_AREA', 'Artist', 'Area', 'SELECT id AS "from", area AS "to" FROM artist WHERE area IS NOT NULL'),
  link('CREDITED_TO', 'Release', 'ArtistCredit', 'SELECT id AS "from", artist_credit AS "to" FROM release'),
  link('IN_GROUP', 'Release', 'ReleaseGroup', 'SELECT id AS "from", release_group AS "to" FROM release'),
  link(
    'RELEASED_BY',
    'Release',
    'Label',
    // Part of the key, and often missing: a key cannot be null.
    `SELECT release AS "from", label AS "to", COALESCE(catalog_number, '') AS catalog_number
     FROM release_label WHERE label IS NOT NULL`,
    { key: ['catalog_number'] },
  ),
  link('OF_RELEASE', 'Medium', 'Release', 'SELECT id AS "from", release AS "to" FROM medium'),
  link('ON_MEDIUM', 'Track', 'Medium', 'SELECT id AS "from", medium AS "to", position FROM track', {
    properties: ['position'],
  }),
  link('OF_RECORDING', 'Track', 'Recording', 'SELECT id AS "from", recording AS "to" FROM track'),
  link(
    'PERFORMED_ON',
    'Artist',
    'Recording',
    'SELECT entity0 AS "from", entity1 AS "to" FROM l_artist_recording',
  ),
  link(
    'RECORDING_OF',
    'Recording',
    'Work',
    'SELECT entity0 AS "from", entity1 AS "to" FROM l_recording_work',
  ),
  link('HAS_URL', 'Artist', 'Url', 'SELECT entity0 AS "from", entity1 AS "to" FROM l_artist_url'),
  link('TAGGED', 'Artist', 'Tag', 'SELECT artist AS "from", tag AS "to", count FROM artist_tag', {
    properties: ['count'],
  }),
];

/** Builds the load: all kinds of nodes side by side, then one kind of relationship after the other, each in parallel. */
export function musicbrainzTask(context: ETLContext, url: string, workers: number): Task {
  const nodes = NODES.map(([label, table, properties]) => {
    const mapping: Mapping = node(label, { id: 'id' }, { properties });
    const sql = `SELECT ${['id', ...properties].join(', ')} FROM ${table}`;
    return new SQLLoad2Neo4jTask(context, { name: label, url, sql, mapping });
  });
  const relationships = LINKS.map(
    ({ sql, pattern }) =>
      new ParallelSQLLoad2Neo4jTask(context, {
        name: pattern.type,
        url,
        sql,
        mapping: pattern,
        maxWorkers: workers,
      }),
  );
  return new TaskGroup(
    context,
    [new ParallelTaskGroup(context, nodes, 'nodes'), new TaskGroup(context, relationships, 'relationships')],
    'MusicBrainz',
  );
}

/** What there must be, and what there is: by label and by type. */
export async function compareCounts(
  context: ETLContext,
  count: (sql: string) => Promise<number>,
): Promise<readonly { readonly name: string; readonly expected: number; readonly found: number }[]> {
  const found = async (cypher: string) => Number((await context.neo4j.query(cypher)).rows[0]?.found);
  const rows = [];
  for (const [label, table] of NODES) {
    rows.push({
      name: `(:${label})`,
      expected: await count(`SELECT count(*) AS n FROM ${table}`),
      found: await found(`RETURN COUNT { (:${label}) } AS found`),
    });
  }
  for (const { sql, pattern } of LINKS) {
    const identity = ['"from"', '"to"', ...pattern.keys.map(({ name }) => name)].join(', ');
    rows.push({
      name: `[:${pattern.type}]`,
      expected: await count(
        `SELECT count(*) AS n FROM (SELECT DISTINCT ${identity} FROM (${sql}) AS q) AS d`,
      ),
      found: await found(
        `RETURN COUNT { (:${pattern.from.labels[0]})-[:${pattern.type}]->(:${pattern.to.labels[0]}) } AS found`,
      ),
    });
  }
  return rows;
}
