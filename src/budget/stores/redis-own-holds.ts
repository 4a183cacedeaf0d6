import type { HoldRequest } from '../store.ts';

/** A hold of this process that Redis has acknowledged and that is not settled. */
export interface OwnHold {
  readonly amount: number;
  readonly lines: HoldRequest['lines'];
}

/** Holds that are to be undone, at most: more than all calls that can be under way when Redis is lost. */
const undoMax = 10_000;
/** Charges that are remembered after Redis has acknowledged them: a Redis that comes back with old data may hold the calls still. */
const settledMax = 5000;

/** What this process must tell a Redis that may have missed or lost it. As large as the number of calls under way. */
export class OwnHolds {
  readonly #open = new Map<string, OwnHold>();
  readonly #debts = new Map<string, number>();
  readonly #settled = new Map<string, number>();
  readonly #undo = new Set<string>();

  get open(): ReadonlyMap<string, OwnHold> {
    return this.#open;
  }

  /** Charges that Redis has not acknowledged, by the id of their hold. */
  get debts(): ReadonlyMap<string, number> {
    return this.#debts;
  }

  /** The last charges that Redis has acknowledged. */
  get lately(): ReadonlyMap<string, number> {
    return this.#settled;
  }

  /** Ids that Redis may hold although their caller was told that it does not. */
  get undo(): ReadonlySet<string> {
    return this.#undo;
  }

  /** While so much is undecided nothing more is asked. */
  get isFull(): boolean {
    return this.#undo.size >= undoMax;
  }

  held({ id, lines }: HoldRequest, amount: number): void {
    this.#open.set(id, { amount, lines });
  }

  settled(id: string, charged: number): void {
    this.#debts.delete(id);
    if (!this.#open.delete(id)) return;
    this.#settled.set(id, charged);
    if (this.#settled.size > settledMax) this.#settled.delete(this.#settled.keys().next().value!);
  }

  /** Only for holds of this process: what others left is theirs to settle who found it. */
  settleLater(id: string, charged: number): void {
    if (this.#open.has(id)) this.#debts.set(id, charged);
  }

  undoLater(id: string): void {
    if (!this.#open.has(id)) this.#undo.add(id);
  }

  undone(ids: readonly string[]): void {
    for (const id of ids) this.#undo.delete(id);
  }
}
