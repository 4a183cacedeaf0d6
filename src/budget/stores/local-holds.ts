import type { AccountLine, HoldRequest, SettleOutcome } from '../store.ts';
import type { Reserve } from './reserve.ts';

interface LocalHold {
  readonly amount: number;
  readonly reserves: readonly Reserve[];
  readonly softLines: readonly AccountLine[];
}

/** A charge that soft lines have not seen. */
interface Unbooked {
  readonly id: string;
  readonly charged: number;
  readonly lines: readonly AccountLine[];
}

/** Settled ids that are remembered. */
const settledMax = 10_000;
/** Charges that wait for soft lines, at most; these are in nobody's way, so that what is dropped only shows too little. */
const unbookedMax = 100_000;

/** Holds that stand in no store but against reserves of this process. */
export class LocalHolds {
  readonly #open = new Map<string, LocalHold>();
  readonly #settled = new Map<string, { readonly amount: number }>();
  readonly #unbooked = new Map<string, Unbooked>();

  find(id: string): { readonly amount: number } | undefined {
    return this.#open.get(id) ?? this.#settled.get(id);
  }

  hold(request: HoldRequest, amount: number, reserves: readonly Reserve[]): void {
    for (const reserve of reserves) reserve.hold(amount);
    const softLines = request.lines.filter(({ hard }) => !hard);
    this.#open.set(request.id, { amount, reserves, softLines });
  }

  /** Undefined if the id is not of a local hold. */
  settle(id: string, charged: number): SettleOutcome | undefined {
    const hold = this.#open.get(id);
    if (hold === undefined) {
      return this.#settled.has(id) ? { state: 'already', balances: [] } : undefined;
    }
    this.#open.delete(id);
    for (const reserve of hold.reserves) reserve.settle(hold.amount, charged);
    this.#settled.set(id, { amount: hold.amount });
    if (this.#settled.size > settledMax) this.#settled.delete(this.#settled.keys().next().value!);
    if (hold.softLines.length > 0 && this.#unbooked.size < unbookedMax) {
      this.#unbooked.set(id, { id: `${id}.soft`, charged, lines: hold.softLines });
    }
    return { state: 'settled', balances: hold.reserves.map((reserve) => reserve.balance()) };
  }

  unbooked(): readonly Unbooked[] {
    return [...this.#unbooked.values()];
  }

  booked(softId: string): void {
    this.#unbooked.delete(softId.slice(0, -'.soft'.length));
  }
}
