/**
 * From a mapping to the fastest statement known for it.
 *
 * | kind of write | shape | why |
 * |---|---|---|
 * | nodes | one UNWIND over rows | there is nothing to share |
 * | relationships | keys resolved once a batch, rows refer to them by position | a look-up a key, not two a row |
 * | one relationship by `merge` | rows grouped by one of its nodes, whose relationships are looked through once | not once a row |
 *
 * Rows travel as lists of values, not as maps: neither side handles a name a row. Server CPU for 100,000 rows, medians
 * of three on Neo4j 5.26: flights 1,160 ms by position, 2,140 with maps; ratings 3,130 and 3,670.
 *
 * What else was tried (sorted, FOREACH, columns, one pattern) gained nothing that counts: ARCHITECTURE.md has the figures.
 *
 * `MERGE` of a relationship reads those of one of its nodes, locks both, and reads again: with 3 M ratings in the database
 * that was 61 % of the server's time. What a look at the group's node did not find, behind the same locks, is created; where
 * that node has too many relationships, and where there is one, `MERGE` decides. Server CPU in microseconds a row: 300,000
 * ratings 14.1 by `MERGE` alone and 9.9 grouped, 3 M ratings 49.8 and 27.
 *
 * A batch with a key that no node has still writes its other rows: positions hold null there, and the statement says how
 * many rows were written. With a key that two nodes have, where no constraint keeps them from it, it writes nothing.
 */
import { ConfigError } from '../core/errors.ts';
import { describeValue, nearestName } from '../core/options.ts';
import { quoteName } from './names.ts';
import type {
  Mapping,
  NodePattern,
  NodeWrite,
  PropertySource,
  RelationshipPattern,
  ValueSource,
} from './patterns.ts';

/** Nodes that are found by the same properties of the same label. */
export interface KeySpace {
  readonly label: string;
  readonly properties: readonly string[];
}

/** A key by which a row finds a node, which no other writer may write at the same time. */
export interface KeyClaim {
  /** Index of its key space. */
  readonly space: number;
  readonly keys: readonly PropertySource[];
}

/** The list of distinct keys that a batch sends for one key space and one way of writing. */
export interface KeyList {
  readonly space: number;
  readonly write: Exclude<NodeWrite, 'create'>;
  readonly node: NodePattern;
  /** The ends that refer to it; their properties are set from the last row with the key. */
  readonly parameter: string;
}

/** A mapping as statements, and what is known of its rows. */
export interface CompiledMapping {
  /** What is run for a batch; where rows are grouped, those of a start node. */
  readonly statement: string;
  /** The same with the rows of an end node grouped: of one merged relationship alone. */
  readonly statementByEnd?: string;
  readonly spaces: readonly KeySpace[];
  /** The keys that a row claims. */
  readonly claims: readonly KeyClaim[];
  /** The keys that a row must have: those that it claims, and those of nodes that it creates. */
  readonly required: readonly Pick<KeyClaim, 'keys'>[];
  readonly lists: readonly KeyList[];
  /** By keyed end: its list. */
  readonly ends: readonly { readonly list: number; readonly keys: readonly PropertySource[] }[];
  /** What follows the ends' positions in a row. */
  readonly values: readonly PropertySource[];
  /** Whether rows of the same ends (and relationship keys) are one write, of which the last counts. */
  readonly lastRowCounts: boolean;
  /** How many of the values belong to the identity of the relationship, from the first on. */
  readonly identityValues: number;
  /** Columns that are used. */
  readonly columns: readonly string[];
  /** Which kinds of write there are; CREATE between nodes that are there claims less. */
  readonly createsOnly: boolean;
  /** Whether rows make nodes, perhaps such as others look for. */
  readonly makesNodes: boolean;
  /**
   * Whether commits of cells that share no node can still meet, on a link between the chains of two nodes that rows share: not
   * where each relationship has an end that its own row creates.
   */
  readonly linksShared: boolean;
}

export interface CompileOptions {
  /** Property that is set to `$run` on every node and relationship that the statement creates. Default: none. */
  readonly runTag?: string | undefined;
}

