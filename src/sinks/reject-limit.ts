import { GraphweftError } from '../core/errors.ts';
import { optionError } from '../core/options.ts';

/** Rows that may be rejected: a number of them, or a share of all rows such as '0.5%'. */
export type RejectLimit = number | `${number}%`;

/** A share of fewer rows says nothing: the first row of all may be the only bad one. */
const MIN_ROWS = 1_000;

/**
 * Makes the check of a limit.
 * @param rows How many rows there are, or have been read so far.
 * @param file Where the rejected rows are, for the message.
 * @returns Throws {@link GraphweftError} `GW_REJECTED_LIMIT` when more rows are rejected than the limit allows.
 * @throws {@link ConfigError} `GW_CONFIG_OPTION`
 */
export function rejectCheck(
  limit: RejectLimit,
  rows: () => number,
  file?: string,
): (rejected: number) => void {
  const share = shareOf(limit);
  return (rejected) => {
    const allowed = share === undefined ? (limit as number) : Math.floor(share * Math.max(MIN_ROWS, rows()));
    if (rejected <= allowed) return;
    throw new GraphweftError(
      'GW_REJECTED_LIMIT',
      `${rejected} ${rejected === 1 ? 'row is' : 'rows are'} rejected, and \`maxRejected\` allows ${allowed}` +
        `${share === undefined ? '' : ` (${limit})`}; the load stops.${file === undefined ? '' : ` They are in ${file}.`}`,
      { details: { rejected, allowed } },
    );
  };
}

/** The share from 0 to 1; undefined where the limit is a number of rows. */
function shareOf(limit: unknown): number | undefined {
  if (typeof limit === 'number' && Number.isSafeInteger(limit) && limit >= 0) return undefined;
  const [, text] = /^(\d+(?:\.\d+)?)%$/.exec(String(limit)) ?? [];
  const share = Number(text) / 100;
  if (share >= 0 && share <= 1) return share;
  throw optionError('maxRejected', "a number of rows from 0, or a share such as '0.5%'", limit);
}
