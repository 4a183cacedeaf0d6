import type { Pressure } from '../../exchange/call.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Signals } from '../../kernel/signals.ts';
import type { BudgetDefinition, Standpoint } from '../budget.ts';
import type { BudgetStanding } from '../standing.ts';
import type { BudgetStore } from '../store.ts';
import type { Decision, DecisionJournal } from './decisions.ts';
import type { LadderPolicy } from './levels.ts';
import { joined, reasonOf, rungOf, type Rung } from './rung.ts';

/** What the ladder needs to know of the budgets. */
export interface BudgetView {
  /** The accounts that a call of that time draws on. */
  touched(standpoint: Standpoint, at: number): readonly { readonly account: string }[];
  /** As they are configured now. */
  readonly budgets: readonly BudgetDefinition[];
  /** How all budgets stand, read anew. */
  standings(): Promise<readonly BudgetStanding[]>;
}

export interface LadderOptions {
  readonly policy: LadderPolicy;
  readonly budgets: BudgetView;
  readonly store: Pick<BudgetStore, 'read'>;
  readonly journal: Pick<DecisionJournal, 'record'>;
  readonly clock: Clock;
  readonly signals: Signals;
  /** Accounts on the ladder at most. */
  readonly maxRungs?: number;
}

/** How often budgets on the ladder are read anew: where all their callers are turned away nobody else would notice that a limit was raised. */
const refreshMs = 5000;

/**
 * Knows which level each budget has reached. It hears of every change and reads again what is under pressure, so that a level lifts by itself when
 * the window turns, the limit is raised or a charge is put right.
 */
export class Ladder {
  readonly #options: LadderOptions;
  readonly #rungs = new Map<string, Rung>();
  #waiting: (() => void) | undefined;
  #refreshing: Promise<void> | undefined;
  #closed = false;
  #isFailing = false;

  constructor(options: LadderOptions) {
    this.#options = options;
  }

  /** Accounts on the ladder, those that press most first. */
  get rungs(): readonly Rung[] {
    return [...this.#rungs.values()].toSorted((one, other) => other.level - one.level);
  }

  /** A `StandingListener`. */
  hear(standing: BudgetStanding): void {
    const { policy, clock } = this.#options;
    const { account, window } = standing;
    // What settles after its window is over presses nobody any more.
    if (window.endsAt !== undefined && window.endsAt <= clock.now()) return;
    const before = this.#rungs.get(account);
    const rung = rungOf(before, standing, policy);
    if (rung === undefined) {
      if (before === undefined) return;
      this.#rungs.delete(account);
    } else {
      this.#rungs.set(account, rung);
      this.#bound();
      this.#watch();
    }
    const [from, to] = [before?.level ?? 0, rung?.level ?? 0];
    if (from !== to) this.#tell(standing, { from, to, rung, why: reasonOf(before, standing, to) });
  }

  /** How hard the budgets of a call press, from what is known; a map look-up where none does. */
  pressureOn(standpoint: Standpoint): Pressure | undefined {
    if (this.#rungs.size === 0) return undefined;
    const now = this.#options.clock.now();
    let pressure: Pressure | undefined;
    for (const { account } of this.#options.budgets.touched(standpoint, now)) {
      const rung = this.#rungs.get(account);
      const endsAt = rung?.standing.window.endsAt;
      if (rung === undefined || (endsAt !== undefined && endsAt <= now)) continue;
      pressure = joined(pressure, rung.pressure);
    }
    return pressure;
  }

  /** Reads all budgets: at the start, so that a process that was restarted knows where they stand. Never rejects. */
  start(): Promise<void> {
    return this.#refresh(async () => {
      for (const standing of await this.#options.budgets.standings()) this.hear(standing);
    });
  }

  #refresh(read: () => Promise<void>): Promise<void> {
    this.#refreshing ??= this.#tried(read).finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#waiting?.();
    await this.#refreshing;
  }

  async #tried(read: () => Promise<void>): Promise<void> {
    const { signals } = this.#options;
    try {
      await read();
      if (this.#isFailing) signals.emit('part-healed', { part: 'protection' });
      this.#isFailing = false;
    } catch (error) {
      // What was known last holds until then.
      if (!this.#isFailing) {
        signals.emit('part-failed', { part: 'protection', operation: 'refresh', error });
      }
      this.#isFailing = true;
    }
  }

  /** Reads again what is on the ladder, and nothing else: there may be thousands of accounts that are not. */
  async #reread(): Promise<void> {
    const { budgets, store, clock } = this.#options;
    const balances = await store.read([...this.#rungs.keys()]);
    if (this.#closed) return;
    for (const { account, spent, held } of balances) {
      const rung = this.#rungs.get(account);
      if (rung === undefined) continue;
      const budget = budgets.budgets.find(({ id }) => id === rung.standing.budget.id);
      if (budget === undefined) this.#lift(rung);
      else {
        const { value, window } = rung.standing;
        this.hear({ budget, account, value, window, spent, held, at: clock.now() });
      }
    }
  }

  /** Looks again soon, and at the very moment when a window turns. */
  #watch(): void {
    if (this.#waiting !== undefined || this.#closed) return;
    const { clock } = this.#options;
    const now = clock.now();
    let ms = refreshMs;
    for (const { standing } of this.#rungs.values()) {
      if (standing.window.endsAt !== undefined) ms = Math.min(ms, standing.window.endsAt - now);
    }
    this.#waiting = clock.after(Math.max(0, ms), () => {
      this.#waiting = undefined;
      this.#sweep();
      if (this.#rungs.size === 0) return;
      void this.#refresh(() => this.#reread()).then(() => {
        if (this.#rungs.size > 0) this.#watch();
      });
    });
  }

  #sweep(): void {
    const now = this.#options.clock.now();
    for (const rung of this.#rungs.values()) {
      const { endsAt } = rung.standing.window;
      if (endsAt !== undefined && endsAt <= now) this.#lift(rung);
    }
  }

  /** Its window is over, or there is no such budget any more. */
  #lift(rung: Rung): void {
    const { standing, level: from } = rung;
    const { endsAt } = standing.window;
    const isOver = endsAt !== undefined && endsAt <= this.#options.clock.now();
    this.#rungs.delete(standing.account);
    this.#tell(standing, {
      from,
      to: 0,
      rung: undefined,
      why: isOver ? 'window-turned' : 'removed',
    });
  }

  #bound(): void {
    const { maxRungs = 10_000 } = this.#options;
    if (this.#rungs.size <= maxRungs) return;
    for (const oldest of this.#rungs.keys()) {
      this.#rungs.delete(oldest);
      return;
    }
  }

  #tell(
    { budget, value, window, spent }: BudgetStanding,
    change: {
      readonly from: number;
      readonly to: number;
      readonly rung: Rung | undefined;
      readonly why: Extract<Decision, { kind: 'level' }>['why'];
    },
  ): void {
    const { journal, clock, signals } = this.#options;
    const { from, to, rung, why } = change;
    const actions = [...(rung?.pressure.actions ?? [])];
    journal.record({
      kind: 'level',
      at: clock.now(),
      budget: budget.id,
      value,
      window: window.name,
      from,
      to,
      spent,
      limit: budget.limit,
      actions,
      why,
    });
    const force = actions.length === 0 ? 'nothing is in force' : `in force: ${actions.join(', ')}`;
    const text = `Budget "${budget.id}"${value === undefined ? '' : ` for ${value}`} went from level ${from} to ${to} (${why}); ${force}.`;
    signals.emit('pressure-changed', { budget: budget.id, value, from, to, actions, text });
  }
}
