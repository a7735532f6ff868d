/** A text of up to twelve bytes: its size and the bytes, in four words. */
export const TEXT_WORDS = 4;
const BYTES_A_WORD = 4;
/** 64 KB of words, which stay in a core's own cache. */
const SLOT_BITS = 12;
const SLOTS = 2 ** SLOT_BITS;

/**
 * Keeps the texts of a column that were read last, found by the words that hold them: keys and categories come again, and
 * making a string of bytes costs several times as much. A direct-mapped cache: each text has one slot, and the last one to
 * come keeps it.
 */
export class RecentTexts {
  /** Made when a text is read: of most columns of a wide table none ever is. */
  #words: Int32Array | undefined;
  #texts: (string | undefined)[] = [];

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

  #makeRoom(): Int32Array {
    this.#texts = new Array<string | undefined>(SLOTS).fill(undefined);
    this.#words = new Int32Array(SLOTS * TEXT_WORDS);
    return this.#words;
  }
}

const SCRATCH = new Int32Array(TEXT_WORDS - 1);
const SCRATCH_BYTES = Buffer.from(SCRATCH.buffer, 0, SCRATCH.length * BYTES_A_WORD);
