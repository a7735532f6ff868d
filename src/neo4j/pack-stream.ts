/**
 * PackStream, the binary form of Bolt's values, for what a load sends by the million.
 * @see https://neo4j.com/docs/bolt/current/packstream/
 */
import { isWellFormed } from '../core/text.ts';

const TINY_STRING = 0x80;
const TINY_LIST = 0x90;
const TINY_MAP = 0xa0;
const TINY_STRUCT = 0xb0;
const NULL = 0xc0;
const FLOAT_64 = 0xc1;
const FALSE = 0xc2;
const TRUE = 0xc3;
const INT_8 = 0xc8;
const INT_16 = 0xc9;
const INT_32 = 0xca;
const INT_64 = 0xcb;
const BYTES_8 = 0xcc;
const STRING_8 = 0xd0;
const LIST_8 = 0xd4;
const MAP_8 = 0xd8;

/** Sizes up to this are part of the marker. */
const TINY = 0x10;
/** Shorter texts are written character by character, which beats the call into the runtime. */
const SHORT_TEXT = 48;
/** The longest marker with its size. */
const MAX_HEADER = 5;

/** Bolt's chunks have a header of 16 bits for their size. */
const MAX_CHUNK_BYTES = 0xffff;
const CHUNK_HEADER_BYTES = 2;

const FIRST_BYTES = 64 * 1024;
/** A larger buffer is let go of when it was used. */
const MOST_KEPT_BYTES = 4 * 1024 * 1024;

/** What the last writer wrote in, for the next one. */
let spare: Buffer | undefined;

/** Writes values one after the other into one buffer that grows. */
export class PackStreamWriter {
  /** Whether an instant was written; who writes one says so. */
  hasInstants = false;
  #buffer = spare ?? Buffer.allocUnsafeSlow(FIRST_BYTES);
  #at = 0;
  /** Names of fields come in every row, so each is encoded once. */
  readonly #names = new Map<string, Buffer>();

  constructor() {
    spare = undefined; // a writer may be at work while another one is
  }

