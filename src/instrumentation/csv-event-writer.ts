import { appendFileSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { GraphweftError } from '../core/errors.ts';
import { type CellPlace, EVENT_KINDS, type LoadEvent, subscribeToEvents } from '../core/events.ts';

/** Columns of the file, in order. */
export const EVENT_COLUMNS = [
  'time',
  'event',
  'task',
  'task_uuid',
  'duration_ms',
  'rows',
  'cell',
  'row',
  'col',
  'cells',
  'invalid_rows',
  'retries',
  'success',
  'error',
] as const;

/** Lines that wait until they are this long, in characters, or a root task or the process ends. */
const BUFFERED_CHARS = 16 * 1024;

export interface CsvEventWriterOptions {
  readonly path: string;
  /** Share of the events that are written, 0 < x <= 1; task events are written always. */
  readonly sampling: number;
  /** Is told once when the file cannot be written any more. */
  readonly onFailure: (error: GraphweftError) => void;
}

/**
 * Appends events to a CSV file, a new one with its header. With sampling, what belongs to a cell is kept or left out with
 * the whole cell, and of other events each kind is thinned out evenly: the same load leaves lines of the same places.
 *
 * @throws {@link GraphweftError} `GW_INSTRUMENT_FILE` from the constructor, when the file cannot be written.
 */
export class CsvEventWriter {
  readonly path: string;
  readonly #options: CsvEventWriterOptions;
  readonly #seen = new Map<string, number>();
  readonly #unsubscribe: () => void;
  readonly #onExit = (): void => this.#flush();
  #buffer = '';
  #isClosed = false;

  constructor(options: CsvEventWriterOptions) {
    this.#options = options;
    this.path = resolve(options.path);
    try {
      mkdirSync(dirname(this.path), { recursive: true });
      const size = statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
      appendFileSync(this.path, size === 0 ? `${EVENT_COLUMNS.join(',')}\n` : '');
    } catch (cause) {
      throw this.#error(cause);
    }
    const write = (event: LoadEvent): void => this.#write(event);
    this.#unsubscribe = subscribeToEvents(Object.fromEntries(EVENT_KINDS.map((kind) => [kind, write])));
    process.once('exit', this.#onExit);
  }

  /** Writes what waits, and listens no more. */
  close(): void {
    this.#stop();
    this.#flush();
    this.#isClosed = true;
  }

  #stop(): void {
    this.#unsubscribe();
    process.off('exit', this.#onExit);
  }

  #write(event: LoadEvent): void {
    if (!this.#isKept(event)) return;
    this.#buffer += lineOf(event);
    const isEnd = event.event === 'task:end' && event.parentUuid === undefined;
    if (isEnd || this.#buffer.length >= BUFFERED_CHARS) this.#flush();
  }

  #isKept(event: LoadEvent): boolean {
    const { sampling } = this.#options;
    if (sampling === 1 || event.event === 'task:start' || event.event === 'task:end') return true;
    if ('cell' in event) return isSampled(event.cell as number, sampling);
    const seen = (this.#seen.get(event.event) ?? 0) + 1;
    this.#seen.set(event.event, seen);
    return isSampled(seen, sampling);
  }

  /** Never throws: an error in a listener would end the process. */
  #flush(): void {
    if (this.#buffer === '' || this.#isClosed) return;
    const text = this.#buffer;
    this.#buffer = '';
    try {
      appendFileSync(this.path, text);
    } catch (cause) {
      this.#isClosed = true;
      this.#stop();
      this.#options.onFailure(this.#error(cause));
    }
  }

  #error(cause: unknown): GraphweftError {
    return new GraphweftError(
      'GW_INSTRUMENT_FILE',
      `Events cannot be written to ${this.path}: ${(cause as Error).message}`,
      { cause, details: { file: this.path } },
    );
  }
}

/** Spreads the kept numbers evenly: of n from 1 on, n × sampling, rounded up. */
function isSampled(n: number, sampling: number): boolean {
  return Math.ceil(n * sampling) > Math.ceil((n - 1) * sampling);
}

type Fields = Partial<CellPlace> & {
  readonly [K in
    | 'durationMs'
    | 'rows'
    | 'cells'
    | 'invalidRows'
    | 'retries'
    | 'isSuccess'
    | 'errorCode']?: unknown;
};

function lineOf(event: LoadEvent): string {
  const { durationMs, rows, cell, row, col, cells, invalidRows, retries, isSuccess, errorCode } =
    event as Fields;
  const fields = [
    new Date(event.timeMs).toISOString(),
    event.event,
    event.task,
    event.taskUuid,
    typeof durationMs === 'number' ? durationMs.toFixed(3) : undefined,
    rows,
    cell,
    row,
    col,
    cells,
    invalidRows,
    retries,
    isSuccess,
    errorCode,
  ];
  return `${fields.map(fieldOf).join(',')}\n`;
}

function fieldOf(value: unknown): string {
  const text = value === undefined ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
