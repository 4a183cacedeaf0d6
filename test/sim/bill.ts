import { limits, linesOf, type Arrival } from './arrivals.ts';

/** The provider's own count of what it was asked for, by account. It knows nothing of budgets. */
export class Bill {
  readonly #accounts = new Map<string, { limit: number; billed: number }>();

  add(arrival: Arrival, cost: number): void {
    for (const { account, limit, hard } of linesOf(arrival)) {
      if (!hard) continue;
      const found = this.#accounts.get(account) ?? { limit, billed: 0 };
      found.billed += cost;
      this.#accounts.set(account, found);
    }
  }

  /** By how much the account that is worst off is beyond its limit, as a part of that. */
  get overshoot(): number {
    const beyond = [...this.#accounts.values()].map(
      ({ limit, billed }) => (billed - limit) / limit,
    );
    return Math.max(0, ...beyond);
  }

  /** Of the whole budget. */
  get share(): number {
    return (this.#accounts.get('all@total')?.billed ?? 0) / limits.all;
  }
}
