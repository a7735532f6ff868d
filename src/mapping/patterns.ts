/** What to write, described: nodes with keys, relationships between them, and where each value comes from. */
import { ConfigError } from '../core/errors.ts';
import { choiceOption, describeValue, optionError, refuseUnknownKeys } from '../core/options.ts';
import { isWellFormed } from '../core/text.ts';

/** Gives a value of a row that no column holds as it is. */
export type Computed = {
  // A method's parameter may be narrower than this: a function says itself what it reads of a row.
  of(row: Readonly<Record<string, unknown>>): unknown;
}['of'];

/** A column's name, or a function of the row. */
export type ValueSource<C extends string = string> = C | Computed;

/** Names of columns that become properties of the same name, or each property with the value that it gets. */
export type Properties<C extends string = string> = readonly C[] | Readonly<Record<string, ValueSource<C>>>;

export const NODE_WRITES = ['match', 'merge', 'create'] as const;
/** `match`: it is there; `merge`: it is there or is created; `create`: a new one for each row. */
export type NodeWrite = (typeof NODE_WRITES)[number];

export const RELATIONSHIP_WRITES = ['create', 'merge'] as const;
/** `create`: a new one for each row; `merge`: one between two nodes, the last row's properties count. */
export type RelationshipWrite = (typeof RELATIONSHIP_WRITES)[number];

/** What {@link node} can be told. */
export interface NodeOptions<C extends string = string> {
  /** Set on the node; with `match`, on the node that is found. Default: none. */
  readonly properties?: Properties<C>;
  /** Default: 'merge', and 'match' for the end of a relationship. */
  readonly write?: NodeWrite;
}

/** What {@link relationship} is told. */
export interface RelationshipOptions<
  F extends string = string,
  T extends string = string,
  P extends string = string,
  K extends string = string,
> {
  readonly from: NodePattern<F>;
  readonly to: NodePattern<T>;
  readonly properties?: Properties<P>;
  /** Properties that tell relationships between the same two nodes apart; for `merge`. Default: none. */
  readonly key?: Properties<K>;
  /** Default: 'merge'. */
  readonly write?: RelationshipWrite;
}

/** One property and where its value comes from. */
export interface PropertySource {
  readonly name: string;
  readonly source: ValueSource;
}

// biome-ignore lint/suspicious/noExplicitAny: where columns are not looked at, patterns of any columns fit
export type AnyColumns = any;

/** Columns that the compiler knows one by one; where it knows only that they are text, it checks none. */
type KnownColumns<C> = string extends C ? AnyColumns : C;

/** A node, as {@link node} describes it. */
export interface NodePattern<C extends string = AnyColumns> {
  readonly kind: 'node';
  /** The first one is the one whose constraint the key has. */
  readonly labels: readonly string[];
  readonly keys: readonly PropertySource[];
  readonly properties: readonly PropertySource[];
  readonly write: NodeWrite | undefined;
  /** For the type system alone: the columns that are used. */
  readonly columns?: C;
}

/** A relationship, as {@link relationship} describes it. */
export interface RelationshipPattern<C extends string = AnyColumns> {
  readonly kind: 'relationship';
  readonly type: string;
  readonly from: NodePattern;
  readonly to: NodePattern;
  readonly keys: readonly PropertySource[];
  readonly properties: readonly PropertySource[];
  readonly write: RelationshipWrite;
  readonly columns?: C;
}

/** What each row becomes: a node, a relationship, or several relationships that may share a node. */
export type Mapping<C extends string = AnyColumns> =
  | NodePattern<C>
  | RelationshipPattern<C>
  | readonly RelationshipPattern<C>[];

/**
 * A mapping for rows of a type: it can use no other columns. Where it is written in place, the compiler cannot always tell
 * them, and the first row does.
 */
export type MappingFor<Out> = 0 extends 1 & Out ? Mapping : Mapping<Extract<keyof Out, string>>;

/**
 * Describes a node.
 *
 * @param labels One label or several; a unique constraint on the first one's keys makes it fast.
 * @param keys Each key property with its column; may be empty for `create`.
 * @throws {@link ConfigError} `GW_CONFIG_OPTION`, `GW_CONFIG_UNKNOWN`
 * @example
 * ```ts
 * node('Airport', { iata: 'origin' });
 * node(['Person', 'Author'], { id: 'author_id' }, { properties: { name: 'author_name' } });
 * ```
 */
