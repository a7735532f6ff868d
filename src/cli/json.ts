/** For `JSON.stringify`: integers beyond 2^53 as text. */
export function jsonValue(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
