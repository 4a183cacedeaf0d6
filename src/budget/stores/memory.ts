import type { Clock } from '../../kernel/clock.ts';
import type { Balance, BudgetStore, HoldRequest, HoldVerdict, OpenHold } from '../store.ts';
import {
  checkAmount,
  checkFlag,
  checkName,
  checkRequest,
  defaultKeepMs,
  defaultLeaseMs,
  defaultSettledMs,
  exactSum,
  grantOf,
  type StoreTerms,
} from './terms.ts';

interface Account {
  spent: number;
  held: number;
  endsAt: number | undefined;
}

interface Hold {
  readonly amount: number;
  readonly accounts: readonly string[];
  readonly owner: string;
  state: OpenHold['state'];
  /** When it was charged. */
  since: number | undefined;
}

interface Settled {
  readonly amount: number;
  readonly accounts: readonly string[];
  readonly at: number;
}

/** Settled ids that are remembered at most, whatever their age. */
const settledMax = 100_000;

/** What memory stores of one process share: several of them over one backing act as replicas over one database would. */
export class MemoryBacking {
  readonly accounts = new Map<string, Account>();
  readonly holds = new Map<string, Hold>();
  /** In the order of their settling. */
  readonly settled = new Map<string, Settled>();
  /** Until when each owner is taken to live. */
  readonly leases = new Map<string, number>();
  readonly claims = new Map<string, number>();
  readonly flags = new Map<string, string>();
}

export interface MemoryStoreOptions extends StoreTerms {
  readonly backing?: MemoryBacking;
}

/** Counts in this process's memory: what a restart loses comes back from the ledger, through `restore`. */
export function createMemoryBudgetStore(options: MemoryStoreOptions): BudgetStore {
  return new MemoryBudgetStore(options);
}

class MemoryBudgetStore implements BudgetStore {
  readonly name = 'memory';
  readonly #backing: MemoryBacking;
  readonly #clock: Clock;
  readonly #owner: string;
  readonly #leaseMs: number;
  readonly #settledMs: number;
  readonly #keepMs: number;

  constructor(options: MemoryStoreOptions) {
    this.#backing = options.backing ?? new MemoryBacking();
    this.#clock = options.clock;
    this.#owner = options.owner;
    this.#leaseMs = options.leaseMs ?? defaultLeaseMs;
    this.#settledMs = options.settledMs ?? defaultSettledMs;
    this.#keepMs = options.keepMs ?? defaultKeepMs;
    this.#renewLease();
  }

  hold(request: HoldRequest): HoldVerdict {
    checkRequest(request);
    const { id, lines } = request;
    const { holds, settled } = this.#backing;
    const known = holds.get(id) ?? settled.get(id);
    const standing = this.#standing(lines.map(({ account }) => account));
    if (known !== undefined) return { held: true, amount: known.amount, balances: standing };
    const grant = grantOf(request, standing);
    if (typeof grant === 'string') return { held: false, short: grant, balances: standing };
    this.#renewLease();
    for (const line of lines) this.#open(line.account, line.endsAt).held += grant;
    const accounts = lines.map(({ account }) => account);
    holds.set(id, { amount: grant, accounts, owner: this.#owner, state: 'held', since: undefined });
    return { held: true, amount: grant, balances: this.#standing(accounts) };
  }

  settle(id: string, charged: number) {
    checkAmount(charged);
    const { holds, settled } = this.#backing;
    const hold = holds.get(id);
    if (hold === undefined) {
      const before = settled.get(id);
      if (before === undefined) return { state: 'unknown' as const, balances: [] };
      return { state: 'already' as const, balances: this.#standing(before.accounts) };
    }
    for (const account of hold.accounts) this.#charge(account, hold, charged);
    holds.delete(id);
    settled.set(id, { amount: hold.amount, accounts: hold.accounts, at: this.#clock.now() });
    if (settled.size > settledMax) settled.delete(settled.keys().next().value!);
    return { state: 'settled' as const, balances: this.#standing(hold.accounts) };
  }

  read(accounts: readonly string[]): readonly Balance[] {
    return this.#standing(accounts);
  }

  restore(account: string, spent: number, endsAt: number | undefined): void {
    checkName(account);
    checkAmount(spent);
    const found = this.#open(account, endsAt);
    found.spent = Math.max(found.spent, spent);
  }

  heartbeat(): number {
    this.#renewLease();
    this.#forget();
    const now = this.#clock.now();
    const { leases, holds } = this.#backing;
    for (const [owner, until] of leases) {
      // Where the clock was set back, a lease would else outlive its owner by as much.
      if (until > now + this.#leaseMs) leases.set(owner, now + this.#leaseMs);
      else if (until <= now) leases.delete(owner);
    }
    let charged = 0;
    for (const hold of holds.values()) {
      if (hold.state === 'charged' || leases.has(hold.owner)) continue;
      for (const account of hold.accounts) this.#charge(account, hold, hold.amount);
      hold.state = 'charged';
      hold.since = now;
      charged++;
    }
    return charged;
  }

  openHolds(): readonly OpenHold[] {
    return [...this.#backing.holds].map(([id, { amount, accounts, owner, state }]) => {
      return { id, amount, accounts, owner, state };
    });
  }

  claim(name: string, until: number): boolean {
    checkName(name);
    const { claims } = this.#backing;
    const taken = claims.get(name);
    if (taken !== undefined && taken > this.#clock.now()) return false;
    claims.set(name, until);
    return true;
  }

  setFlag(name: string, value: string | undefined): void {
    checkFlag(name, value);
    if (value === undefined) this.#backing.flags.delete(name);
    else this.#backing.flags.set(name, value);
  }

  flags(): ReadonlyMap<string, string> {
    return new Map(this.#backing.flags);
  }

  async close(): Promise<void> {
    this.#backing.leases.delete(this.#owner);
  }

  #standing(accounts: readonly string[]): readonly Balance[] {
    return accounts.map((account) => {
      const { spent = 0, held = 0 } = this.#backing.accounts.get(account) ?? {};
      return { account, spent, held };
    });
  }

  #open(name: string, endsAt: number | undefined): Account {
    const found = this.#backing.accounts.get(name);
    if (found === undefined) {
      const made = { spent: 0, held: 0, endsAt };
      this.#backing.accounts.set(name, made);
      return made;
    }
    const later = endsAt === undefined || (found.endsAt !== undefined && endsAt > found.endsAt);
    if (later) found.endsAt = endsAt;
    return found;
  }

  /** Takes `charged` in the place of what the hold counts for now. */
  #charge(name: string, { amount, state }: Hold, charged: number): void {
    const account = this.#backing.accounts.get(name);
    if (account === undefined) return;
    if (state === 'held') account.held -= amount;
    else account.spent = Math.max(0, account.spent - amount);
    account.spent = exactSum(account.spent, charged);
  }

  #renewLease(): void {
    this.#backing.leases.set(this.#owner, this.#clock.now() + this.#leaseMs);
  }

  #forget(): void {
    const now = this.#clock.now();
    const { settled, holds, accounts, claims } = this.#backing;
    for (const [id, { at }] of settled) {
      if (at > now - this.#settledMs) break;
      settled.delete(id);
    }
    for (const [id, { since }] of holds) {
      if (since !== undefined && since + this.#keepMs <= now) holds.delete(id);
    }
    for (const [name, { endsAt, held }] of accounts) {
      if (endsAt !== undefined && endsAt + this.#keepMs <= now && held === 0) accounts.delete(name);
    }
    for (const [name, until] of claims) if (until <= now) claims.delete(name);
  }
}
