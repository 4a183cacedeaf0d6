interface Held {
  /** From then on others can read it: a provider keeps a prefix once it has worked through it. */
  readyAt: number;
  expiresAt: number;
  /** Each use lets it live so long again. */
  ttlMs: number;
}

/** The prefixes that a provider holds, by name; times in milliseconds. The least recently used are dropped beyond `limit`. */
export class HotPrefixes {
  readonly #limit: number;
  readonly #held = new Map<number, Held>();

  constructor(limit = 1_000_000) {
    this.#limit = limit;
  }

  isHot(name: number, at: number): boolean {
    const held = this.#held.get(name);
    return held !== undefined && held.readyAt <= at && at < held.expiresAt;
  }

  /** Uses a prefix at `at`: it lives its time again. */
  refresh(name: number, at: number): void {
    const held = this.#held.get(name);
    if (held === undefined || at >= held.expiresAt) return;
    held.expiresAt = Math.max(held.expiresAt, at + held.ttlMs);
  }

  /** Holds a prefix for `ttlMs` from `readyAt` on; one that is held already stays readable and keeps the longer of its times. */
  keep(
    name: number,
    {
      at,
      readyAt,
      ttlMs,
    }: { readonly at: number; readonly readyAt: number; readonly ttlMs: number },
  ): void {
    const known = this.#held.get(name);
    const lives = known !== undefined && at < known.expiresAt;
    const expiresAt = (lives ? at : readyAt) + ttlMs;
    this.#held.delete(name);
    this.#held.set(name, {
      readyAt: lives ? Math.min(known.readyAt, readyAt) : readyAt,
      expiresAt: lives ? Math.max(known.expiresAt, expiresAt) : expiresAt,
      ttlMs: lives ? Math.max(known.ttlMs, ttlMs) : ttlMs,
    });
    if (this.#held.size > this.#limit) this.#dropOldest();
  }

  #dropOldest(): void {
    for (const oldest of this.#held.keys()) {
      this.#held.delete(oldest);
      return;
    }
  }
}
