import type { AccountLine, Balance } from '../store.ts';

/** What a process has set aside on one account, to spend while the store cannot be asked. */
export class Reserve {
  /** The hold in the store that backs it. */
  readonly id: string;
  readonly amount: number;
  /** When it was made, by the monotonic clock. */
  readonly at: number;
  /** How the account stood when this was set aside. */
  readonly #known: Balance;
  #spent = 0;
  #held = 0;

  constructor(id: string, amount: number, known: Balance, at: number) {
    this.id = id;
    this.amount = amount;
    this.#known = known;
    this.at = at;
  }

  get left(): number {
    return this.amount - this.#spent - this.#held;
  }

  get spent(): number {
    return this.#spent;
  }

  /** Calls that draw on it are under way. */
  get isInUse(): boolean {
    return this.#held > 0;
  }

  hold(amount: number): void {
    this.#held += amount;
  }

  settle(amount: number, charged: number): void {
    this.#held -= amount;
    this.#spent += charged;
  }

  /** The account as far as this process knows. */
  balance(): Balance {
    const { account, spent, held } = this.#known;
    return { account, spent: spent + this.#spent, held: held - this.#spent };
  }
}

/** An account that calls of this process drew on. */
export interface Drawn {
  readonly line: AccountLine;
  /** As the store said last. */
  readonly balance: Balance;
  /** By the monotonic clock. */
  readonly at: number;
}
