import { ConfigError, ValidationError } from '../core/errors.ts';
import { describeValue } from '../core/options.ts';
import { isMissing } from '../core/packed-values.ts';
import {
  type BucketPair,
  describeItem,
  type IdExtractor,
  keyBucket,
  type NodeKey,
} from '../parallel/id-extractors.ts';
import { pairBucket } from '../parallel/shared-keys.ts';
import type { CompiledMapping, KeyClaim } from './compile.ts';
import { callSource } from './readers.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Gives the bucket of a node key on one side of the grid. */
export type BucketOfKey = (key: NodeKey, side: 0 | 1) => number;

/** Says whether a node key on one side of the grid needs no claim. */
export type IsSharedKey = (key: NodeKey, side: 0 | 1) => boolean;

/**
 * Makes the extractor that a mapping implies.
 *
 * | the mapping finds nodes by | a row's cell |
 * |---|---|
 * | two keys of one kind | (bucket, bucket) of a folded grid |
 * | two keys of two kinds | (bucket of the first, bucket of the second) |
 * | one key | (bucket, bucket) on the diagonal |
 * | none, it creates | each cell of the diagonal in turn: nothing can conflict |
 * | a shared key and another | (shared, bucket of the other) |
 * | two shared keys | (shared, bucket of the pair) |
 * | one key, shared | (shared, each bucket in turn) |
 *
 * Of two keys it always gives the same pair, whose buckets are those of the last row: a pair a row was a fifth of what the
 * client left to garbage collection.
 *
 * @param bucketOfKey Default: by hash.
 * @param isSharedKey Default: no key is.
 * @throws {@link ConfigError} `GW_CONFIG_OPTION` when more than two keys would have to be claimed: a grid has two sides.
 */
export function mappingExtractor(
  { claims }: Pick<CompiledMapping, 'claims'>,
  tableSize: number,
  bucketOfKey: BucketOfKey = (key) => keyBucket(key, tableSize),
  isSharedKey?: IsSharedKey,
): IdExtractor<Fields> {
  const [start, end] = claims;
  if (claims.length > 2) {
    throw new ConfigError(
      'GW_CONFIG_OPTION',
      `The mapping finds ${claims.length} nodes a row by key, and a grid has two sides; load it with one writer, or as ` +
        'two mappings.',
    );
  }
  const hasShared = isSharedKey !== undefined;
  const readsFields = claims.every(({ keys }) => keys.every(({ source }) => typeof source === 'string'));
  let turn = 0;
  const nextTurn = (): number => {
    turn = (turn + 1) % tableSize;
    return turn;
  };
  if (!start) {
    const inTurn = (): BucketPair => {
      const bucket = nextTurn();
      return [bucket, bucket];
    };
    return Object.assign(inTurn, { monopartite: true, readsFields });
  }
  if (!end) {
    const alone = (row: Fields): BucketPair => {
      const key = nodeKeyOf(row, start);
      if (isSharedKey?.(key, 0)) return [nextTurn(), tableSize];
      const bucket = bucketOfKey(key, 0);
      return [bucket, bucket];
    };
    return Object.assign(alone, { monopartite: true, hasShared, readsFields });
  }
  const monopartite = start.space === end.space;
  const endSide = monopartite ? 0 : 1;
  const pair: [row: number, col: number] = [0, 0];
  const both = (row: Fields): BucketPair => {
    const from = nodeKeyOf(row, start);
    const to = nodeKeyOf(row, end);
    const isFromShared = isSharedKey?.(from, 0) ?? false;
    const isToShared = isSharedKey?.(to, endSide) ?? false;
    pair[0] = isFromShared ? tableSize : bucketOfKey(from, 0);
    if (!isToShared) pair[1] = bucketOfKey(to, endSide);
    else pair[1] = isFromShared ? pairBucket(from, to, tableSize) : tableSize;
    return pair;
  };
  return Object.assign(both, { monopartite, hasShared, readsFields });
}

/**
 * Gives the key of a node as one value; a key of several properties as one text.
 * @throws {@link ValidationError} `GW_SPLIT_KEY` for a key that is missing or null, `GW_VALUE_FUNCTION`.
 */
export function nodeKeyOf(row: Fields, { keys }: Pick<KeyClaim, 'keys'>): NodeKey {
  let joined = '';
  for (const { name, source } of keys) {
    const value = typeof source === 'function' ? callSource(source, row) : row[source];
    if (isMissing(value)) {
      const found = value === null ? 'null' : value === undefined ? 'missing' : 'not a number';
      throw new ValidationError(
        'GW_SPLIT_KEY',
        `Key \`${typeof source === 'string' ? source : name}\` is ${found} in ${describeItem(row)}.`,
        { details: { key: name, item: row } },
      );
    }
    if (keys.length === 1)
      return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint'
        ? value
        : describeValue(value);
    joined += `${String(value).length} ${String(value)} `;
  }
  return joined;
}