/** @throws {@link ConfigError} `GW_CONFIG_OPTION` for patterns that do not fit together. */
export function compileMapping(mapping: Mapping, { runTag }: CompileOptions = {}): CompiledMapping {
  if (runTag !== undefined) refuseTakenTag(mapping, runTag);
  if (Array.isArray(mapping)) return compileRelationships(mapping as readonly RelationshipPattern[], runTag);
  const pattern = mapping as NodePattern | RelationshipPattern;
  if (pattern?.kind === 'node') return compileNode(pattern, runTag);
  if (pattern?.kind === 'relationship') return compileRelationships([pattern], runTag);
  throw new ConfigError(
    'GW_CONFIG_OPTION',
    `\`mapping\` must be a node(…), a relationship(…) or a list of relationships, got ${describeValue(mapping)}.`,
    { details: { option: 'mapping' } },
  );
}

/** A property that the mapping writes too would not hold the run's id, and the run could not be undone. */
function refuseTakenTag(mapping: Mapping, runTag: string): void {
  const patterns = [mapping].flat().flatMap((pattern) => {
    return pattern?.kind === 'relationship' ? [pattern, pattern.from, pattern.to] : [pattern];
  });
  const names = patterns.flatMap((pattern) => [...(pattern?.keys ?? []), ...(pattern?.properties ?? [])]);
  if (names.every(({ name }) => name !== runTag)) return;
  throw new ConfigError(
    'GW_CONFIG_OPTION',
    `\`runTag\` is \`${runTag}\`, which the mapping writes as a property of its own; give it another name.`,
    { details: { option: 'runTag' } },
  );
}

/** What the ways of writing a node differ in. */
type NodeShape = Pick<CompiledMapping, 'statement' | 'lists' | 'ends' | 'values'>;

function compileNode(node: NodePattern, runTag: string | undefined): CompiledMapping {
  const write = node.write ?? 'merge';
  const { keys, properties } = node;
  const isCreated = write === 'create';
  return {
    ...(write === 'match' ? matchedNode(node) : writtenNode(node, isCreated, runTag)),
    spaces: isCreated ? [] : [spaceOf(node)],
    claims: isCreated ? [] : [{ space: 0, keys }],
    required: keys.length > 0 ? [{ keys }] : [],
    lastRowCounts: false,
    identityValues: 0,
    columns: columnsOf([...keys, ...properties]),
    createsOnly: isCreated,
    makesNodes: write !== 'match',
    linksShared: false,
  };
}

function writtenNode(node: NodePattern, isCreated: boolean, runTag: string | undefined): NodeShape {
  const { labels, keys, properties } = node;
  const values = [...keys, ...properties];
  const at = valueAt(0);
  const clauses = ['UNWIND $rows AS r'];
  if (isCreated) clauses.push(`CREATE (${labelled('n', labels)} ${map(values, at, runTag)})`);
  else {
    clauses.push(`MERGE (${labelled('n', labels.slice(0, 1))} ${map(keys, at)})`);
    clauses.push(...tagOnCreate('n', runTag));
    if (labels.length > 1) clauses.push(`SET ${labelled('n', labels.slice(1))}`);
    if (properties.length > 0) clauses.push(set('n', properties, valueAt(keys.length)));
  }
  clauses.push('RETURN count(*) AS rows');
  return { statement: clauses.join('\n'), lists: [], ends: [], values };
}

/** Nodes that are there: found as the ends of relationships are, so that rows without one are known. */
function matchedNode(node: NodePattern): NodeShape {
  const { labels, keys, properties } = node;
  const list: KeyList = {
    space: 0,
    write: 'match',
    node: { ...node, labels: labels.slice(0, 1), properties: [] },
    parameter: 'keys0',
  };
  const ends = [{ list: 0, keys }];
  const statement = [
    `UNWIND $${list.parameter} AS key`,
    ...keyClauses(list, false, undefined),
    ...collected([list]),
    ...singleRows([list], ends),
    ...(labels.length > 1 ? [`SET ${labelled('e0', labels.slice(1))}`] : []),
    ...(properties.length > 0 ? [set('e0', properties, valueAt(1))] : []),
    'RETURN count(*) AS rows',
  ];
  return { statement: statement.join('\n'), lists: [list], ends, values: properties };
}

