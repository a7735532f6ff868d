/**
 * Lets few transactions that create or delete relationships commit at the same time, because cells that share no node
 * can still deadlock there: in Neo4j's record stores a relationship is a link in the chains of both its nodes, a new
 * one changes the link that was first, and a commit locks those links sorted within each chain, not over all of them
 * (RelationshipModifier in Neo4j's record storage engine). Two cells meet on links that an earlier cell made between
 * the row bucket of one and the column bucket of the other.
 *
 * Measured on Neo4j 5.26, 100,000 skewed ratings by MERGE, 8 workers, grid of 16: 53–58 deadlocks in 288 transactions
 * without the gate, none with it, in 0.9 to 1.1 times the time on 2 cores. `bench/locks` repeats it.
 *
 * Only a node with few relationships makes a commit wait: there the first link has the number of them, so it must be locked. The
 * chain of a dense node (of 50 or more) is walked until a place is found whose two links can be had at once. So two kinds of
 * commits do not pass: those of cells whose relationships each have an end of their own row (`linksShared` of a mapping), which meet
 * on no link; and those that come when nearly all nodes are dense, where a count of the keys says when that is. 100,000 rows by
 * CREATE, 8 commits at once: 67 to 72 deadlocks with 100 rows a node, 9 to 19 with 250, none or one with 500, none with 1,000.
 *
 * A commit holds its place while the server is at work on it. Where the server is far away, that is a round trip less than
 * until the answer: the next commit is sent while that of the one before is still on its way, so that the server has one
 * after the other (pipelining). How long a commit takes there is an estimate, a moving average a relationship; where it was
 * too short two commits meet, as they do without a gate, and a deadlock says so: then the estimate is stretched.
 */
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A holder that needs longer gives its place up. A transaction that waits at the gate may hold a lock, from a SET, that
 * the one at work needs: neither the server nor the gate alone would ever end that.
 */
const PATIENCE_MS = 1_000;
/** What is nearer is not worth a timer. */
const FAR_MS = 3;
/** Of the last commit in the moving average. */
const WEIGHT = 0.2;
/** How much longer than the average a place is held: at least, times so much after a deadlock, and down again. */
const STRETCH = { least: 1, most: 16, up: 2, down: 0.98 };

export class CommitGate {
  readonly #places: number;
  #taken = 0;
  #roundTripMs = Number.POSITIVE_INFINITY;
  #msPerRelationship: number | undefined;
  #stretch = STRETCH.least;
  readonly #waiting: (() => void)[] = [];

  /** @param places Commits at the same time, at most; from 1. */
  constructor(places: number) {
    this.#places = places;
  }

  /**
   * Is told how long an answer was on its way, besides the time that the server says it took; the shortest counts. Of an idle
   * connection: where eight writers kept two cores busy, no answer of the first 80 was on its way for less than 4.9 ms.
   */
  noteRoundTrip(ms: number): void {
    this.#roundTripMs = Math.min(this.#roundTripMs, ms);
  }

  /** Whether an answer has come so soon that the server must be near. */
  get isNear(): boolean {
    return this.#roundTripMs < FAR_MS;
  }

  noteDeadlock(): void {
    this.#stretch = Math.min(STRETCH.most, this.#stretch * STRETCH.up);
  }

  /** Runs a commit of so many relationships when there is a place, in the order of asking. */
  async pass<T>(relationships: number, commit: () => Promise<T>): Promise<T> {
    if (this.#taken >= this.#places) await new Promise<void>((enter) => this.#waiting.push(enter));
    else this.#taken++;
    let isHeld = true;
    const leave = (): void => {
      if (!isHeld) return;
      isHeld = false;
      const next = this.#waiting.shift();
      if (next) next();
      else this.#taken--;
    };
    const patience = new AbortController();
    sleep(this.#holdMs(relationships), undefined, { signal: patience.signal }).then(leave, () => {}); // aborted when the commit is done
    const sentAt = performance.now();
    try {
      const result = await commit();
      this.#noteCommit(relationships, performance.now() - sentAt);
      return result;
    } finally {
      patience.abort();
      leave();
    }
  }

  /** How long a commit has its place, at most. */
  #holdMs(relationships: number): number {
    if (this.#msPerRelationship === undefined) return PATIENCE_MS;
    return Math.min(PATIENCE_MS, this.#msPerRelationship * relationships * this.#stretch);
  }

  #noteCommit(relationships: number, ms: number): void {
    const isFar = !this.isNear && Number.isFinite(this.#roundTripMs);
    const own = Math.max(0, ms - this.#roundTripMs) / relationships;
    const average = this.#msPerRelationship ?? own;
    this.#msPerRelationship = isFar ? average + WEIGHT * (own - average) : undefined;
    this.#stretch = Math.max(STRETCH.least, this.#stretch * STRETCH.down);
  }
}
