/**
 * Lets few transactions that create or delete relationships commit at the same time, because cells that share no node
 * can still deadlock there: in Neo4j's record stores a relationship is a link in the chains of both its nodes, a new
 * one changes the link that was first, and a commit locks those links sorted within each chain, not over all of them
 * (RelationshipModifier in Neo4j's record storage engine). Two cells meet on links that an earlier cell made between
 * the row bucket of one and the column bucket of the other.
 *
 * Measured on Neo4j 5.26, 100,000 skewed ratings by MERGE, 8 workers, grid of 16: 53–58 deadlocks in 288 transactions
 * without the gate, none with it, in 0.9 to 1.1 times the time on 2 cores. `bench/locks` repeats it.
 */
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A holder that needs longer gives its place up. A transaction that waits at the gate may hold a lock, from a SET, that
 * the one at work needs: neither the server nor the gate alone would ever end that.
 */
const PATIENCE_MS = 1_000;

export class CommitGate {
  readonly #places: number;
  #taken = 0;
  readonly #waiting: (() => void)[] = [];

  /** @param places Commits at the same time, at most; from 1. */
  constructor(places: number) {
    this.#places = places;
  }

  /** Runs a commit when there is a place, in the order of asking. */
  async pass<T>(commit: () => Promise<T>): Promise<T> {
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
    sleep(PATIENCE_MS, undefined, { signal: patience.signal }).then(leave, () => {}); // aborted when the commit is done
    try {
      return await commit();
    } finally {
      patience.abort();
      leave();
    }
  }
}
