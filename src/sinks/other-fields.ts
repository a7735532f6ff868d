import { GraphweftError } from '../core/errors.ts';

/**
 * Refuses rows that hold a value in a field which has no column: it would be left out unseen.
 * @throws {@link GraphweftError} `GW_SINK_TYPE`
 */
export function refuseOtherFields(
  rows: readonly Readonly<Record<string, unknown>>[],
  columns: readonly string[],
  option: 'columns' | 'types',
): void {
  const known = new Set(columns);
  for (const row of rows) {
    for (const field of Object.keys(row)) {
      if (known.has(field) || row[field] === null || row[field] === undefined) continue;
      throw new GraphweftError(
        'GW_SINK_TYPE',
        `A row holds the field \`${field}\`, which those before it have not, and there is no column for it; name it in \`${option}\`.`,
        { details: { column: field } },
      );
    }
  }
}
