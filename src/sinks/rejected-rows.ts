import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname, resolve, win32 } from 'node:path';
import { type ErrorCode, GraphweftError } from '../core/errors.ts';
import { stringOption } from '../core/options.ts';

/** Where a row was set aside. */
export type RejectStage = 'read' | 'validate' | 'write';

/** One way in which a row fails its schema. */
export interface RejectIssue {
  /** Names and positions that lead to the value; empty for the row itself. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** One line of the rejected file. */
export interface RejectedRow {
  /** The load that set it aside. */
  readonly run?: string | undefined;
  /** Path of the source file, where there is one. */
  readonly file: string | null;
  /** Counted from 0 in its file; null for a malformed line. */
  readonly rowNumber: number | null;
  /** Counted from 1 in its file; only for a malformed line. */
  readonly lineNumber?: number;
  readonly stage: RejectStage;
  readonly code: ErrorCode;
  readonly message: string;
  readonly issues?: readonly RejectIssue[];
  /** The row as it was read. */
  readonly row?: unknown;
  /** The line as it stands in the file; only for a malformed line. */
  readonly text?: string;
}

/** File systems take 255 bytes for a name; what is longer is cut, and told from its like by a digest. */
const MAX_NAME_CHARACTERS = 128;
const DIGEST_CHARACTERS = 12;
/** Names that are devices on Windows, with whatever ending. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/**
 * Appends rejected rows to a JSON-lines file. The file and its folder come into being with the first row; rows are on
 * their way to the disk when `append` returns, so an interrupted load has them too.
 */
export class RejectedRows {
  readonly path: string;
  #count = 0;

  constructor(path: string) {
    this.path = resolve(stringOption('rejectedFile', path));
  }

  /**
   * Gives the file for the rejected rows of a source that names none. Whatever the name is, the file is in the folder
   * `rejected`, and can be written on every system.
   */
  static defaultPath(sourceFile: string): string {
    // Windows' idea of a path knows both kinds of separators, and drives.
    const name = win32.basename(sourceFile).replaceAll(/[^\w.-]/g, '_');
    if (/^\.*$/.test(name)) return 'rejected/rows.jsonl';
    if (name.length <= MAX_NAME_CHARACTERS) return `rejected/${DEVICE.test(name) ? '_' : ''}${name}.jsonl`;
    const digest = createHash('sha256').update(sourceFile).digest('hex').slice(0, DIGEST_CHARACTERS);
    return `rejected/${name.slice(0, MAX_NAME_CHARACTERS)}-${digest}.jsonl`;
  }

  /** Rows that were appended by this object. */
  get count(): number {
    return this.#count;
  }

  /** @throws {@link GraphweftError} `GW_REJECTED_FILE` when the file cannot be written: a row must not vanish. */
  append(rows: readonly RejectedRow[]): void {
    if (rows.length === 0) return;
    try {
      mkdirSync(dirname(this.path), { recursive: true });
      appendFileSync(this.path, rows.map((row) => `${JSON.stringify(row, jsonValue)}\n`).join(''));
      this.#count += rows.length;
    } catch (cause) {
      throw new GraphweftError(
        'GW_REJECTED_FILE',
        `${rows.length} rejected rows could not be written to ${this.path}: ${(cause as Error).message}`,
        { cause, details: { file: this.path } },
      );
    }
  }
}

/** JSON has neither integers beyond 2^53 nor bytes nor NaN: they go as text, so that none is changed on the way. */
function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return value;
}
