import type { Clock } from '../kernel/clock.ts';
import { EconomizerError } from '../kernel/errors.ts';
import type { Signals } from '../kernel/signals.ts';
import { pastAccounts, type PastSpend } from './past-spend.ts';
import type { Plan } from './plan.ts';
import type { BudgetStore, OpenHold } from './store.ts';
import { defaultLeaseMs } from './stores/terms.ts';

export interface RecoveryOptions {
  readonly plan: Plan;
  readonly store: BudgetStore;
  /** As the store's, in milliseconds (30,000). */
  readonly leaseMs?: number | undefined;
  /** Undefined: the store alone remembers. */
  readonly past: PastSpend | undefined;
  readonly clock: Clock;
  readonly signals: Signals;
}

/** Signs of life in a lease. */
const beatsPerLease = 10;
/** The ledger takes over what a process that died has left within a minute; so often, in heartbeats, charged holds are looked up in it, whichever process charged them. */
const lookUpEvery = 20;

/** Keeps a store in step with the ledger: what it forgot, and the holds of processes that are gone. */
export class Recovery {
  readonly #options: RecoveryOptions;
  #rebuilding: Promise<void> | undefined;
  #isReady = false;
  #isStopped = false;
  #isFailing = false;
  #beats = 0;
  #callOff: () => void = () => {};

  constructor(options: RecoveryOptions) {
    this.#options = options;
    const { store } = options;
    if (store.onForgotten === undefined) {
      void this.whenReady()?.catch(() => {}); // signalled; calls that come meanwhile try again
    } else {
      // Such a store asks by itself, and holds nothing before it is told.
      store.onForgotten(() => this.#restore());
      this.#isReady = true;
    }
    this.#beatLater();
  }

  /** See `Walls.whenReady`. */
  whenReady(): Promise<void> | undefined {
    if (this.#isReady) return undefined;
    this.#rebuilding ??= this.#rebuild().finally(() => {
      this.#rebuilding = undefined;
    });
    return this.#rebuilding;
  }

  stop(): void {
    this.#isStopped = true;
    this.#callOff();
  }

  async #rebuild(): Promise<void> {
    try {
      await this.#restore();
      this.#isReady = true;
    } catch (error) {
      this.#fail('rebuild', error);
      throw unknownSpend(error);
    }
  }

  async #restore(): Promise<void> {
    const { plan, store, past, clock } = this.#options;
    if (past === undefined) return;
    // First what the store holds for calls that are over: the sums have them, and they must not be counted twice.
    await this.#settleBooked(await store.openHolds(), past);
    for (const { touched, spent } of await pastAccounts(plan, past, clock.now())) {
      await store.restore(touched.account, spent, touched.endsAt);
    }
  }

  #beatLater(): void {
    if (this.#isStopped) return;
    const { clock, leaseMs = defaultLeaseMs } = this.#options;
    this.#callOff = clock.after(leaseMs / beatsPerLease, () => {
      void this.#beat().finally(() => this.#beatLater());
    });
  }

  async #beat(): Promise<void> {
    const { store, signals } = this.#options;
    try {
      const lost = await store.heartbeat();
      if (lost > 0) {
        const text = `${lost} call(s) of a gateway that ended without notice are charged to their budgets at what they can have cost at most, until a ledger tells more.`;
        signals.emit('notice', { text });
      }
      await this.whenReady();
      if (lost > 0 || this.#beats % lookUpEvery === 0) await this.#lookUp();
      this.#beats++;
      if (this.#isFailing) signals.emit('part-healed', { part: 'budgets' });
      this.#isFailing = false;
    } catch (error) {
      this.#fail('heartbeat', error);
    }
  }

  /** Settles holds of processes that are gone, as far as the ledger has their calls. */
  async #lookUp(): Promise<void> {
    const { store, past } = this.#options;
    if (past === undefined || this.#isStopped) return;
    const lost = (await store.openHolds()).filter(({ state }) => state === 'charged');
    await this.#settleBooked(lost, past);
  }

  async #settleBooked(holds: readonly OpenHold[], past: PastSpend): Promise<void> {
    const byCall = Map.groupBy(holds, callOf);
    if (byCall.size === 0) return;
    for (const [call, charged] of await past.charges([...byCall.keys()])) {
      // The row has the sum of all attempts of its call.
      for (const [index, { id }] of byCall.get(call)!.entries()) {
        await this.#options.store.settle(id, index === 0 ? charged : 0);
      }
    }
  }

  /** Told once, until it works again. */
  #fail(operation: string, error: unknown): void {
    if (this.#isFailing || this.#isStopped) return;
    this.#isFailing = true;
    this.#options.signals.emit('part-failed', { part: 'budgets', operation, error });
  }
}

/** The call that a hold is for: its id without the number of the attempt. */
function callOf({ id }: OpenHold): string {
  return id.slice(0, id.lastIndexOf('.'));
}

function unknownSpend(cause: unknown): EconomizerError {
  return new EconomizerError(
    'ECO_BUDGET_STORE',
    'What was spent of the budgets cannot be told now, so no call goes out; look for `budgets` in the log.',
    { cause },
  );
}
