import type { Clock } from '../../src/kernel/clock.ts';
import type { Awaitable, Balance, HoldRequest, HoldVerdict } from '../../src/budget/store.ts';

/** How a gateway lets calls through, ours or another's. */
export interface Way {
  hold(request: HoldRequest): Awaitable<HoldVerdict>;
  settle(id: string, charged: number): Awaitable<unknown>;
  heartbeat(): Awaitable<unknown>;
  read(accounts: readonly string[]): Awaitable<readonly Balance[]>;
}

interface Count {
  spent: number;
  held: number;
}

/** Counters that all replicas of a rival share, with as many lost updates as a perfect database has: none. */
export class Counters {
  readonly accounts = new Map<string, Count>();
  readonly holds = new Map<string, { amount: number; accounts: readonly string[]; at: number }>();

  of(account: string): Count {
    const found = this.accounts.get(account) ?? { spent: 0, held: 0 };
    this.accounts.set(account, found);
    return found;
  }

  read(accounts: readonly string[]): readonly Balance[] {
    return accounts.map((account) => ({ account, ...this.of(account) }));
  }
}

/** Looks whether anything is left, and adds afterwards what was used (Bifrost, Kong, Portkey). What a crash interrupts is never added. */
export function checkThenAdd(counters: Counters): Way {
  return {
    hold({ id, lines, amount }) {
      const balances = counters.read(lines.map(({ account }) => account));
      if (counters.holds.has(id)) return { held: true, amount, balances };
      const full = lines.find(
        ({ account, hard, limit }) => hard && counters.of(account).spent >= limit,
      );
      if (full !== undefined) return { held: false, short: full.account, balances };
      counters.holds.set(id, { amount, accounts: lines.map(({ account }) => account), at: 0 });
      return { held: true, amount, balances };
    },
    settle(id, charged) {
      for (const account of counters.holds.get(id)?.accounts ?? []) {
        counters.of(account).spent += charged;
      }
      counters.holds.delete(id);
    },
    heartbeat: () => 0,
    read: (accounts) => counters.read(accounts),
  };
}

/** After which a hold is taken for left over and given back, although the provider may have billed the call. */
const holdTtlMs = 120_000;

/** Reserves an estimate; where less is left it reserves that and lets the call through all the same (LiteLLM). */
export function shrinkTheHold(counters: Counters, clock: Clock): Way {
  return {
    hold({ id, lines, amount }) {
      const accounts = lines.map(({ account }) => account);
      if (counters.holds.has(id)) return { held: true, amount, balances: counters.read(accounts) };
      let reserve = amount;
      for (const { account, hard, limit } of lines) {
        const { spent, held } = counters.of(account);
        const left = limit - spent - held;
        if (!hard || left >= reserve) continue;
        if (left <= 0) return { held: false, short: account, balances: counters.read(accounts) };
        reserve = left;
      }
      for (const account of accounts) counters.of(account).held += reserve;
      counters.holds.set(id, { amount: reserve, accounts, at: clock.tick() });
      // The call itself goes out as it came: nothing tells the provider to stop there.
      return { held: true, amount, balances: counters.read(accounts) };
    },
    settle(id, charged) {
      const hold = counters.holds.get(id);
      for (const account of hold?.accounts ?? []) {
        counters.of(account).held -= hold!.amount;
        counters.of(account).spent += charged;
      }
      counters.holds.delete(id);
    },
    heartbeat() {
      for (const [id, { at, amount, accounts }] of counters.holds) {
        if (at + holdTtlMs > clock.tick()) break;
        for (const account of accounts) counters.of(account).held -= amount;
        counters.holds.delete(id);
      }
    },
    read: (accounts) => counters.read(accounts),
  };
}
