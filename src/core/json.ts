/** For `JSON.stringify`: bigints, which JSON does not have, as text. */
export function jsonValue(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
