import type { Cancellation } from '../kernel/cancellation.ts';
import type { Clock } from '../kernel/clock.ts';

/** What became of the flight that somebody waits for; `unknown`: it may be over. */
export type Landing = 'stored' | 'unstored' | 'free' | 'unknown';

/** One who waits for a flight at another gateway. */
export class FlightWaiter {
  readonly key: string;
  readonly #clock: Clock;
  readonly #onDone: () => void;
  #news: Landing | undefined;
  #wake: (() => void) | undefined;

  constructor(key: string, clock: Clock, onDone: () => void) {
    this.key = key;
    this.#clock = clock;
    this.#onDone = onDone;
  }

  /** Resolves when the flight has landed, the caller leaves or the time is over; at once if it has landed since the last wait. */
  async wait(ms: number, cancellation: Cancellation): Promise<Landing | undefined> {
    if (this.#news === undefined && cancellation.reason === undefined) {
      await new Promise<void>((resolve) => {
        const cancel = this.#clock.after(ms, resolve);
        const unsubscribe = cancellation.onCancel(() => resolve());
        this.#wake = () => {
          cancel();
          resolve();
        };
        this.#unsubscribe = unsubscribe;
      });
      this.#wake = undefined;
      this.#unsubscribe();
    }
    const news = this.#news;
    this.#news = undefined;
    return news;
  }

  #unsubscribe = (): void => {};

  hear(landing: Landing): void {
    this.#news = landing;
    this.#wake?.();
  }

  done(): void {
    this.#onDone();
  }
}

/** All who wait, by the key that they wait for. */
export class FlightWaiters {
  readonly #clock: Clock;
  readonly #waiters = new Map<string, Set<FlightWaiter>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(key: string): FlightWaiter {
    const here = this.#waiters.get(key) ?? new Set();
    this.#waiters.set(key, here);
    const waiter = new FlightWaiter(key, this.#clock, () => {
      here.delete(waiter);
      if (here.size === 0 && this.#waiters.get(key) === here) this.#waiters.delete(key);
    });
    here.add(waiter);
    return waiter;
  }

  tell(key: string, landing: Landing): void {
    for (const waiter of this.#waiters.get(key) ?? []) waiter.hear(landing);
  }

  /** Messages may have been missed. */
  tellAll(): void {
    for (const key of this.#waiters.keys()) this.tell(key, 'unknown');
  }
}
