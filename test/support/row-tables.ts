/** Tables of rows for tests, as the readers of files make them. */
import { DOUBLE_WORDS, setNull } from '../../src/core/packed-values.ts';
import { type ColumnKind, RowLayout, RowTable } from '../../src/core/row-table.ts';

/** What a packed value is made of: a number (of microseconds, of days), or a text; null stays null. */
export type Packable = number | string | null;

/** Makes a table. @param columns By name; the values are what the kind is made of, and those of a list themselves. */
export function tableOf(
  columns: Readonly<Record<string, { readonly kind: ColumnKind; readonly values: readonly unknown[] }>>,
): RowTable {
  const layout = RowLayout.of(
    Object.keys(columns),
    Object.values(columns).map(({ kind }) => kind),
  );
  const table = new RowTable(layout);
  const { length } = Object.values(columns)[0]!.values;
  table.extend(length);
  for (const [c, { kind, values }] of Object.values(columns).entries()) {
    if (kind === 'list') table.list(c).push(...values);
    else for (const [i, value] of (values as Packable[]).entries()) setValue(table, c, i, value);
  }
  return table;
}

function setValue(table: RowTable, c: number, i: number, value: Packable): void {
  const { words, doubles, stride, offset } = table.place(c);
  const at = i * stride + offset;
  if (value === null) setNull(table.layout.kinds[c] as Exclude<ColumnKind, 'list'>, words, at);
  else if (typeof value === 'number') doubles[at / DOUBLE_WORDS] = value;
  else {
    const bytes = Buffer.from(value);
    table.setText(at, bytes, 0, bytes.length);
  }
}

/** Makes a table of rows that all have the fields of the first; numbers and texts are packed. */
export function tableOfRows(rows: readonly Readonly<Record<string, unknown>>[]): RowTable {
  const columns = Object.keys(rows[0]!).map((name) => {
    const values = rows.map((row) => row[name]);
    const kind: ColumnKind = values.every((value) => typeof value === 'number')
      ? 'number'
      : values.every((value) => typeof value === 'string')
        ? 'text'
        : 'list';
    return [name, { kind, values }] as const;
  });
  return tableOf(Object.fromEntries(columns));
}
