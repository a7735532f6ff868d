import { compileMapping, constraintStatement, hasPlainKeys } from './compile.ts';
import type { Mapping, PropertySource } from './patterns.ts';

/** What a mapping is to the server. */
export interface MappingCypher {
  readonly statement: string;
  /** By parameter: what it holds. */
  readonly parameters: Readonly<Record<string, string>>;
  /** The constraints that its keys need; loads make them. */
  readonly constraints: readonly string[];
}

/**
 * Shows the statement that a mapping compiles to, what its parameters hold, and the constraints that it needs.
 *
 * @throws {@link ConfigError} `GW_CONFIG_OPTION` for patterns that do not fit together.
 * @example
 * ```ts
 * console.log(toCypher(node('Airport', { iata: 'code' }, { properties: ['name'] })).statement);
 * ```
 */
export function toCypher(mapping: Mapping): MappingCypher {
  const { statement, lists, ends, values, spaces } = compileMapping(mapping);
  const keyLists = lists.map((list) => {
    const { labels, keys, properties } = list.node;
    const each = hasPlainKeys(list) ? shown(keys[0]!) : `[${[...keys, ...properties].map(shown).join(', ')}]`;
    return [list.parameter, `the distinct keys of :${labels[0]}, each ${each}`] as const;
  });
  const places = ends.map(({ list }) => `place in $${lists[list]!.parameter}`);
  const rows = `a list a row: [${[...places, ...values.map(shown)].join(', ')}]`;
  return {
    statement,
    parameters: { ...Object.fromEntries(keyLists), rows },
    constraints: spaces.map(constraintStatement),
  };
}

function shown({ name, source }: PropertySource): string {
  return typeof source === 'string' ? `\`${source}\`` : `${name} (computed)`;
}