export function node<const C extends string = never, const P extends string = never>(
  labels: string | readonly string[],
  keys: Readonly<Record<string, ValueSource<C>>>,
  options: NodeOptions<P> = {},
): NodePattern<KnownColumns<C | P>> {
  refuseUnknownKeys('node', options, ['properties', 'write']);
  const list = Array.isArray(labels) ? labels.slice() : [labels];
  if (list.length === 0) throw optionError('labels', 'at least one label', labels);
  for (const label of list) checkName('labels', label);
  const { write } = options;
  const pattern: NodePattern<KnownColumns<C | P>> = {
    kind: 'node',
    labels: list,
    keys: propertySources('keys', keys),
    properties: propertySources('properties', options.properties ?? []),
    write: write && choiceOption('write', write, NODE_WRITES),
  };
  if (pattern.keys.length === 0 && write !== 'create') {
    throw optionError('keys', `at least one key, unless write is 'create'`, keys);
  }
  refuseOtherKeys(pattern);
  return Object.freeze(pattern);
}

/**
 * Describes a relationship.
 *
 * @throws {@link ConfigError} `GW_CONFIG_OPTION`, `GW_CONFIG_UNKNOWN`
 * @example
 * ```ts
 * relationship('FLIGHT', {
 *   from: node('Airport', { iata: 'origin' }),
 *   to: node('Airport', { iata: 'destination' }),
 *   properties: ['date', 'delay'],
 *   write: 'create',
 * });
 * ```
 */
export function relationship<
  const F extends string,
  const T extends string,
  const P extends string = never,
  const K extends string = never,
>(type: string, options: RelationshipOptions<F, T, P, K>): RelationshipPattern<KnownColumns<F | T | P | K>> {
  refuseUnknownKeys('relationship', options, ['from', 'to', 'properties', 'key', 'write']);
  checkName('type', type);
  for (const end of ['from', 'to'] as const) {
    if (options[end]?.kind !== 'node') throw optionError(end, 'a node(…)', options[end]);
  }
  const write = choiceOption('write', options.write ?? 'merge', RELATIONSHIP_WRITES);
  const keys = propertySources('key', options.key ?? []);
  if (keys.length > 0 && write === 'create') {
    throw new ConfigError('GW_CONFIG_OPTION', "A relationship with `key` needs write: 'merge'.");
  }
  const properties = propertySources('properties', options.properties ?? []);
  refuseOtherKeys({ keys, properties });
  return Object.freeze({
    kind: 'relationship',
    type,
    from: options.from,
    to: options.to,
    keys,
    properties,
    write,
  });
}

/** A key that gets another value would be found by neither from then on, and its writer has not claimed the other's bucket. */
function refuseOtherKeys({ keys, properties }: Pick<NodePattern, 'keys' | 'properties'>): void {
  for (const { name, source } of properties) {
    if (keys.every((key) => key.name !== name || key.source === source)) continue;
    throw new ConfigError(
      'GW_CONFIG_OPTION',
      `\`properties\` gives \`${name}\` another value than the key of that name; leave it out, or give it another name.`,
      { details: { option: 'properties' } },
    );
  }
}

function propertySources(option: string, properties: unknown): readonly PropertySource[] {
  if (typeof properties !== 'object' || properties === null)
    throw optionError(option, 'names of columns, or properties with their columns', properties);
  const pairs: readonly (readonly [string, unknown])[] = Array.isArray(properties)
    ? properties.map((name) => [name as string, name as unknown])
    : Object.entries(properties);
  return pairs.map(([name, source]) => {
    checkName(option, name);
    if ((typeof source !== 'string' || source === '') && typeof source !== 'function') {
      throw optionError(`${option}.${name}`, "a column's name or a function of the row", source);
    }
    return { name, source: source as ValueSource };
  });
}

function checkName(option: string, name: unknown): void {
  // Neo4j takes no NUL in a name, and half of a surrogate pair would arrive as another name.
  const isName = typeof name === 'string' && name.trim() !== '' && !name.includes('\0') && isWellFormed(name);
  if (isName) return;
  throw new ConfigError('GW_CONFIG_OPTION', `\`${option}\` holds ${describeValue(name)}, which is no name.`);
}
