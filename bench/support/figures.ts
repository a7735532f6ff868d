/** How figures of several runs become one, and how they are written. */

export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return Number.isInteger(middle) ? (sorted[middle - 1]! + sorted[middle]!) / 2 : sorted[Math.floor(middle)]!;
}

/** A whole number with its thousands apart. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Divides pair by pair, as far as both have runs. */
export function ratios(ours: readonly number[], theirs: readonly number[]): readonly number[] {
  return ours.slice(0, theirs.length).map((value, i) => value / theirs[i]!);
}

/** The median, and all values in the order of the runs. */
export function medianAndAll(values: readonly number[], digits = 2): string {
  const all = values.map((value) => value.toFixed(digits)).join(' ');
  return `${median(values).toFixed(digits)} (all: ${all})`;
}