function compileRelationships(
  relationships: readonly RelationshipPattern[],
  runTag: string | undefined,
): CompiledMapping {
  if (relationships.length === 0 || relationships.some(({ kind }) => kind !== 'relationship')) {
    throw new ConfigError(
      'GW_CONFIG_OPTION',
      '`mapping` must hold at least one relationship(…), and nothing else.',
    );
  }
  const nodes = [...new Set(relationships.flatMap(({ from, to }) => [from, to]))];
  const created = nodes.filter(({ write }) => write === 'create');
  const keyed = nodes.filter(({ write }) => write !== 'create');
  const spaces: KeySpace[] = [];
  const lists: KeyList[] = [];
  const ends = keyed.map((given) => {
    const space = indexOf(spaces, spaceOf(given), sameSpace);
    const node = { ...given, keys: inOrder(given.keys, spaces[space]!) };
    const write = (node.write ?? 'match') as KeyList['write'];
    // Ends share a list when they need the same done with their nodes; properties come from the rows of one end alone.
    const shared = lists.findIndex(
      (list) =>
        list.space === space &&
        list.write === write &&
        sameNames(list.node.labels, node.labels) &&
        list.node.properties.length === 0 &&
        node.properties.length === 0,
    );
    if (shared >= 0) return { list: shared, keys: node.keys };
    lists.push({ space, write, node, parameter: `keys${lists.length}` });
    return { list: lists.length - 1, keys: node.keys };
  });

  const [first] = relationships;
  const isPlainMerge = relationships.length === 1 && created.length === 0 && first!.write === 'merge';
  const isGrouped = isPlainMerge && ends.length === 2;
  const values: PropertySource[] = [];
  const from = isGrouped ? 1 : ends.length; // the other end is the group's
  const place = (sources: readonly PropertySource[]): ((i: number) => string) => {
    const at = from + values.length;
    values.push(...sources);
    return valueAt(at);
  };
  const writes: string[] = [];
  const variable = (node: NodePattern) =>
    created.includes(node) ? `c${created.indexOf(node)}` : `e${keyed.indexOf(node)}`;
  for (const node of created) {
    const sources = [...node.keys, ...node.properties];
    writes.push(`CREATE (${labelled(variable(node), node.labels)} ${map(sources, place(sources), runTag)})`);
  }
  for (const [i, { type, from: start, to, keys, properties, write }] of relationships.entries()) {
    const name = `x${i}`;
    const arrow = (body: string) =>
      `(${variable(start)})-[${name}:${quoteName(type)}${body}]->(${variable(to)})`;
    if (write === 'create') {
      writes.push(`CREATE ${arrow(` ${map(properties, place(properties), runTag)}`)}`);
    } else {
      const [keyAt, propertyAt] = [place(keys), place(properties)];
      const merge = [`MERGE ${arrow(keys.length > 0 ? ` ${map(keys, keyAt)}` : '')}`];
      merge.push(...tagOnCreate(name, runTag));
      if (properties.length > 0) merge.push(set(name, properties, propertyAt));
      if (isGrouped) {
        const all = map([...keys, ...properties], keyAt, runTag);
        writes.push(onlyIf('NOT isKnown', `CREATE ${arrow(` ${all}`)}`), onlyIf('isKnown', merge.join(' ')));
      } else writes.push(...merge);
    }
  }

  const clauses: string[] = [];
  for (const [i, list] of lists.entries()) {
    clauses.push(`UNWIND $${list.parameter} AS key`, ...keyClauses(list, isGrouped, runTag));
    clauses.push(...collected(lists.slice(0, i + 1)));
  }
  const statement = (rows: readonly string[]) =>
    [...clauses, ...rows, ...writes, 'RETURN count(*) AS rows'].join('\n');
  const allKeys = ends.flatMap(({ keys }) => keys);
  const ofLists = lists.flatMap(({ node }) => node.properties);
  return {
    statement: statement(isGrouped ? groupedRows(first!, lists, ends, 0) : singleRows(lists, ends)),
    ...(isGrouped && { statementByEnd: statement(groupedRows(first!, lists, ends, 1)) }),
    spaces,
    claims: ends.map(({ list, keys }) => ({ space: lists[list]!.space, keys })),
    required: nodes.filter(({ keys }) => keys.length > 0),
    lists,
    ends,
    values,
    lastRowCounts: isPlainMerge,
    identityValues: first!.keys.length,
    columns: columnsOf([...allKeys, ...ofLists, ...values]),
    createsOnly:
      relationships.every(({ write }) => write === 'create') &&
      lists.every(({ write, node }) => write === 'match' && node.properties.length === 0),
    makesNodes: created.length > 0 || lists.some(({ write }) => write === 'merge'),
    linksShared: !relationships.every(
      ({ from: start, to }) => created.includes(start) || created.includes(to),
    ),
  };
}

type Ends = CompiledMapping['ends'];

