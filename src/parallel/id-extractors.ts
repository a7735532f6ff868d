/**
 * From node keys to buckets. Invariant: equal keys give equal buckets, in every process and on every machine, so that
 * a split can be repeated; 7, 7n and 7.0 are equal, as they are to Neo4j.
 *
 * Integers go through the finaliser of MurmurHash3 (Appleby 2011), strings through FNV-1a (Fowler, Noll, Vo 1991) and
 * the same finaliser; the hash is then scaled, not taken modulo, to the table size (Lemire, "Fast random integer
 * generation in an interval", 2019), so sequential keys spread evenly at any size.
 */
import { ValidationError } from '../core/errors.ts';
import { describeValue, integerOption, stringOption } from '../core/options.ts';

/** Row bucket and column bucket, each from 0 (inclusive) to tableSize (exclusive; inclusive with `hasShared`). */
export type BucketPair = readonly [row: number, col: number];

/** Gives the buckets of an item's two node keys. */
export interface IdExtractor<T> {
  (item: T): BucketPair;
  /** Whether both keys are of one node space; the splitter then folds the grid. Default: false. */
  readonly monopartite?: boolean;
  /**
   * Whether it also gives bucket tableSize, for keys that need no claim: `schedule: 'claims'` then runs cells of it side
   * by side, as far as their other buckets differ. Default: false.
   */
  readonly hasShared?: boolean;
  /** Says what it is: a run that was stopped goes on only with an extractor of the same text. Default: its code. */
  toString(): string;
  /**
   * Whether it does no more with an item than to read fields by name: then no object is made for it where rows come by
   * column. Default: false.
   */
  readonly readsFields?: boolean;
}

/** What can be a node key. */
export type NodeKey = number | bigint | string;

/** A node key as maps take it: a bigint is the number that it equals, or its text where none does. */
export type PlainKey = number | string;

/** Gives the same for equal keys, 7 and 7n among them. */
export function plainKey(key: NodeKey): PlainKey {
  if (typeof key !== 'bigint') return key;
  const number = Number(key);
  return Number.isSafeInteger(number) ? number : String(key);
}

/** What {@link tupleIdExtractor} can be told. */
export interface TupleIdExtractorOptions {
  /** Buckets on each side of the grid, 1 to 4096. Default: 10. */
  readonly tableSize?: number;
}

/** What {@link dictIdExtractor} can be told. */
export interface DictIdExtractorOptions extends TupleIdExtractorOptions {
  /** Field that holds the start node's key. Default: 'start'. */
  readonly startKey?: string;
  /** Field that holds the end node's key. Default: 'end'. */
  readonly endKey?: string;
  /** Whether both keys are of one node space. Default: false. */
  readonly monopartite?: boolean;
}

export const DEFAULT_TABLE_SIZE = 10;
/** The grid has the square of this in cells; more than 16 M of them is a slip, not a wish. */
export const MAX_TABLE_SIZE = 4096;

/**
 * Makes an extractor for items `[start, end]`.
 * @throws {@link ValidationError} `GW_SPLIT_KEY` from the extractor, for a key that is missing, null or of another type.
 */
export function tupleIdExtractor({
  tableSize = DEFAULT_TABLE_SIZE,
}: TupleIdExtractorOptions = {}): IdExtractor<readonly [start: unknown, end: unknown]> {
  integerOption('tableSize', tableSize, { min: 1, max: MAX_TABLE_SIZE });
  const extract = (item: readonly [start: unknown, end: unknown]): BucketPair => [
    bucketOf(item[0], tableSize, 0, item),
    bucketOf(item[1], tableSize, 1, item),
  ];
  return Object.assign(extract, { toString: () => `tupleIdExtractor(${JSON.stringify({ tableSize })})` });
}

/**
 * Makes an extractor for rows with the keys of both nodes in two fields.
 * @throws {@link ValidationError} `GW_SPLIT_KEY` from the extractor, for a key that is missing, null or of another type.
 */
export function dictIdExtractor({
  tableSize = DEFAULT_TABLE_SIZE,
  startKey = 'start',
  endKey = 'end',
  monopartite = false,
}: DictIdExtractorOptions = {}): IdExtractor<Readonly<Record<string, unknown>>> {
  integerOption('tableSize', tableSize, { min: 1, max: MAX_TABLE_SIZE });
  stringOption('startKey', startKey);
  stringOption('endKey', endKey);
  const extract = (item: Readonly<Record<string, unknown>>): BucketPair => {
    const row = bucketOf(item[startKey], tableSize, startKey, item);
    const col = bucketOf(item[endKey], tableSize, endKey, item);
    return monopartite && row > col ? [col, row] : [row, col];
  };
  const settings = JSON.stringify({ tableSize, startKey, endKey, monopartite });
  return Object.assign(extract, {
    monopartite,
    readsFields: true,
    toString: () => `dictIdExtractor(${settings})`,
  });
}

/** Gives the bucket of a node key, from 0 to tableSize − 1. */
export function keyBucket(key: NodeKey, tableSize: number): number {
  return Math.floor((hashKey(key) / 2 ** 32) * tableSize);
}

function bucketOf(key: unknown, tableSize: number, name: string | number, item: unknown): number {
  const isKey =
    typeof key === 'string' || typeof key === 'bigint' || (typeof key === 'number' && !Number.isNaN(key));
  if (isKey) return keyBucket(key, tableSize);
  const found = key === undefined ? 'is missing' : key === null ? 'is null' : `is ${describeValue(key)}`;
  throw new ValidationError(
    'GW_SPLIT_KEY',
    `Key \`${name}\` ${found} in ${describeItem(item)}; a node key is a number, a bigint or a string.`,
    { details: { key: name, item } },
  );
}

/** Names an item in a message, with its row number where it has one. */
export function describeItem(item: unknown): string {
  const row = (item as { readonly _row?: unknown } | null | undefined)?._row;
  return `${typeof row === 'number' ? `row ${row}` : 'the row'} ${describeValue(item)}`;
}

/** Gives an unsigned 32-bit hash of a node key. */
function hashKey(key: NodeKey): number {
  if (typeof key === 'string') return hashString(key);
  if (typeof key === 'bigint') {
    return hashWords(Number(BigInt.asIntN(32, key)), Number(BigInt.asIntN(32, key >> 32n)));
  }
  if (Number.isInteger(key)) return hashWords(key | 0, Math.floor(key / 2 ** 32) | 0);
  FLOAT[0] = key;
  return hashWords(WORDS[0]!, WORDS[1]!);
}

const FLOAT = new Float64Array(1);
const WORDS = new Int32Array(FLOAT.buffer);

function hashWords(low: number, high: number): number {
  return finalise(low ^ Math.imul(finalise(high), 0x9e3779b1));
}

function hashString(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return finalise(hash);
}

/** MurmurHash3's fmix32. */
function finalise(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
