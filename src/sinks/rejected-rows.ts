import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, type Stats, statSync } from 'node:fs';
import { resolve, win32 } from 'node:path';
import { createInterface } from 'node:readline';
import { type BatchPosition, type BatchResults, rowAt, rowOrigin } from '../core/batch-processor.ts';
import { type ErrorCode, GraphweftError } from '../core/errors.ts';
import { jsonValue } from '../core/json.ts';
import { stringOption } from '../core/options.ts';
import { rowToJson, type ValueTypes } from '../core/row-types.ts';
import { appendDurably, mendLastLine } from './durable-file.ts';

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
  /** The run that set it aside. */
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
  /** Its cell; only where the ledger counts rows. */
  readonly cell?: readonly [row: number, col: number];
  /** Its number within the cell, from 0. */
  readonly position?: number;
  /** The row as it was read. */
  readonly row?: unknown;
  /** By place in the row: types of values that JSON has no form for, which are text there. */
  readonly types?: ValueTypes;
  /** Which load's row it is, as the file beside this one describes it. */
  readonly load?: string;
  /** The line as it stands in the file; only for a malformed line. */
  readonly text?: string;
  /** Names and DuckDB types of its fields; only for a malformed line. */
  readonly columns?: readonly (readonly [name: string, type: string])[];
}

/** Gives the line for a row of a batch: with where it comes from, and as it was read. */
export function rejectedRow(
  batch: BatchResults,
  index: number,
  { run, ...reason }: Omit<RejectedRow, 'file' | 'rowNumber' | 'row'>,
): RejectedRow {
  const row = rowAt(batch, index);
  return { run, ...rowOrigin(batch.origin, index, row), ...reason, row };
}

/** What a load is, in JSON. */
export interface LoadDescription {
  /** Tells it from other loads. */
  readonly id: string;
  readonly [part: string]: unknown;
}

/** What an earlier attempt at the same run has set aside already. */
interface Earlier {
  /** By stage and code: rows that were set aside before they had a cell. They come again in the same order. */
  readonly toSkip: Map<string, number>;
  /** Rows of cells that were set aside, though the ledger does not count them yet, with their codes. */
  readonly places: Map<string, ErrorCode>;
}
/** File systems take 255 bytes for a name; what is longer is cut, and told from its like by a digest. */
const MAX_NAME_CHARACTERS = 128;
const DIGEST_CHARACTERS = 12;
/** Names that are devices on Windows, with whatever ending. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/**
 * Appends rejected rows to a JSON-lines file. The file and its folder come into being with the first row; rows are on
 * the disk when `append` returns, so that nothing that comes after it can know of a row which the file does not have.
 */
export class RejectedRows {
  readonly path: string;
  #count = 0;
  #committed = 0;
  #carried = 0;
  #ofOthers = 0;
  #run: string | undefined;
  #earlier: Earlier | undefined;
  #limit: ((rejected: number) => void) | undefined;
  #description: LoadDescription | undefined;
  #isDescribed = false;

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

  /** Gives the file that describes the loads of rejected rows, in JSON lines. */
  static descriptionPath(path: string): string {
    return besideOf(path);
  }

  /** Rows of this run in the file, those of earlier attempts among them. */
  get count(): number {
    return this.#count;
  }

  /** Those among them that earlier attempts have set aside and the ledger counts. */
  get committed(): number {
    return this.#committed;
  }

  /** Rows of this load that runs before this one have set aside. */
  get ofOtherRuns(): number {
    return this.#ofOthers;
  }

  /** Gives the codes of rows that an earlier attempt has set aside, though the ledger does not count them, by index in a batch. */
  earlierOf({ row, col, from }: BatchPosition, rows: number): ReadonlyMap<number, ErrorCode> {
    const found = new Map<number, ErrorCode>();
    const places = this.#earlier?.places;
    if (!places || places.size === 0) return found;
    for (let i = 0; i < rows; i++) {
      const code = places.get(placeOf({ cell: [row, col], position: from + i }));
      if (code) found.set(i, code);
    }
    return found;
  }

  /** Begins a load whose rows have nothing to do with those of the one before. */
  begin(): void {
    this.#count = 0;
    this.#committed = 0;
    this.#carried = 0;
    this.#ofOthers = 0;
    this.#run = undefined;
    this.#earlier = undefined;
  }

  /** Has the number of rejected rows checked after each of them; the check throws where it is too large. */
  limitTo(check: ((rejected: number) => void) | undefined): void {
    this.#limit = check;
  }

  /**
   * Takes up a run: its lines carry `run`, and rows that an earlier attempt has set aside are not set aside again. A last
   * line that was cut off is removed.
   * @param committed Rows of a cell that the ledger counts, by row and column.
   * @throws {@link GraphweftError} `GW_REJECTED_FILE` when the file cannot be read or mended.
   */
  async beginRun(run: string, committed: (row: number, col: number) => number): Promise<void> {
    this.begin();
    this.#run = run;
    const toSkip = new Map<string, number>();
    const places = new Map<string, ErrorCode>();
    this.#earlier = { toSkip, places };
    try {
      await this.#readEarlier(run, committed, this.#earlier);
    } catch (cause) {
      throw this.#unusable('The file of rejected rows cannot be used', cause);
    }
  }

