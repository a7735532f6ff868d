/**
 * Quotes a label, a relationship type, a property or a variable, so that no name can become Cypher: backticks are
 * doubled, and a backslash, with which Neo4j would begin a character's code even between backticks, is written as its
 * own code.
 */
export function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``').replaceAll('\\', '\\u005C')}\``;
}
