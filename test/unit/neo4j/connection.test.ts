import { expect, it } from 'vitest';
import { Neo4jConnection } from '../../../src/neo4j/connection.ts';

it('looks for the address again where there was none, and not where there was one', async () => {
  const found = { uri: 'bolt://127.0.0.1:1', username: 'neo4j' };
  let asked = 0;
  await using connection = new Neo4jConnection(async () => {
    if (++asked === 1) throw new Error('no server runs here');
    return found;
  });
  await expect(connection.address()).rejects.toThrow('no server runs here');
  expect(await connection.address()).toBe(found);
  expect(await connection.address()).toBe(found);
  expect(asked).toBe(2);
});
