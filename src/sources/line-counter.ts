import { createReadStream, type ReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';

const NEWLINE = 10;

/**
 * Counts the lines of a file up to byte positions that only grow. DuckDB takes a quoted line break for no line, an
 * editor takes it for one, and a person looks for the line in an editor.
 */
export class LineCounter {
  readonly #file: ReadStream;
  readonly #chunks: AsyncIterator<Buffer>;
  #chunk: Buffer = Buffer.alloc(0);
  /** Position of the chunk in the unpacked file. */
  #offset = 0;
  /** Up to where the chunk's line breaks are counted. */
  #from = 0;
  #line = 1;

  /** Opens the file, unpacked when its name ends in .gz. */
  constructor(path: string) {
    this.#file = createReadStream(path);
    const bytes = /\.gz$/i.test(path) ? this.#file.pipe(createGunzip()) : this.#file;
    this.#chunks = (bytes as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  }

  /** Node 20 has nothing to unpack zstd with. */
  static canRead(path: string): boolean {
    return !/\.zst$/i.test(path);
  }

  /** Gives the line, from 1, on which the byte at `position` stands; no position may be before the last one. */
  async lineAt(position: number): Promise<number> {
    for (;;) {
      const end = Math.min(position - this.#offset, this.#chunk.length);
      for (;;) {
        const found = this.#chunk.indexOf(NEWLINE, this.#from);
        if (found < 0 || found >= end) break;
        this.#line++;
        this.#from = found + 1;
      }
      if (position <= this.#offset + this.#chunk.length) return this.#line;
      const { done, value } = await this.#chunks.next();
      if (done) return this.#line;
      this.#offset += this.#chunk.length;
      this.#chunk = value;
      this.#from = 0;
    }
  }

  close(): void {
    this.#file.destroy();
  }
}
