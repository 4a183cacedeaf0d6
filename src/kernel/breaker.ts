import type { Clock } from './clock.ts';

export interface BreakerOptions {
  readonly clock: Clock;
  /** Failures in a row after which it opens. */
  readonly failuresMax: number;
  /** How long it stays open before one try is let through, in milliseconds. */
  readonly coolDownMs: number;
}

/** Counts failures in a row, and says when to leave a thing alone. */
export class Breaker {
  readonly #options: BreakerOptions;
  #failuresInRow = 0;
  #openUntil = -Infinity;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  /** Whether the last try ended well. */
  get isWell(): boolean {
    return this.#failuresInRow === 0;
  }

  /** Whether to try now. When the cool-down is over this is true once; the next cool-down runs until that try ends well. */
  mayTry(): boolean {
    if (!this.#isOpen()) return true;
    const now = this.#options.clock.tick();
    if (now < this.#openUntil) return false;
    this.#openUntil = now + this.#options.coolDownMs;
    return true;
  }

  /** True if this success ends a time of being left alone. */
  succeeded(): boolean {
    const heals = this.#isOpen();
    this.#failuresInRow = 0;
    return heals;
  }

  failed(): void {
    this.#failuresInRow++;
    if (this.#isOpen()) this.#openUntil = this.#options.clock.tick() + this.#options.coolDownMs;
  }

  #isOpen(): boolean {
    return this.#failuresInRow >= this.#options.failuresMax;
  }
}
