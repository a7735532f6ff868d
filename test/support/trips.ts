import { node, type RelationshipPattern, relationship } from '../../src/mapping/patterns.ts';
import type { Neo4jConnection } from '../../src/neo4j/connection.ts';

/** Columns of trips: a number of its own, and the places at its ends. */
export const TRIP_TYPES = { n: 'BIGINT', start: 'BIGINT', end: 'BIGINT' } as const;

/** A relationship for each trip, between places that are there. */
export function tripMapping(label: string): RelationshipPattern {
  const place = (column: string) => node(label, { id: column });
  return relationship('TRIP', {
    from: place('start'),
    to: place('end'),
    properties: ['n'],
    write: 'create',
  });
}

/** Makes places of a label, with the ids from 0 on. */
export async function makePlaces(neo4j: Neo4jConnection, label: string, count: number): Promise<void> {
  await neo4j.query(`CREATE CONSTRAINT IF NOT EXISTS FOR (n:${label}) REQUIRE n.id IS UNIQUE`);
  await neo4j.query(`UNWIND range(0, ${count - 1}) AS id CREATE (:${label} {id: id})`);
}
