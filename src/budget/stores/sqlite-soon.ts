import type { SettleOutcome } from '../store.ts';

interface Waiting {
  readonly id: string;
  readonly charged: number;
  readonly resolve: (outcome: SettleOutcome) => void;
  readonly reject: (error: unknown) => void;
  /** Tells how it ended and how its accounts stand then; undefined: no act has taken it. */
  outcome: (() => SettleOutcome) | undefined;
}

/** Settlements that wait for the next act, whose transaction takes them along, and no longer than to the end of this turn of the event loop. */
export class SettlingSoon {
  /** Begins an act, for those that no other takes along. */
  readonly #act: () => void | Promise<void>;
  #waiting: Waiting[] = [];
  #isComing = false;

  constructor(act: () => void | Promise<void>) {
    this.#act = act;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  add(id: string, charged: number): Promise<SettleOutcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ id, charged, resolve, reject, outcome: undefined });
      if (this.#isComing) return;
      this.#isComing = true;
      setImmediate(() => void this.#come());
    });
  }

  /** Within an act: it may yet be undone, and they go with the next then. */
  take(settle: (id: string, charged: number) => () => SettleOutcome): void {
    for (const each of this.#waiting) each.outcome = settle(each.id, each.charged);
  }

  /** The act that took them stands; what else it changed on their accounts counts too. */
  done(): void {
    if (this.#waiting.length === 0) return;
    const taken = this.#waiting;
    this.#waiting = [];
    for (const { resolve, outcome } of taken) resolve(outcome!());
  }

  async #come(): Promise<void> {
    try {
      if (this.#waiting.length > 0) await this.#act();
    } catch (error) {
      const left = this.#waiting;
      this.#waiting = [];
      for (const { reject } of left) reject(error);
    } finally {
      this.#isComing = false;
    }
  }
}
