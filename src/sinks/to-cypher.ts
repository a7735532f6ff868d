import {
  type CompiledMapping,
  compileMapping,
  constraintStatement,
  hasPlainKeys,
  type KeyList,
} from '../mapping/compile.ts';
import type { Mapping, PropertySource } from '../mapping/patterns.ts';
import { prepareBatch } from './prepare-batch.ts';

/** A parameter of a mapping's statement. */
export interface MappingParameter {
  /** What it holds, in words. */
  readonly holds: string;
  /** For given rows: what is sent, as the driver takes it. */
  readonly value?: readonly unknown[] | number;
}

/** What a mapping becomes. */
export interface MappingCypher {
  readonly statement: string;
  readonly parameters: Readonly<Record<string, MappingParameter>>;
  /** Statements that make the constraints which the statement needs to be fast and sure. */
  readonly constraints: readonly string[];
}

/** What {@link toCypher} can be told. */
export interface ToCypherOptions {
  /** Rows to send as one batch. Default: none, the parameters are described alone. */
  readonly rows?: readonly Readonly<Record<string, unknown>>[];
  /** Columns whose whole numbers are floats. Default: none. */
  readonly floatColumns?: readonly string[];
}

/**
 * Shows what a mapping becomes, without a database: to read, to `EXPLAIN`, or to run by hand.
 *
 * @throws {@link ConfigError} `GW_CONFIG_OPTION` for patterns that do not fit together.
 * @throws {@link ValidationError} with a `GW_VALUE_…` code, for rows that cannot be sent.
 * @example
 * ```ts
 * const { statement, parameters, constraints } = toCypher(node('Airport', { iata: 'code' }));
 * ```
 */
export function toCypher(mapping: Mapping, { rows, floatColumns = [] }: ToCypherOptions = {}): MappingCypher {
  const compiled = compileMapping(mapping);
  const {
    statement,
    groupedBy,
    parameters: sent,
  } = prepareBatch(compiled, { chunk: rows ?? [] }, new Set(floatColumns));
  const described = [
    ...compiled.lists.map((list) => [list.parameter, holdsOfList(compiled, list)] as const),
    ...(groupedBy === undefined
      ? []
      : ([
          ['groups', holdsOfGroups(compiled, groupedBy)],
          ['look', HOLDS_OF_LOOK],
        ] as const)),
    ['rows', holdsOfRows(compiled, groupedBy)] as const,
  ];
  const parameters = described.map(([name, holds]) => [
    name,
    { holds, ...(rows && { value: sentValue(sent[name]) }) },
  ]);
  return {
    statement,
    parameters: Object.fromEntries(parameters) as MappingCypher['parameters'],
    constraints: compiled.spaces.map(constraintStatement),
  };
}

/** A list that is packed, or none. */
function sentValue(sent: unknown): MappingParameter['value'] {
  return typeof sent === 'number' ? sent : [...(sent as Iterable<unknown>)];
}

const HOLDS_OF_LOOK =
  "relationships of a group's node that are looked through for each of its rows, at most; a load sends 0 where the last " +
  'rows were mostly there';

function holdsOfList({ lists, ends }: CompiledMapping, list: KeyList): string {
  const own = ends.filter((end) => lists[end.list] === list);
  const keys = own.map((end) => end.keys.map(nameOf).join(', ')).join('; ');
  const { labels, properties } = list.node;
  const what = hasPlainKeys(list)
    ? 'a value'
    : `a list [${[...list.node.keys, ...properties].map(nameOf).join(', ')}]`;
  return `each distinct key of :${labels[0]} once, ${what}; from ${keys}`;
}

function holdsOfGroups({ ends, lists }: CompiledMapping, by: 0 | 1): string {
  return `each ${END_NAMES[by]} node of $rows once, a list [${placeIn(lists, ends[by]!)}, its first row, the first row after it]`;
}

/** @param by The end whose rows come together, and which they leave out. */
function holdsOfRows(mapping: CompiledMapping, by: 0 | 1 | undefined): string {
  const { ends, lists, values, lastRowCounts } = mapping;
  const places = ends.filter((_, end) => end !== by).map((end) => placeIn(lists, end));
  const which = lastRowCounts ? 'the last row of each relationship' : 'every row';
  const order = by === undefined ? '' : ` by ${END_NAMES[by]} node`;
  return `${which}${order}, a list [${[...places, ...values.map(nameOf)].join(', ')}]`;
}

const END_NAMES = ['start', 'end'] as const;

function placeIn(lists: readonly KeyList[], { list }: CompiledMapping['ends'][number]): string {
  return `place in $${lists[list]!.parameter}`;
}

function nameOf({ name, source }: PropertySource): string {
  return typeof source === 'string' ? source : `a function's ${name}`;
}
