/** A text of up to twelve bytes: its size and the bytes, in four words; of a longer one, where the bytes are. */
export const TEXT_WORDS = 4;
const BYTES_A_WORD = 4;
/** 64 KB of words, which stay in a core's own cache. */
const SLOT_BITS = 12;
const SLOTS = 2 ** SLOT_BITS;
/** Longer texts hardly come again, and thousands of them would stay in memory: 240 MB of a column of 64 KB each. */
const MAX_KEPT_BYTES = 256;

/**
 * Keeps the texts of a column that were read last, found by the words that hold them: keys and categories come again, and
 * making a string of bytes costs several times as much. A direct-mapped cache: each text has one slot, and the last one to
 * come keeps it.
 */
export class RecentTexts {
  /** Made when a text is read: of most columns of a wide table none ever is. */
  #words: Int32Array | undefined;
  #texts: (string | undefined)[] = [];
  #longTexts: (string | undefined)[] | undefined;

  /** Gives the text that stands in the words from `at` on. */
  textAt(words: Int32Array, at: number): string {
    const a = words[at]!;
    const b = words[at + 1]!;
    const c = words[at + 2]!;
    const d = words[at + 3]!;
    const mixed = Math.imul(
      a ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35) ^ Math.imul(d, 0x27d4eb2f),
      0x9e3779b1,
    );
    const slot = mixed >>> (32 - SLOT_BITS);
    const known = this.#words ?? this.#makeRoom();
    const from = slot * TEXT_WORDS;
    const isKnown =
      known[from] === a && known[from + 1] === b && known[from + 2] === c && known[from + 3] === d;
    const text = this.#texts[slot];
    if (isKnown && text !== undefined) return text;
    SCRATCH[0] = b;
    SCRATCH[1] = c;
    SCRATCH[2] = d;
    const fresh = SCRATCH_BYTES.toString('utf8', 0, a);
    known[from] = a;
    known[from + 1] = b;
    known[from + 2] = c;
    known[from + 3] = d;
    this.#texts[slot] = fresh;
    return fresh;
  }

  /** Gives the text of so many bytes. @param hash Equal for equal texts. */
  longTextAt(bytes: Buffer, from: number, size: number, hash: number): string {
    if (size > MAX_KEPT_BYTES) return bytes.toString('utf8', from, from + size);
    this.#longTexts ??= noTexts();
    const slot = hash >>> (32 - SLOT_BITS);
    const known = this.#longTexts[slot];
    if (known !== undefined && isAsciiOf(known, bytes, from, size)) return known;
    const fresh = bytes.toString('utf8', from, from + size);
    this.#longTexts[slot] = fresh;
    return fresh;
  }

  #makeRoom(): Int32Array {
    this.#texts = noTexts();
    this.#words = new Int32Array(SLOTS * TEXT_WORDS);
    return this.#words;
  }
}

function noTexts(): (string | undefined)[] {
  return new Array<string | undefined>(SLOTS).fill(undefined);
}

/** Whether the bytes are ASCII and those of the text: which other texts they are would take as long as to make them. */
function isAsciiOf(text: string, bytes: Buffer, from: number, size: number): boolean {
  if (text.length !== size) return false;
  for (let i = 0; i < size; i++) {
    const byte = bytes[from + i]!;
    if (byte > MAX_ASCII || byte !== text.charCodeAt(i)) return false;
  }
  return true;
}

const MAX_ASCII = 0x7f;
const SCRATCH = new Int32Array(TEXT_WORDS - 1);
const SCRATCH_BYTES = Buffer.from(SCRATCH.buffer, 0, SCRATCH.length * BYTES_A_WORD);
