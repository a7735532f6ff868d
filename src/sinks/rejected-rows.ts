import { appendFileSync, mkdirSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
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

  /** Gives the file for the rejected rows of a source that names none. */
  static defaultPath(sourceFile: string): string {
    return `rejected/${basename(sourceFile).replaceAll(/[^\w.-]/g, '_')}.jsonl`;
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