/** Each row on its own: `r`, with its ends. */
function singleRows(lists: readonly KeyList[], ends: Ends): string[] {
  if (ends.length === 0) return ['UNWIND $rows AS r'];
  const found = ends.map((_, end) => endOf(ends, end, `r[${end}]`));
  return ['UNWIND $rows AS r', `WITH r, ${found.join(', ')}`, ...whereFound(lists, ends, [...ends.keys()])];
}

/**
 * The rows of one node after those of another: `r`, with its ends, and whether `MERGE` has to look for the relationship
 * itself (`isKnown`): because there is one between these nodes, because its node has too many to look through, or because
 * one of its keys is null, which `MERGE` refuses.
 *
 * The list of all nodes ends with the groups: the server counts the size of a list once for each row that it keeps, so that where it
 * kept groups with that list, a batch of 10,000 ratings counted as 1.4 GB in place of 3 MB, and two of them filled a heap of 4 GB.
 */
function groupedRows(
  { type, keys }: RelationshipPattern,
  lists: readonly KeyList[],
  ends: Ends,
  by: 0 | 1,
): string[] {
  const other = 1 - by;
  const others = `n${ends[other]!.list}`;
  const pattern = (node: string) => {
    const [from, to] = by === 0 ? [`(e${by})`, `(${node})`] : [`(${node})`, `(e${by})`];
    return `${from}-[:${quoteName(type)}]->${to}`;
  };
  const isNull = keys.map((_, k) => ` OR r[${1 + k}] IS NULL`).join('');
  return [
    'UNWIND $groups AS g',
    `WITH $rows[g[1]..g[2]] AS rows, ${endOf(ends, by, 'g[0]')}, ${others}`,
    ...whereFound(lists, ends, [by]),
    `WITH rows, e${by}, [r IN rows | ${others}[r[0]][0]] AS ends, COUNT { ${pattern('')} } > $look * size(rows) AS isWide`,
    `WITH rows, e${by}, ends, isWide, CASE WHEN isWide THEN [] ELSE [${pattern('e')} WHERE e IN ends | e] END AS known`,
    'UNWIND range(0, size(rows) - 1) AS i',
    `WITH rows[i] AS r, e${by}, ends[i] AS e${other}, isWide, known`,
    ...whereFound(lists, ends, [other]),
    `WITH r, e0, e1, isWide OR e${other} IN known${isNull} AS isKnown`,
  ];
}

function endOf(ends: Ends, end: number, place: string): string {
  return `n${ends[end]!.list}[${place}][0] AS e${end}`;
}

/** A node that is merged is always there. */
function whereFound(lists: readonly KeyList[], ends: Ends, which: readonly number[]): string[] {
  const matched = which.filter((end) => lists[ends[end]!.list]!.write === 'match');
  return matched.length > 0 ? [`WHERE ${matched.map((end) => `e${end} IS NOT NULL`).join(' AND ')}`] : [];
}

/**
 * Finds or makes the node of `key`: the key itself, or a list of key values and properties. A label that a node has already
 * changes nothing, and yet locks it, as `MERGE` of its relationships would.
 */
function keyClauses(list: KeyList, isLocked: boolean, runTag: string | undefined): string[] {
  const { keys, properties, labels } = list.node;
  const clauses = [find(list, list.write === 'match' ? 'OPTIONAL MATCH' : 'MERGE')];
  if (list.write === 'merge') clauses.push(...tagOnCreate('n', runTag));
  const added = labels.slice(isLocked ? 0 : 1, list.write === 'match' ? 1 : undefined);
  if (added.length > 0) clauses.push(`SET ${labelled('n', added)}`);
  if (properties.length > 0) clauses.push(set('n', properties, (i) => `key[${keys.length + i}]`));
  return clauses;
}

function find(list: KeyList, verb: string): string {
  const { keys, labels } = list.node;
  const at = hasPlainKeys(list) ? () => 'key' : (i: number) => `key[${i}]`;
  return `${verb} (${labelled('n', labels.slice(0, 1))} ${map(keys, at)})`;
}

/**
 * The nodes of the last of some lists, each at the place of its key. A key of two nodes would shift all after it; nothing is written
 * then.
 */
function collected(lists: readonly KeyList[]): string[] {
  const last = lists.length - 1;
  const names = [...lists.keys()].map((i) => (i === last ? `collect([n]) AS n${i}` : `n${i}`));
  return [`WITH ${names.join(', ')}`, `WHERE size(n${last}) = size($${lists[last]!.parameter})`];
}

