import assert from 'node:assert/strict';
import type { AccountLine, BudgetStore } from '../../src/budget/store.ts';
import type { SimulatedClock } from '../../src/kernel/simulated-clock.ts';

/** One thing that somebody does to stores that count together. */
export type Step =
  | {
      readonly kind: 'hold';
      readonly owner: number;
      readonly id: string;
      readonly amount: number;
      readonly atLeast: number | undefined;
      readonly lines: readonly AccountLine[];
    }
  | {
      readonly kind: 'settle';
      readonly owner: number;
      readonly id: string;
      readonly charged: number;
    }
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

  apply(step: Step, stores: readonly BudgetStore[]): void {
    if (step.kind === 'pass') this.#clock.advance(step.ms);
    else if (step.kind === 'hold') {
      // Whether a hold renews the lease is the store's affair; so it is renewed before.
      this.apply({ kind: 'heartbeat', owner: step.owner }, stores);
      this.#hold(step, stores[step.owner]!);
    } else if (step.kind === 'settle') this.#settle(step, stores[step.owner]!);
    else if (step.kind === 'heartbeat') {
      assert.equal(stores[step.owner]!.heartbeat(), this.#heartbeat(step.owner));
    } else {
      const { account, spent } = step;
      const more = Math.max(0, spent - this.#spent(account));
      this.#raised.set(account, (this.#raised.get(account) ?? 0) + more);
      void stores[step.owner]!.restore(account, spent, undefined);
    }
  }

  compare(store: BudgetStore, accounts: readonly string[]): void {
    const expected = accounts.map((account) => {
      return { account, spent: this.#spent(account), held: this.#held(account) };
    });
    assert.deepEqual(store.read(accounts), expected);
    const open = [...this.#calls].filter(([, { state }]) => state !== 'settled');
    const found = store.openHolds();
    assert.ok(!(found instanceof Promise));
    assert.deepEqual(
      new Map(found.map(({ id, state }) => [id, state])),
      new Map(open.map(([id, { state }]) => [id, state])),
    );
  }

  #hold(step: Extract<Step, { kind: 'hold' }>, store: BudgetStore): void {
    const { id, amount, atLeast = amount, lines, owner } = step;
    const verdict = store.hold({ id, amount, atLeast, lines });
    assert.ok(!(verdict instanceof Promise));
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
    }
  }

  #settle(step: Extract<Step, { kind: 'settle' }>, store: BudgetStore): void {
    const call = this.#calls.get(step.id);
    const outcome = store.settle(step.id, step.charged);
    assert.ok(!(outcome instanceof Promise));
    const expected =
      call === undefined ? 'unknown' : call.state === 'settled' ? 'already' : 'settled';
    assert.equal(outcome.state, expected);
    if (call === undefined || call.state === 'settled') return;
    call.state = 'settled';
    call.charged = step.charged;
  }

  #heartbeat(owner: number): number {
    const now = this.#clock.now();
    this.#leases[owner] = now + this.#leaseMs;
    const lost = [...this.#calls.values()].filter(
      (call) => call.state === 'held' && this.#leases[call.owner]! <= now,
    );
    for (const call of lost) {
      call.state = 'charged';
      call.charged = call.amount;
    }
    return lost.length;
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
