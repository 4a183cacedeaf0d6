import type { Clock } from '../kernel/clock.ts';
import type { NanoUsd } from '../kernel/money.ts';
import type { Signals } from '../kernel/signals.ts';
import type { BudgetDefinition, Standpoint } from './budget.ts';
import type { PastSpend } from './past-spend.ts';
import { Plan, type Touched } from './plan.ts';
import { Recovery } from './recovery.ts';
import { Settlements } from './settlements.ts';
import type { BudgetStanding, StandingListener } from './standing.ts';
import type { Awaitable, Balance, BudgetStore, HoldVerdict } from './store.ts';

export interface WallsOptions {
  readonly budgets: readonly BudgetDefinition[];
  readonly store: BudgetStore;
  /** How long the store lets holds outlive the last sign of life of their owner, in milliseconds (30,000). */
  readonly leaseMs?: number | undefined;
  /** Resolves when the store can be asked; undefined: it can. Never rejects. */
  readonly opening?: Promise<void> | undefined;
  /** What the ledger knows; undefined: there is none, and the store alone remembers. */
  readonly past: PastSpend | undefined;
  readonly clock: Clock;
  readonly signals: Signals;
}

/** What an attempt wants to hold. */
export interface Asking {
  /** One for each billable attempt. */
  readonly id: string;
  readonly touched: readonly Touched[];
  /** What it can cost at most. */
  readonly amount: NanoUsd;
  /** Less will do, down to this; undefined: all or nothing. */
  readonly atLeast?: NanoUsd | undefined;
}

/** A hold that stands, until it is settled. */
export interface Held {
  readonly held: true;
  readonly id: string;
  readonly touched: readonly Touched[];
  readonly amount: NanoUsd;
}

/** Nothing is held. */
export interface Short {
  readonly held: false;
  /** The first budget that has too little ... */
  readonly by: Touched;
  /** ... and what it has left. */
  readonly left: NanoUsd;
  /** What was spent of it: waiting for others to settle cannot bring more than the rest. */
  readonly spent: NanoUsd;
}

/** A budget in whose way a call stands, as far as this process knows. */
export interface Tightest {
  readonly touched: Touched;
  readonly left: NanoUsd;
}

/** Accounts whose balance is kept in mind. */
const knownLimit = 10_000;

/** From this share of its limit on a budget has no money for what can be left undone. */
const leewayUpTo = 0.9;

interface Known {
  readonly touched: Touched;
  readonly balance: Balance;
}

/** The budgets of an installation before their store: who draws on which, what is held, and how they stand. */
export class Walls {
  readonly #plan: Plan;
  readonly #recovery: Recovery;
  readonly #store: BudgetStore;
  readonly #clock: Clock;
  readonly #settlements: Settlements;
  readonly #listeners = new Set<StandingListener>();
  readonly #known = new Map<string, Known>();
  readonly #waiters = new Set<() => void>();
  #opening: Promise<void> | undefined;

