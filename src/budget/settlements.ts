import type { Clock } from '../kernel/clock.ts';
import type { NanoUsd } from '../kernel/money.ts';
import type { Signals } from '../kernel/signals.ts';
import type { Touched } from './plan.ts';
import type { Balance, BudgetStore } from './store.ts';

/** What is to be settled: a hold and whose accounts it is on. */
export interface Settleable {
  readonly id: string;
  readonly touched: readonly Touched[];
}

export interface SettlementsOptions {
  readonly store: BudgetStore;
  readonly clock: Clock;
  readonly signals: Signals;
  readonly onSettled: (touched: readonly Touched[], balances: readonly Balance[]) => void;
}

interface Waiting {
  readonly hold: Settleable;
  readonly charged: NanoUsd;
}

/** What the store did not take is given to it again after so many milliseconds, twice as many each time ... */
const firstRetryMs = 100;
const lastRetryMs = 5000;
/** ... and no more than so many wait: what is dropped stays held, and is charged in full when this process is gone. */
const waitingLimit = 100_000;
/** Given again at a time. */
const batch = 200;

/** Carries charges to the store, each until the store has taken it. */
export class Settlements {
  readonly #options: SettlementsOptions;
  readonly #waiting = new Map<string, Waiting>();
  readonly #underWay = new Set<Promise<void>>();
  #retryMs = firstRetryMs;
  #callOff: (() => void) | undefined;
  #isFailing = false;
  #isClosed = false;

  constructor(options: SettlementsOptions) {
    this.#options = options;
  }

  /** Settles at once where the store answers at once, and otherwise soon. */
  settle(hold: Settleable, charged: NanoUsd): void {
    const task = this.#attempt({ hold, charged });
    if (task === undefined) return;
    this.#underWay.add(task);
    void task.then(() => this.#underWay.delete(task));
  }

  /** Settles with the next that are given again: the store has just failed. */
  later(hold: Settleable, charged: NanoUsd): void {
    this.#wait({ hold, charged });
  }

  /** Gives everything that waits to the store once more; resolves when all is taken or refused again. What is left stays held there, and so is charged. */
  async close(): Promise<void> {
    await Promise.all(this.#underWay);
    await this.#giveAgain(Infinity);
    this.#isClosed = true;
    this.#callOff?.();
  }

  /** Resolves, and never rejects; undefined where all is done. */
  #attempt(waiting: Waiting): Promise<void> | undefined {
    const { hold, charged } = waiting;
    const { store, onSettled } = this.#options;
    try {
      const outcome = store.settle(hold.id, charged);
      if (!(outcome instanceof Promise)) {
        onSettled(hold.touched, outcome.balances);
        return undefined;
      }
      return outcome.then(
        ({ balances }) => {
          this.#heal();
          onSettled(hold.touched, balances);
        },
        (error: unknown) => this.#fail(waiting, error),
      );
    } catch (error) {
      this.#fail(waiting, error);
      return undefined;
    }
  }

  #fail(waiting: Waiting, error: unknown): void {
    if (!this.#isFailing) {
      this.#isFailing = true;
      this.#options.signals.emit('part-failed', { part: 'budgets', operation: 'settle', error });
    }
    this.#wait(waiting);
  }

  #heal(): void {
    if (!this.#isFailing || this.#waiting.size > 0) return;
    this.#isFailing = false;
    this.#options.signals.emit('part-healed', { part: 'budgets' });
  }

  #wait(waiting: Waiting): void {
    if (this.#isClosed || this.#waiting.size >= waitingLimit) return;
    this.#waiting.set(waiting.hold.id, waiting);
    this.#callOff ??= this.#options.clock.after(this.#retryMs, () => {
      this.#callOff = undefined;
      this.#retryMs = Math.min(2 * this.#retryMs, lastRetryMs);
      void this.#giveAgain(batch);
    });
  }

  async #giveAgain(most: number): Promise<void> {
    const given = [...this.#waiting.values()].slice(0, most);
    for (const { hold } of given) this.#waiting.delete(hold.id);
    // What fails again puts itself back.
    await Promise.all(given.map(async (each) => this.#attempt(each)));
    if (this.#waiting.size > 0) return;
    this.#callOff?.();
    this.#callOff = undefined;
    this.#retryMs = firstRetryMs;
    this.#heal();
  }
}
