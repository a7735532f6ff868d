/** Plain counters by name (`snake_case`), merged by adding. Whoever emits them emits each count once. */
export type Statistics = Readonly<Record<string, number>>;

/** Adds up statistics by name; the inputs stay as they are. */
export function mergeStatistics(...all: readonly Statistics[]): Statistics {
  const sum = new Map<string, number>(); // not an object: it would inherit names such as `constructor`
  for (const statistics of all) {
    for (const [name, count] of Object.entries(statistics)) sum.set(name, (sum.get(name) ?? 0) + count);
  }
  return Object.fromEntries(sum);
}
