import assert from 'node:assert/strict';
import type {
  AccountLine,
  BudgetStore,
  HoldVerdict,
  SettleOutcome,
} from '../../src/budget/store.ts';
import type { SimulatedClock } from '../../src/kernel/simulated-clock.ts';

/** What a call asks of its store. */
export type Ask =
  | {
      readonly kind: 'hold';
      readonly id: string;
      readonly amount: number;
      readonly atLeast: number | undefined;
      readonly lines: readonly AccountLine[];
    }
  | { readonly kind: 'settle'; readonly id: string; readonly charged: number };

/** One thing that somebody does to stores that count together. */
export type Step =
  /** Asked of one store at once: it does one after the other. */
  | { readonly kind: 'turn'; readonly owner: number; readonly asks: readonly Ask[] }
  | { readonly kind: 'heartbeat'; readonly owner: number }
  | { readonly kind: 'pass'; readonly ms: number }
  | {
      readonly kind: 'restore';
      readonly owner: number;
      readonly account: string;
      readonly spent: number;
    };

interface Call {
  readonly amount: number;
  readonly accounts: readonly string[];
  readonly owner: number;
  state: 'held' | 'charged' | 'settled';
  charged: number;
}

/**
 * What the port promises, in the plainest words: every account is worked out anew from the list of all calls. Nothing is taken from how
 * the stores do it.
 */
export class ModelOfBudgets {
  readonly #clock: SimulatedClock;
  readonly #leaseMs: number;
  readonly #calls = new Map<string, Call>();
  readonly #raised = new Map<string, number>();
  readonly #leases: number[];

  constructor(options: {
    readonly clock: SimulatedClock;
    readonly leaseMs: number;
    readonly owners: number;
  }) {
    this.#clock = options.clock;
    this.#leaseMs = options.leaseMs;
    this.#leases = Array.from({ length: options.owners }, () => 0);
  }

  async apply(step: Step, stores: readonly BudgetStore[]): Promise<void> {
    if (step.kind === 'pass') this.#clock.advance(step.ms);
    else if (step.kind === 'turn') await this.#turn(step, stores[step.owner]!);
    else if (step.kind === 'heartbeat') await this.#heartbeat(step.owner, stores[step.owner]!);
    else {
      const { account, spent } = step;
      const more = Math.max(0, spent - this.#spent(account));
      this.#raised.set(account, (this.#raised.get(account) ?? 0) + more);
      await stores[step.owner]!.restore(account, spent, undefined);
    }
  }

  async compare(store: BudgetStore, accounts: readonly string[]): Promise<void> {
    const expected = accounts.map((account) => {
      return { account, spent: this.#spent(account), held: this.#held(account) };
    });
    assert.deepEqual(await store.read(accounts), expected);
    const open = [...this.#calls].filter(([, { state }]) => state !== 'settled');
    const found = await store.openHolds();
    assert.deepEqual(
      new Map(found.map(({ id, state }) => [id, state])),
      new Map(open.map(([id, { state }]) => [id, state])),
    );
  }

  async #turn({ owner, asks }: Extract<Step, { kind: 'turn' }>, store: BudgetStore): Promise<void> {
    // Whether a hold renews the lease is the store's affair; so it is renewed before.
    await this.#heartbeat(owner, store);
    const checks = asks.map((ask) => {
      if (ask.kind === 'hold') {
        const verdict = store.hold(ask);
        return async () => this.#hold(ask, owner, await verdict);
      }
      const outcome = store.settle(ask.id, ask.charged);
      return async () => this.#settle(ask, await outcome);
    });
    for (const check of checks) await check();
  }

  #hold(ask: Extract<Ask, { kind: 'hold' }>, owner: number, verdict: HoldVerdict): void {
    const { id, amount, atLeast = amount, lines } = ask;
    const known = this.#calls.get(id);
    if (known !== undefined) {
      assert.ok(verdict.held);
      assert.equal(verdict.amount, known.amount);
      return;
    }
    const left = lines.map(({ account, limit, hard }) => {
      return hard ? limit - this.#spent(account) - this.#held(account) : Infinity;
    });
    const short = lines.find((_, index) => left[index]! < Math.min(atLeast, amount));
    assert.equal(verdict.held, short === undefined);
    if (!verdict.held) return assert.equal(verdict.short, short!.account);
    assert.equal(verdict.amount, Math.min(amount, ...left));
    const accounts = lines.map(({ account }) => account);
    const call = { amount: verdict.amount, accounts, owner, charged: 0 };
    this.#calls.set(id, { ...call, state: 'held' });
    for (const { account, spent, held } of verdict.balances) {
      const { hard, limit } = lines.find((each) => each.account === account)!;
      assert.ok(!hard || spent + held <= limit, `${account}: ${spent} + ${held} > ${limit}`);
      assert.deepEqual([spent, held], [this.#spent(account), this.#held(account)]);
    }
  }

  #settle({ id, charged }: Extract<Ask, { kind: 'settle' }>, outcome: SettleOutcome): void {
    const call = this.#calls.get(id);
    const expected =
      call === undefined ? 'unknown' : call.state === 'settled' ? 'already' : 'settled';
    assert.equal(outcome.state, expected);
    if (call === undefined || call.state === 'settled') return;
    call.state = 'settled';
    call.charged = charged;
  }

  async #heartbeat(owner: number, store: BudgetStore): Promise<void> {
    const now = this.#clock.now();
    this.#leases[owner] = now + this.#leaseMs;
    const lost = [...this.#calls.values()].filter(
      (call) => call.state === 'held' && this.#leases[call.owner]! <= now,
    );
    for (const call of lost) {
      call.state = 'charged';
      call.charged = call.amount;
    }
    assert.equal(await store.heartbeat(), lost.length);
  }

  #spent(account: string): number {
    const charges = [...this.#calls.values()].filter(({ accounts }) => accounts.includes(account));
    const sum = charges.reduce((total, { charged }) => total + charged, 0);
    return sum + (this.#raised.get(account) ?? 0);
  }

  #held(account: string): number {
    return [...this.#calls.values()]
      .filter(({ state, accounts }) => state === 'held' && accounts.includes(account))
      .reduce((total, { amount }) => total + amount, 0);
  }
}
