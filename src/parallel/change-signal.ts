/** Lets several waiters sleep until something changes. */
export class ChangeSignal {
  #waiters: ((changed: boolean) => void)[] = [];

  notify(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake(true);
  }

  /** Waits for the next change; gives false when none came within the time. @param timeoutMs Default: no limit. */
  next(timeoutMs?: number): Promise<boolean> {
    return new Promise((resolve) => {
      if (timeoutMs === undefined) {
        this.#waiters.push(resolve);
        return;
      }
      const timer = setTimeout(() => {
        this.#waiters = this.#waiters.filter((waiter) => waiter !== wake);
        resolve(false);
      }, timeoutMs);
      const wake = (changed: boolean) => {
        clearTimeout(timer);
        resolve(changed);
      };
      this.#waiters.push(wake);
    });
  }
}
