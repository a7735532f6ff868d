import { ConfigError } from '../core/errors.ts';
import { type CompiledMapping, constraintStatement, type KeySpace } from '../mapping/compile.ts';
import { quoteName } from '../mapping/names.ts';
import { DEFAULT_TRANSACTION_TIMEOUT_MS, type Neo4jConnection } from './connection.ts';

/**
 * Sees to the unique constraints by which a mapping finds its nodes: without them each key is a scan of the label, and a
 * key of two nodes would shift every row after it.
 *
 * @param policy `create` makes what is missing and waits for its index, `check` looks, `none` does nothing.
 * @throws {@link ConfigError} `GW_CONFIG_CONSTRAINT` where one is missing, or cannot be made because keys occur twice.
 */
export async function ensureConstraints(
  neo4j: Neo4jConnection,
  { spaces }: Pick<CompiledMapping, 'spaces'>,
  policy: 'create' | 'check' | 'none',
): Promise<void> {
  if (policy === 'none' || spaces.length === 0) return;
  const { rows } = await neo4j.query(
    "SHOW CONSTRAINTS YIELD type, entityType, labelsOrTypes, properties WHERE entityType = 'NODE' RETURN *",
  );
  for (const space of spaces) {
    const has = rows.some(
      ({ type, labelsOrTypes, properties }) =>
        /UNIQUE|NODE_KEY/.test(String(type)) &&
        (labelsOrTypes as string[])[0] === space.label &&
        JSON.stringify([...(properties as string[])].sort()) === JSON.stringify([...space.properties].sort()),
    );
    if (has) continue;
    if (policy === 'check') throw constraintError(space, 'is missing');
    try {
      // Loads that begin at once may make the same constraint, and deadlock on its label.
      await neo4j.repeatable(constraintStatement(space), {}, { timeoutMs: DEFAULT_TRANSACTION_TIMEOUT_MS });
    } catch (cause) {
      throw constraintError(space, `could not be made: ${refusal(space, (cause as Error).message)}`, cause);
    }
  }
}

/** Says that nodes share a key where nobody saw to the constraint. */
export function doubledKeyError(space: KeySpace): ConfigError {
  return constraintError(space, `is missing, and a key occurs twice in the database. ${joinNodes(space)}`);
}

/** Says what the server found; where nodes share a key or an index is in the way, also what to do about it. */
function refusal(space: KeySpace, message: string): string {
  if (message.includes('Schema.IndexAlreadyExists'))
    return "an index of its own is there. Drop it (SHOW INDEXES names it), since the constraint brings one with it, or load with `constraints: 'none'`";
  const [, nodes] = /\bBoth (Node\(.*?)\. Note that/s.exec(message) ?? [];
  if (nodes === undefined) return message;
  return `a key occurs twice in the database: both ${nodes}. ${joinNodes(space)}`;
}

function joinNodes({ label, properties }: KeySpace): string {
  const keys = properties.map((name) => `n.${quoteName(name)}`);
  const isWhole = keys.map((key) => `${key} IS NOT NULL`).join(' AND ');
  return `Join or delete such nodes; all of them: MATCH (n:${quoteName(label)}) WHERE ${isWhole} WITH [${keys.join(', ')}] AS key, count(*) AS nodes WHERE nodes > 1 RETURN key, nodes`;
}

function constraintError(space: KeySpace, what: string, cause?: unknown): ConfigError {
  const { label, properties } = space;
  return new ConfigError(
    'GW_CONFIG_CONSTRAINT',
    `The unique constraint for (:${label} {${properties.join(', ')}}), by which the mapping finds its nodes, ${what}`,
    { cause, details: { label, properties, statement: constraintStatement(space) } },
  );
}
