import Table from 'cli-table3';

/** A table without colours, so that it can be kept in a file. */
export function textTable(head: readonly string[]): Table.Table {
  return new Table({ head: [...head], style: { head: [], border: [], compact: true } });
}