  constructor(options: WallsOptions) {
    this.#plan = new Plan(options.budgets);
    this.#store = options.store;
    this.#clock = options.clock;
    this.#settlements = new Settlements({
      ...options,
      onSettled: (touched, balances) => this.#settled(touched, balances),
    });
    this.#opening = options.opening?.then(() => {
      this.#opening = undefined;
    });
    this.#recovery = new Recovery({ ...options, plan: this.#plan });
  }

  get budgets(): readonly BudgetDefinition[] {
    return this.#plan.budgets;
  }

  /**
   * The budgets that a call draws on.
   * @param at when it began, milliseconds since the epoch: its windows are those of that moment, as the ledger has them.
   * @throws EconomizerError `ECO_BAD_HEADER` for more tags than budgets can be kept for.
   */
  touched(standpoint: Standpoint, at: number): readonly Touched[] {
    return this.#plan.touched(standpoint, at);
  }

  /**
   * Resolves when what was spent before is known again; undefined where it is, which is so but for the first moments.
   * @throws EconomizerError `ECO_BUDGET_STORE` where it cannot be known now.
   */
  whenReady(): Promise<void> | undefined {
    if (this.#opening !== undefined) return this.#opening;
    return this.#recovery.whenReady();
  }

  /**
   * Holds on all accounts or on none. @throws EconomizerError `ECO_BUDGET_STORE` where a hard budget cannot be asked; soft ones are in nobody's way.
   */
  hold(asking: Asking): Awaitable<Held | Short> {
    const { id, touched: lines, amount, atLeast } = asking;
    let verdict: Awaitable<HoldVerdict>;
    try {
      verdict = this.#store.hold({ id, amount, atLeast, lines });
    } catch (error) {
      return this.#unheld(asking, error);
    }
    if (!(verdict instanceof Promise)) return this.#judged(asking, verdict);
    return verdict.then(
      (given) => this.#judged(asking, given),
      (error: unknown) => this.#unheld(asking, error),
    );
  }

  /** Turns a hold into a charge. Never throws; what the store does not take is given to it again until it does. */
  settle(held: Held, charged: NanoUsd): void {
    this.#settlements.settle(held, charged);
  }

  /** The budget of these that has the least left, as far as this process knows; those that nobody drew on yet count as full. */
  tightest(touched: readonly Touched[]): Tightest | undefined {
    let found: Tightest | undefined;
    for (const line of touched) {
      const balance = this.#known.get(line.account)?.balance;
      const left = Math.max(0, line.limit - (balance?.spent ?? 0) - (balance?.held ?? 0));
      if (found === undefined || left < found.left) found = { touched: line, left };
    }
    return found;
  }

  /**
   * Whether there is money for what can be left undone: no hard budget of this caller has, as far as this process knows, less than a tenth left.
   * @param at milliseconds since the epoch.
   */
  hasLeeway(standpoint: Standpoint, at: number): boolean {
    try {
      return this.touched(standpoint, at).every(({ account, hard, limit }) => {
        const { spent = 0, held = 0 } = this.#known.get(account)?.balance ?? {};
        return !hard || spent + held < leewayUpTo * limit;
      });
    } catch {
      return false; // more tags than budgets can be kept for: such a call is refused where it would draw on them
    }
  }

  /** Hears of every change of a standing that this process makes or sees. @returns ends it. */
  listen(listener: StandingListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * How all budgets stand now: those with one account, and of the others each account that was drawn on through this process.
   * @throws EconomizerError `ECO_BUDGET_STORE`.
   */
  async standings(): Promise<readonly BudgetStanding[]> {
    const now = this.#clock.now();
    const accounts = new Map(this.#plan.single(now).map((each) => [each.account, each]));
    for (const { touched } of this.#known.values()) {
      const isOver = touched.window.endsAt !== undefined && touched.window.endsAt <= now;
      if (!isOver) accounts.set(touched.account, touched);
    }
    const balances = await this.#store.read([...accounts.keys()]);
    const order = new Map(this.budgets.map(({ id }, index) => [id, index]));
    return balances
      .map((balance) => standingOf(accounts.get(balance.account)!, balance, now))
      .toSorted((one, other) => order.get(one.budget.id)! - order.get(other.budget.id)!);
  }

  /** Calls `wake` once, when something was settled. @returns takes it back. */
  onSettled(wake: () => void): () => void {
    this.#waiters.add(wake);
    return () => this.#waiters.delete(wake);
  }

  /** Settles what is left, as far as the store takes it, and closes it. */
  async close(): Promise<void> {
    this.#recovery.stop();
    await this.#settlements.close();
    await this.#store.close();
  }

  #judged(asking: Asking, verdict: HoldVerdict): Held | Short {
    const { id, touched } = asking;
    this.#tell(touched, verdict.balances, verdict.held ? undefined : verdict.short);
    if (verdict.held) return { held: true, id, touched, amount: verdict.amount };
    const by = touched.find(({ account }) => account === verdict.short) ?? touched[0]!;
    const balance = verdict.balances.find(({ account }) => account === by.account);
    const spent = balance?.spent ?? 0;
    return { held: false, by, spent, left: Math.max(0, by.limit - spent - (balance?.held ?? 0)) };
  }

  /** The store may have held before it failed to say so; then nothing may be left of it. */
  #unheld({ id, touched }: Asking, error: unknown): Held {
    const nothing: Held = { held: true, id, touched, amount: 0 };
    this.#settlements.later(nothing, 0);
    if (touched.some(({ hard }) => hard)) throw error;
    return nothing;
  }

  #settled(touched: readonly Touched[], balances: readonly Balance[]): void {
    this.#tell(touched, balances);
    if (this.#waiters.size === 0) return;
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const wake of waiters) wake();
  }

  /** @param short the account that had too little for a call. */
  #tell(touched: readonly Touched[], balances: readonly Balance[], short?: string): void {
    const now = this.#clock.now();
    for (const balance of balances) {
      const line = touched.find(({ account }) => account === balance.account);
      if (line === undefined) continue;
      this.#keep(line, balance);
      if (this.#listeners.size === 0) continue;
      const standing = standingOf(line, balance, now);
      const told = balance.account === short ? { ...standing, refused: true } : standing;
      for (const listener of this.#listeners) listener(told);
    }
  }

  #keep(touched: Touched, balance: Balance): void {
    if (this.#known.size >= knownLimit && !this.#known.has(touched.account)) {
      const [oldest] = this.#known.keys();
      this.#known.delete(oldest!);
    }
    this.#known.set(touched.account, { touched, balance });
  }
}

function standingOf(touched: Touched, balance: Balance, at: number): BudgetStanding {
  const { budget, account, value, window } = touched;
  return { budget, account, value, window, spent: balance.spent, held: balance.held, at };
}
