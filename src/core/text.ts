/** Whether a text has no half of a surrogate pair, for which UTF-8 has no form: it would be sent as U+FFFD. */
export function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed(); // in Node 20, but not in ES2023's types
}

/** Formats a count with separators: 12,345. Not by toLocaleString, whose first call takes 10 ms. */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',');
}
