import { createReadStream, type ReadStream } from 'node:fs';
import { type Duplex, PassThrough, pipeline, Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type * as zstd from 'fzstd';
import { SourceError } from '../core/errors.ts';
import { loadPackage } from '../core/load-package.ts';
import type { ResolvedCsvReadOptions } from './csv-options.ts';

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;
const BYTE_ORDER_MARK = Buffer.from('\ufeff');
const CHUNK_BYTES = 2 ** 20;
/** Of a packed file: what they hold unpacked is there at once. */
const PACKED_CHUNK_BYTES = 2 ** 14;
/** DuckDB's buffer holds 8 MB, and from a record of more than two it does not find its way back. */
const MAX_RECORD_BYTES = 16_000_000;

export type CsvDialect = Pick<ResolvedCsvReadOptions, 'delimiter' | 'quote' | 'escape' | 'encoding'>;

/** A record as an editor shows it. */
export interface CsvRecord {
  /** From 1; a quoted line break starts one too. */
  readonly line: number;
  /** Whether it is the one that was said to be malformed. */
  readonly isMalformed: boolean;
  /** Whether it is not known how many records are before it. */
  readonly isLost: boolean;
  /** Whether it is the rest of the file, since a quote of it does not close. */
  readonly isOpen: boolean;
}

/**
 * Follows the records of a file by the rules of DuckDB, which tells neither where a good record stands nor all of a long bad
 * one. Where it goes another way than DuckDB it finds the next malformed record again, whose position is known. Positions are
 * bytes, from 0, of the file unpacked and in UTF-8.
 */
export class CsvRecords {
  /** Blank lines so far. DuckDB counts them, and makes no rows of them unless there is one column. */
  blankLines = 0;
  readonly #path: string;
  readonly #file: ReadStream;
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #toUtf8: (chunk: Buffer) => Buffer;
  readonly #quote: number;
  readonly #escape: number;
  readonly #delimiter: Buffer;
  readonly #hasBlankRows: boolean;
  /** Ends a line: LF, or CR in files that have no other. */
  #newline = NEWLINE;
  #bytes: Buffer = Buffer.alloc(0);
  #isEnd = false;
  /** Position of the first of the bytes. */
  #offset = 0;
  /** Up to where the bytes are done with, and the line there. */
  #at = 0;
  #line = 1;
  /** Where the record found last begins. */
  #start = 0;
  #nextQuote = -1;
  #isLost = false;
  #isOpen = false;

  /** Opens the file, unpacked when its name ends in .gz or .zst. @param columns How many a record has. */
  constructor(path: string, dialect: CsvDialect, columns: number) {
    const { encoding } = dialect;
    this.#path = path;
    const unpacker = unpackerOf(path);
    this.#file = createReadStream(path, {
      highWaterMark: unpacker instanceof PassThrough ? CHUNK_BYTES : PACKED_CHUNK_BYTES,
    });
    // An error is given by the chunks too.
    const bytes = pipeline(this.#file, unpacker, () => {});
    this.#chunks = (bytes as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
    const utf16 = new TextDecoder('utf-16le', { ignoreBOM: true });
    this.#toUtf8 =
      encoding === 'utf-8'
        ? (chunk) => chunk
        : encoding === 'latin-1'
          ? (chunk) => Buffer.from(chunk.toString('latin1'))
          : (chunk) => Buffer.from(utf16.decode(chunk, { stream: true }));
    this.#delimiter = Buffer.from(dialect.delimiter);
    this.#quote = Buffer.from(dialect.quote)[0] ?? -1;
    this.#escape = Buffer.from(dialect.escape)[0] ?? -1;
    this.#hasBlankRows = columns === 1;
  }

  /** The record found last, as it stands in the file, without its line break. */
  get text(): string {
    return this.#bytes.toString('utf8', this.#start, this.#at).replace(/[\r\n]+$/, '');
  }

  /**
   * Finds the next record; undefined until `fill` has read more.
   * @param malformed Where DuckDB says that the next malformed one begins: there, or at line breaks before it.
   * @throws {@link SourceError} `GW_SOURCE_FORMAT` for a record that is too long to be told from what follows.
   */
  next(malformed: number | undefined): CsvRecord | undefined {
    const known = malformed === undefined ? Number.POSITIVE_INFINITY : malformed - this.#offset;
    if (this.#isLost) return this.#nextAt(known);
    if (this.#offset + this.#at === 0) {
      if (this.#bytes.indexOf(BYTE_ORDER_MARK) === 0) this.#at = BYTE_ORDER_MARK.length;
      // Behind a CR that is read last LF may follow.
      const last = this.#isEnd ? this.#bytes.length : this.#bytes.length - 1;
      const hasBreak = this.#bytes.subarray(0, last).includes(CARRIAGE_RETURN);
      this.#newline = hasBreak && !this.#bytes.includes(NEWLINE) ? CARRIAGE_RETURN : NEWLINE;
    }
    if (!this.#hasBlankRows) this.#skipBlankLines();
    const start = this.#at;
    if (this.#isEnd && start === this.#bytes.length) return undefined;
    const end = this.#endOfRecord(start);
    // It may point at the last byte of the record before.
    if (known > start && known < (end ?? this.#bytes.length) - 1) return this.#nextAt(known);
    if (end === undefined) {
      if (this.#bytes.length - start > MAX_RECORD_BYTES) throw this.#tooLong();
      return undefined;
    }
    const isBlank = end - start <= this.#breakAt(start);
    return this.#take(start, end, known <= start && !isBlank, false);
  }

  /** Reads more; false at the end of the file. */
  async fill(): Promise<boolean> {
    if (this.#isEnd) return false;
    const { done, value } = await this.#chunks.next();
    if (done) this.#isEnd = true;
    else {
      const left = this.#bytes.subarray(this.#at);
      this.#bytes = Buffer.concat([left, this.#toUtf8(value)]);
      this.#offset += this.#at;
      this.#at = 0;
      this.#nextQuote = -1;
    }
    return true;
  }

  close(): void {
    this.#file.destroy();
  }

  #tooLong(): SourceError {
    return new SourceError(
      'GW_SOURCE_FORMAT',
      `${this.#path}:${this.#line} begins a record that does not end within ${MAX_RECORD_BYTES / 1e6} MB; close its quote, or read with \`quote: ''\`.`,
      { details: { file: this.#path, line: this.#line } },
    );
  }

  #take(start: number, end: number, isMalformed: boolean, isLost: boolean): CsvRecord {
    const line = this.#line;
    this.#moveTo(end);
    this.#start = start;
    return { line, isMalformed, isLost, isOpen: this.#isOpen };
  }

  /** Gives the record at a place that is known, as soon as it has been read. */
  #nextAt(known: number): CsvRecord | undefined {
    this.#isLost = true;
    if (known >= this.#bytes.length) {
      this.#moveTo(this.#bytes.length);
      return undefined;
    }
    this.#moveTo(Math.max(known, this.#at));
    for (let size = this.#breakAt(this.#at); size > 0; size = this.#breakAt(this.#at))
      this.#moveTo(this.#at + size);
    const end = this.#endOfRecord(this.#at);
    if (end === undefined) return undefined;
    this.#isLost = false;
    return this.#take(this.#at, end, true, true);
  }

  #moveTo(end: number): void {
    for (let i = this.#bytes.indexOf(this.#newline, this.#at); i >= 0 && i < end; ) {
      this.#line++;
      i = this.#bytes.indexOf(this.#newline, i + 1);
    }
    this.#at = end;
  }

  #skipBlankLines(): void {
    for (let size = this.#breakAt(this.#at); size > 0; size = this.#breakAt(this.#at)) {
      this.#at += size;
      this.#line++;
      this.blankLines++;
    }
  }

  /** Bytes of the line break at a place. */
  #breakAt(at: number): number {
    if (this.#bytes[at] === this.#newline) return 1;
    return this.#bytes[at] === CARRIAGE_RETURN && this.#bytes[at + 1] === NEWLINE ? 2 : 0;
  }

  /** Gives where the record ends, its line break included; undefined when more must be read. */
  #endOfRecord(from: number): number | undefined {
    this.#isOpen = false;
    const end = this.#endOfLine(from);
    if (this.#nextQuote < from)
      this.#nextQuote = this.#quote < 0 ? -1 : this.#bytes.indexOf(this.#quote, from);
    if (this.#nextQuote < 0) this.#nextQuote = this.#bytes.length;
    if (end !== undefined && this.#nextQuote >= end) return end;
    for (let at = from; ; at += this.#delimiter.length) {
      at = this.#endOfField(at);
      if (at >= this.#bytes.length) return this.#isEnd ? this.#bytes.length : undefined;
      if (!this.#isDelimiter(at)) return at + 1;
    }
  }

  #endOfLine(from: number): number | undefined {
    const found = this.#bytes.indexOf(this.#newline, from);
    if (found >= 0) return found + 1;
    return this.#isEnd && from < this.#bytes.length ? this.#bytes.length : undefined;
  }

  /** Gives where the field's delimiter or line break stands. What stands behind a closing quote is malformed up to there. */
  #endOfField(from: number): number {
    const bytes = this.#bytes;
    // One blank may stand before a quote; behind more of them it is a character as any other.
    let at =
      bytes[from] === SPACE && !this.#isDelimiter(from) && bytes[from + 1] === this.#quote ? from + 1 : from;
    // Blanks and a quote behind a closing one open it again.
    for (let closed = -1; bytes[at] === this.#quote && at !== closed; at = this.#skipSpaces(at)) {
      at = closed = this.#endOfQuotes(at + 1);
    }
    while (at < bytes.length && bytes[at] !== this.#newline && !this.#isDelimiter(at)) at++;
    return at;
  }

  /** Gives what stands behind the closing quote. */
  #endOfQuotes(from: number): number {
    for (let at = from; at < this.#bytes.length; at++) {
      const isQuote = this.#bytes[at] === this.#quote;
      if (this.#bytes[at] === this.#escape && (!isQuote || this.#bytes[at + 1] === this.#quote)) at++;
      else if (isQuote) return at + 1;
    }
    this.#isOpen = true;
    return this.#bytes.length;
  }

  #skipSpaces(from: number): number {
    let at = from;
    while (this.#bytes[at] === SPACE && !this.#isDelimiter(at)) at++;
    return at;
  }

  #isDelimiter(at: number): boolean {
    for (let i = 0; i < this.#delimiter.length; i++)
      if (this.#bytes[at + i] !== this.#delimiter[i]) return false;
    return true;
  }
}

function unpackerOf(path: string): Duplex {
  if (/\.gz$/i.test(path)) return createGunzip();
  if (!/\.zst$/i.test(path)) return new PassThrough();
  const { Decompress } = loadPackage('fzstd') as typeof zstd; // Node has its own from 22.15 on
  const unpacking = new Decompress((bytes) => void transform.push(bytes));
  const unpack = (bytes: Uint8Array, isLast: boolean, done: (error?: Error | null) => void) => {
    try {
      unpacking.push(bytes, isLast);
      done();
    } catch (error) {
      done(error as Error);
    }
  };
  const transform = new Transform({
    transform: (chunk: Buffer, _encoding, done) => unpack(chunk, false, done),
    flush: (done) => unpack(new Uint8Array(), true, done),
  });
  return transform;
}