/** Whether the list holds the keys themselves, not lists of key values and properties. */
export function hasPlainKeys({ node: { keys, properties } }: KeyList): boolean {
  return keys.length === 1 && properties.length === 0;
}

/** Gives the statement that says which places of a key list have no node. */
export function missingKeysStatement(list: KeyList): string {
  const places = `UNWIND range(0, size($${list.parameter}) - 1) AS i WITH i, $${list.parameter}[i] AS key`;
  return [places, find(list, 'OPTIONAL MATCH'), 'WITH i, n WHERE n IS NULL', 'RETURN i'].join('\n');
}

/** Gives the statement that finds a key of a list that two nodes have. */
export function doubledKeyStatement(list: KeyList): string {
  const keys = `UNWIND $${list.parameter} AS key`;
  return [
    keys,
    find(list, 'MATCH'),
    'WITH key, count(n) AS nodes WHERE nodes > 1',
    'RETURN key LIMIT 1',
  ].join('\n');
}

/** Gives the statement that makes the constraint that a key space needs to be fast and sure. */
export function constraintStatement({ label, properties }: KeySpace): string {
  const keys = properties.map((name) => `n.${quoteName(name)}`).join(', ');
  return `CREATE CONSTRAINT IF NOT EXISTS FOR (n:${quoteName(label)}) REQUIRE (${keys}) IS UNIQUE`;
}

/**
 * Refuses a mapping whose columns a row has not.
 * @throws {@link ConfigError} `GW_MAPPING_COLUMN` with the nearest name.
 */
export function checkColumns({ columns }: Pick<CompiledMapping, 'columns'>, known: readonly string[]): void {
  for (const column of columns) {
    if (known.includes(column)) continue;
    const near = nearestName(column, known);
    const hint = near
      ? `did you mean \`${near}\`?`
      : `there are ${known.map((name) => `\`${name}\``).join(', ')}.`;
    throw new ConfigError(
      'GW_MAPPING_COLUMN',
      `The mapping wants column \`${column}\`, which the rows do not have; ${hint}`,
      {
        details: { column, known },
      },
    );
  }
}

function spaceOf({ labels, keys }: NodePattern): KeySpace {
  return { label: labels[0]!, properties: keys.map(({ name }) => name) };
}

/** In whatever order the properties are given. */
function sameSpace(a: KeySpace, b: KeySpace): boolean {
  return a.label === b.label && sameNames([...a.properties].sort(), [...b.properties].sort());
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Gives the keys of a node in the order of its key space: a key of several properties is then one key at both ends. */
function inOrder(keys: readonly PropertySource[], { properties }: KeySpace): readonly PropertySource[] {
  return properties.map((property) => keys.find(({ name }) => name === property)!);
}

function indexOf<T>(list: T[], item: T, same: (a: T, b: T) => boolean): number {
  const found = list.findIndex((other) => same(item, other));
  return found >= 0 ? found : list.push(item) - 1;
}

function columnsOf(sources: readonly PropertySource[]): readonly string[] {
  const columns = sources
    .map(({ source }) => source as ValueSource)
    .filter((source) => typeof source === 'string');
  return [...new Set(columns)];
}

function valueAt(from: number): (i: number) => string {
  return (i) => `r[${from + i}]`;
}

function labelled(variable: string, labels: readonly string[]): string {
  return `${variable}${labels.map((label) => `:${quoteName(label)}`).join('')}`;
}

function map(sources: readonly PropertySource[], at: (i: number) => string, runTag?: string): string {
  const entries = sources.map(({ name }, i) => `${quoteName(name)}: ${at(i)}`);
  if (runTag !== undefined) entries.push(`${quoteName(runTag)}: $run`);
  return entries.length === 0 ? '' : `{${entries.join(', ')}}`;
}

function onlyIf(condition: string, write: string): string {
  return `FOREACH (_ IN CASE WHEN ${condition} THEN [1] ELSE [] END | ${write})`;
}

/** What is there already belongs to the run that made it. */
function tagOnCreate(variable: string, runTag: string | undefined): string[] {
  return runTag === undefined ? [] : [`ON CREATE SET ${variable}.${quoteName(runTag)} = $run`];
}

function set(variable: string, sources: readonly PropertySource[], at: (i: number) => string): string {
  return `SET ${sources.map(({ name }, i) => `${variable}.${quoteName(name)} = ${at(i)}`).join(', ')}`;
}
