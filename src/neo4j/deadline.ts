/**
 * Ends the waiting for an answer that will not come. The driver never gives one over a connection that it has closed itself.
 *
 * Notices also a database that hangs: one that neither answers nor closes the connection, as behind a network that swallows
 * packets. The server ends a transaction at its own limit, so silence for longer than that means that nobody is there,
 * and only the client can tell.
 */
import { Neo4jError } from './driver.ts';

/** What an answer is given on top of the server's own limit. */
const MAX_GRACE_MS = 30_000;
const MIN_GRACE_MS = 2_000;
/** Timers take no more. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export class Deadline implements Disposable {
  readonly #expired: Promise<never>;
  readonly #timer: NodeJS.Timeout;
  readonly #closing: AbortSignal | undefined;
  readonly #onClosing: () => void;

  /**
   * @param timeoutMs The server's limit for what is waited for.
   * @param closing Aborted when the driver is closed.
   */
  constructor(timeoutMs: number, closing?: AbortSignal) {
    const waitMs = timeoutMs + Math.min(MAX_GRACE_MS, Math.max(MIN_GRACE_MS, timeoutMs));
    let end: (reason: unknown) => void = () => undefined;
    this.#expired = new Promise((_, reject) => {
      end = reject;
    });
    this.#expired.catch(() => undefined); // nobody may be waiting when it expires
    this.#timer = setTimeout(() => end(hangs(waitMs)), Math.min(waitMs, MAX_TIMER_MS));
    this.#closing = closing;
    this.#onClosing = () => end(closing?.reason);
    if (closing?.aborted) this.#onClosing();
    closing?.addEventListener('abort', this.#onClosing);
  }

  /** Waits for an answer, until the deadline. @throws Neo4jError `ServiceUnavailable`, as for a broken connection, or why it was closed. */
  race<T>(answer: Promise<T>): Promise<T> {
    return Promise.race([answer, this.#expired]);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#closing?.removeEventListener('abort', this.#onClosing);
  }
}

function hangs(waitMs: number): Neo4jError {
  const message = `the server gave no answer in ${Math.round(waitMs / 1000)} s`;
  return new Neo4jError(message, 'ServiceUnavailable', '08000', message);
}
