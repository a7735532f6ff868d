import type { Neo4jConnection } from './connection.ts';

/** Formats whose relationships are records in chains: those of Community Edition, and Enterprise's older ones. */
const RECORD_FORMATS = /^(record|aligned|standard|high_limit)/;

/**
 * Says whether the database is kept in one of Neo4j's record formats, whose locks were measured (`bench/locks`). False
 * where the server does not say: another format may lock more.
 */
export async function hasRecordStore(neo4j: Neo4jConnection): Promise<boolean> {
  try {
    const { rows: own } = await neo4j.query('CALL db.info() YIELD name RETURN name');
    const { rows } = await neo4j.query('SHOW DATABASES YIELD name, store WHERE name = $name', {
      name: own[0]?.name,
    });
    return RECORD_FORMATS.test(String(rows[0]?.store));
  } catch {
    return false; // no right to ask, or another product: what is not known is not relied on
  }
}
