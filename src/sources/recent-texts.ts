/** A text as a vector holds it: its size and up to twelve bytes, in four words. */
const WORDS = 4;
/** 64 KB of words a column, which stay in a core's own cache. */
const SLOT_BITS = 12;
const SLOTS = 2 ** SLOT_BITS;

/**
 * Keeps the texts of a column that were read last, found by the words that hold them: keys and categories come again, and
 * making a string of bytes costs several times as much. A direct-mapped cache: each text has one slot, and the last one to
 * come keeps it.
 */
export class RecentTexts {
  readonly #words = new Int32Array(SLOTS * WORDS);
  readonly #texts = new Array<unknown>(SLOTS).fill(undefined);

  /**
   * Gives the text of row `i`.
   * @param words Of the whole vector.
   * @param read Reads it where it is not known; what it gives is kept.
   */
  textAt(words: Int32Array, i: number, read: (i: number) => unknown): unknown {
    const at = i * WORDS;
    const a = words[at]!;
    const b = words[at + 1]!;
    const c = words[at + 2]!;
    const d = words[at + 3]!;
    const mixed = Math.imul(
      a ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35) ^ Math.imul(d, 0x27d4eb2f),
      0x9e3779b1,
    );
    const slot = mixed >>> (32 - SLOT_BITS);
    const known = this.#words;
    const from = slot * WORDS;
    const isKnown =
      known[from] === a && known[from + 1] === b && known[from + 2] === c && known[from + 3] === d;
    const text = this.#texts[slot];
    if (isKnown && text !== undefined) return text;
    const fresh = read(i);
    known[from] = a;
    known[from + 1] = b;
    known[from + 2] = c;
    known[from + 3] = d;
    this.#texts[slot] = fresh;
    return fresh;
  }
}
