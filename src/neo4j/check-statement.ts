import { ConfigError } from '../core/errors.ts';
import type { Neo4jConnection } from './connection.ts';

const PREFIX = 'EXPLAIN ';

/**
 * Has the server read a statement without running it, so that what is no Cypher is known before the first row.
 * @throws {@link ConfigError} `GW_NEO4J_SYNTAX`, as if the statement itself had been sent.
 */
export async function checkStatement(neo4j: Neo4jConnection, statement: string): Promise<void> {
  try {
    await neo4j.repeatable(`${PREFIX}${statement}`);
  } catch (error) {
    if (!(error instanceof ConfigError) || error.code !== 'GW_NEO4J_SYNTAX') throw error;
    const { cause, details } = error;
    throw new ConfigError(error.code, withoutPrefix(error.message), { cause, details });
  }
}

/** The server counts places from the beginning of what it got, and quotes the line with a caret below. */
function withoutPrefix(message: string): string {
  const size = PREFIX.length;
  const shift = (n: string) => Number(n) - size;
  return message
    .replace(
      /\(line (\d+), column (\d+) \(offset: (\d+)\)\)/,
      (_, line: string, column: string, offset: string) =>
        line === '1'
          ? `(line 1, column ${shift(column)} (offset: ${shift(offset)}))`
          : `(line ${line}, column ${column} (offset: ${shift(offset)}))`,
    )
    .replace(new RegExp(`^"${PREFIX}(.*\\n) {${size}}`, 'm'), '"$1');
}
