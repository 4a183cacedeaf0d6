import type { Cause, Culprit } from '../../context/doctor/cause.ts';
import type { NanoUsd } from '../../kernel/money.ts';

/** What one cause cost, and where it was seen first. */
export interface CauseSums {
  nanos: NanoUsd;
  calls: number;
  readonly threads: Set<object>;
  /** Undefined where nothing differs, such as after a pause. */
  readonly first: Culprit | undefined;
  /** What would be moved, line by line; empty where nothing is. */
  readonly repair: readonly string[];
}

/** A loss of one call. */
export interface Loss {
  readonly thread: object;
  readonly cause: Cause;
  readonly nanos: NanoUsd;
  readonly culprit: Culprit | undefined;
  readonly repair: readonly string[];
}

/**
 * Losses by cause. What a conversation's first call lost, or put into a cache that was never read, is only understood when the
 * conversation goes on: it waits for the first culprit, and goes to whatever `rest` says where there is none.
 */
export class Losses {
  readonly #sums = new Map<Cause, CauseSums>();
  readonly #waiting = new Map<object, NanoUsd>();
  /** The latest culprit of each conversation. */
  readonly #culprits = new Map<object, Cause>();

  /** Books a loss, and what has waited for it. */
  add(loss: Loss): void {
    const { thread, cause, culprit, repair } = loss;
    const waited = this.#waiting.get(thread) ?? 0;
    this.#waiting.delete(thread);
    this.#culprits.set(thread, cause);
    const sums = this.#sums.get(cause) ?? newSums(culprit, repair);
    if (sums.repair.length === 0 && repair.length > 0) {
      this.#sums.set(cause, { ...sums, repair });
    } else this.#sums.set(cause, sums);
    const kept = this.#sums.get(cause)!;
    kept.nanos += loss.nanos + waited;
    kept.calls++;
    kept.threads.add(thread);
  }

  /** A difference that no culprit of its own explains: goes to the conversation's culprit, or waits for one. */
  wait(thread: object, nanos: NanoUsd): void {
    const cause = this.#culprits.get(thread);
    const sums = cause && this.#sums.get(cause);
    if (sums === undefined) this.#waiting.set(thread, (this.#waiting.get(thread) ?? 0) + nanos);
    else sums.nanos += nanos;
  }

  /** All sums, the dearest first; what still waits is booked to `rest` where it is a loss at all. */
  finish(rest: Cause): ReadonlyMap<Cause, CauseSums> {
    for (const [thread, nanos] of this.#waiting) {
      if (nanos <= 0) continue;
      const sums = this.#sums.get(rest) ?? newSums(undefined, []);
      this.#sums.set(rest, sums);
      sums.nanos += nanos;
      sums.calls++;
      sums.threads.add(thread);
    }
    this.#waiting.clear();
    return new Map([...this.#sums].sort(([, one], [, other]) => other.nanos - one.nanos));
  }
}

function newSums(first: Culprit | undefined, repair: readonly string[]): CauseSums {
  return { nanos: 0, calls: 0, threads: new Set(), first, repair };
}