  /** What was written, in Bolt's chunks, each after its size; the writer must not be used after. */
  chunks(): Buffer {
    const count = Math.ceil(this.#at / MAX_CHUNK_BYTES);
    const chunks = Buffer.allocUnsafeSlow(this.#at + count * CHUNK_HEADER_BYTES);
    let at = 0;
    for (let from = 0; from < this.#at; from += MAX_CHUNK_BYTES) {
      const size = Math.min(MAX_CHUNK_BYTES, this.#at - from);
      at = chunks.writeUInt16BE(size, at);
      at += this.#buffer.copy(chunks, at, from, from + size);
    }
    if (this.#buffer.length <= MOST_KEPT_BYTES) spare = this.#buffer;
    return chunks;
  }

  null(): void {
    this.#byte(NULL);
  }

  boolean(value: boolean): void {
    this.#byte(value ? TRUE : FALSE);
  }

  float(value: number): void {
    this.#reserve(9);
    this.#buffer[this.#at] = FLOAT_64;
    this.#buffer.writeDoubleBE(value, this.#at + 1);
    this.#at += 9;
  }

  /** @param value A safe integer. */
  integer(value: number): void {
    this.#reserve(9);
    const buffer = this.#buffer;
    const at = this.#at;
    if (value >= -TINY && value < 0x80) {
      buffer[at] = value & 0xff;
      this.#at = at + 1;
    } else if (value >= -0x80 && value < 0x80) {
      buffer[at] = INT_8;
      buffer[at + 1] = value & 0xff;
      this.#at = at + 2;
    } else if (value >= -0x8000 && value < 0x8000) {
      buffer[at] = INT_16;
      buffer[at + 1] = (value >> 8) & 0xff;
      buffer[at + 2] = value & 0xff;
      this.#at = at + 3;
    } else if (value >= -0x80000000 && value < 0x80000000) {
      buffer[at] = INT_32;
      buffer.writeInt32BE(value, at + 1);
      this.#at = at + 5;
    } else {
      const high = Math.floor(value / 2 ** 32);
      buffer[at] = INT_64;
      buffer.writeInt32BE(high, at + 1);
      buffer.writeUInt32BE(value - high * 2 ** 32, at + 5);
      this.#at = at + 9;
    }
  }

  /** @param value From −2^63 to 2^63 − 1. */
  bigint(value: bigint): void {
    this.#reserve(9);
    this.#buffer[this.#at] = INT_64;
    this.#buffer.writeBigInt64BE(value, this.#at + 1);
    this.#at += 9;
  }

  /** Says no, and writes nothing, for a text that is not well-formed: it would arrive as another one. */
  string(value: string): boolean {
    if (value.length < SHORT_TEXT && this.#shortAscii(value)) return true;
    if (!isWellFormed(value)) return false;
    const size = Buffer.byteLength(value);
    this.#header(size, TINY_STRING, STRING_8);
    this.#reserve(size);
    this.#buffer.write(value, this.#at, size, 'utf8');
    this.#at += size;
    return true;
  }

  /** Writes a text that is in UTF-8 already. */
  utf8(bytes: Uint8Array, from: number, size: number): void {
    this.#header(size, TINY_STRING, STRING_8);
    this.#reserve(size);
    this.#put(bytes, from, size);
  }

  bytesValue(value: Int8Array): void {
    this.#reserve(MAX_HEADER);
    this.#sized(value.byteLength, BYTES_8);
    this.#copy(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  }

  listHeader(size: number): void {
    this.#header(size, TINY_LIST, LIST_8);
  }

  mapHeader(size: number): void {
    this.#header(size, TINY_MAP, MAP_8);
  }

  structHeader(fields: number, signature: number): void {
    this.#reserve(2);
    this.#buffer[this.#at++] = TINY_STRUCT | fields;
    this.#buffer[this.#at++] = signature;
  }

  /** Writes the name of a map's entry; says no, as for any text. */
  name(name: string): boolean {
    const encoded = this.#names.get(name);
    if (encoded) {
      this.#copy(encoded);
      return true;
    }
    const start = this.#at;
    if (!this.string(name)) return false;
    this.#names.set(name, Buffer.from(this.#buffer.subarray(start, this.#at)));
    return true;
  }

  /** Writes a short text as ASCII; says no, and writes nothing, when it is not. */
  #shortAscii(value: string): boolean {
    const { length } = value;
    this.#reserve(MAX_HEADER + length);
    const buffer = this.#buffer;
    const start = this.#at + (length < TINY ? 1 : 2);
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) return false;
      buffer[start + i] = code;
    }
    this.#header(length, TINY_STRING, STRING_8);
    this.#at = start + length;
    return true;
  }

  #header(size: number, tiny: number, marker: number): void {
    this.#reserve(MAX_HEADER);
    if (size < TINY) this.#buffer[this.#at++] = tiny | size;
    else this.#sized(size, marker);
  }

  /** Markers for sizes of 8, 16 and 32 bits follow each other. */
  #sized(size: number, marker: number): void {
    if (size < 0x100) {
      this.#buffer[this.#at++] = marker;
      this.#buffer[this.#at++] = size;
    } else if (size < 0x10000) {
      this.#buffer[this.#at] = marker + 1;
      this.#at = this.#buffer.writeUInt16BE(size, this.#at + 1);
    } else {
      this.#buffer[this.#at] = marker + 2;
      this.#at = this.#buffer.writeUInt32BE(size, this.#at + 1);
    }
  }

  #byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#at++] = value;
  }

  #copy(bytes: Uint8Array): void {
    this.#reserve(bytes.byteLength);
    this.#put(bytes, 0, bytes.byteLength);
  }

  #put(bytes: Uint8Array, from: number, size: number): void {
    if (size < SHORT_TEXT) for (let i = 0; i < size; i++) this.#buffer[this.#at + i] = bytes[from + i]!;
    else this.#buffer.set(bytes.subarray(from, from + size), this.#at);
    this.#at += size;
  }

  #reserve(size: number): void {
    if (this.#at + size <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#buffer.length, this.#at + size));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}
