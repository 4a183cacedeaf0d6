import type { CachePolicy } from '../policy.ts';

/** Hits of one entry since it was stored. */
interface Demand {
  hits: number;
  readonly since: number;
}

const keysMax = 20_000;

/**
 * Whether to fetch anew what was just served past its time. That costs a call now, and spares the next caller the wait; if none comes
 * while the new answer can serve, it was for nothing. Calls are taken to come at the rate at which they came so far (Poisson).
 */
export class RefreshWorth {
  readonly #demands = new Map<string, Demand>();

  /** Takes note of a hit. @param storedAt when the entry was stored, in milliseconds since the epoch. */
  hit(key: string, storedAt: number): void {
    const known = this.#demands.get(key);
    if (known !== undefined && known.since === storedAt) {
      known.hits++;
      return;
    }
    if (this.#demands.size >= keysMax) this.#demands.clear();
    this.#demands.set(key, { hits: 1, since: storedAt });
  }

  /** The chance that a new answer serves at least once. */
  chance(key: string, policy: CachePolicy, now: number): number {
    const demand = this.#demands.get(key);
    if (demand === undefined) return 0;
    const ageMs = Math.max(1, now - demand.since);
    const serves = policy.ttlMs + policy.staleWhileRevalidateMs;
    return 1 - Math.exp((-demand.hits * serves) / ageMs);
  }
}