  async #readEarlier(
    run: string,
    committed: (row: number, col: number) => number,
    { toSkip, places }: Earlier,
  ): Promise<void> {
    if (!statsOf(this.path)?.isFile()) return; // a pipe or a device cannot be read back
    mendLastLine(this.path, (line) => rejectedRowOf(line) !== undefined);
    for await (const line of createInterface({ input: createReadStream(this.path) })) {
      const row = rejectedRowOf(line);
      if (row && row.run !== run && row.load === this.#description?.id) this.#ofOthers++;
      if (row?.run !== run) continue;
      this.#count++;
      if (!row.cell) toSkip.set(kindOf(row), (toSkip.get(kindOf(row)) ?? 0) + 1);
      else if (row.position! >= committed(...row.cell)) places.set(placeOf(row), row.code);
      else this.#committed++;
    }
  }

  /** @throws {@link GraphweftError} `GW_REJECTED_FILE` when the file cannot be written: a row must not vanish. */
  append(rows: readonly RejectedRow[]): void {
    this.#write(rows);
    this.checkLimit();
  }

  /** Appends rows that were rejected before and are not looked at now; no limit counts them. */
  carryOver(rows: readonly RejectedRow[]): void {
    this.#carried += rows.length; // also where an earlier attempt has carried them over: it counted them
    this.#write(rows.map(withOwnPlace));
  }

  #write(rows: readonly RejectedRow[]): void {
    const fresh = rows.filter((row) => !this.#isThere(row));
    if (fresh.length === 0) return;
    const own = {
      ...(this.#run && { run: this.#run }),
    };
    const load = this.#description && { load: this.#description.id };
    const lines = fresh.map(
      (row) => `${JSON.stringify({ ...load, ...row, ...own, ...rowToJson(row.row) }, jsonValue)}\n`,
    );
    try {
      this.#describe();
      appendDurably(this.path, lines.join(''));
    } catch (cause) {
      const rows = fresh.length === 1 ? '1 rejected row' : `${fresh.length} rejected rows`;
      throw this.#unusable(`${rows} could not be written to ${this.path}`, cause);
    }
    this.#count += fresh.length;
  }

  #unusable(what: string, cause: unknown): GraphweftError {
    const message = `${what}: ${(cause as Error).message}`;
    return new GraphweftError('GW_REJECTED_FILE', message, { cause, details: { file: this.path } });
  }

  checkLimit(): void {
    this.#limit?.(this.#count - this.#carried);
  }

  /** Has what a load is written beside the file when its first row is rejected, so that its rows can be loaded again. */
  describeLoad(description: LoadDescription): void {
    this.#description = description;
  }

  #describe(): void {
    const { path } = this;
    if (!this.#description || this.#isDescribed) return;
    this.#isDescribed = true;
    if (statsOf(path)?.isFile() === false) return; // a device or a pipe has no neighbours
    const { id } = this.#description;
    const beside = besideOf(path);
    // Added to: loads of one source have one file of rejected rows.
    if (existsSync(beside) && readFileSync(beside, 'utf8').includes(`"${id}"`)) return;
    appendDurably(beside, `${JSON.stringify(this.#description)}\n`);
  }

  #isThere(row: RejectedRow): boolean {
    if (!this.#earlier) return false;
    const { toSkip, places } = this.#earlier;
    if (row.cell) return places.has(placeOf(row));
    const left = toSkip.get(kindOf(row)) ?? 0;
    if (left > 0) toSkip.set(kindOf(row), left - 1);
    return left > 0;
  }
}

/** Says what is there, if anything. Not with `throwIfNoEntry`: Node 24 takes a path through a file for one where nothing is. */
function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Apart, because a class that names itself within is called otherwise in the bundle. */
function besideOf(path: string): string {
  return `${path}.loads.jsonl`;
}

/** The cell of a line that is carried over is one of another run. */
function withOwnPlace({ cell: _cell, position: _position, ...carried }: RejectedRow): RejectedRow {
  return carried;
}

function kindOf({ stage, code }: RejectedRow): string {
  return `${stage} ${code}`;
}

function placeOf({ cell, position }: Pick<RejectedRow, 'cell' | 'position'>): string {
  return `${cell} ${position}`;
}

/** Reads a line of the file; undefined for one that is none of ours. */
export function rejectedRowOf(line: string): RejectedRow | undefined {
  try {
    const row = JSON.parse(line) as RejectedRow | null;
    return typeof row?.code === 'string' ? row : undefined;
  } catch {
    return undefined; // somebody else's line; it stays where it is
  }
}
