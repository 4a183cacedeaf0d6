import type { Clock } from '../kernel/clock.ts';
import { EconomizerError } from '../kernel/errors.ts';
import type { Signals } from '../kernel/signals.ts';
import { pastAccounts, type PastSpend } from './past-spend.ts';
import type { Plan } from './plan.ts';
import type { BudgetStore, OpenHold } from './store.ts';

export interface RecoveryOptions {
  readonly plan: Plan;
  readonly store: BudgetStore;
  /** Undefined: the store alone remembers. */
  readonly past: PastSpend | undefined;
  readonly clock: Clock;
  readonly signals: Signals;
}

/** A lease lasts ten times as long. */
const heartbeatMs = 3000;
/** The ledger takes over what a process that died has left within a minute; so often, in heartbeats, charged holds are looked up in it. */
const lookUpEvery = 20;
/** Set in a store whose balances are known to be right; gone with them where the store lost its memory. */
const rebuiltFlag = 'rebuilt';

/** Keeps a store in step with the ledger: what it forgot, and the holds of processes that are gone. */
export class Recovery {
  readonly #options: RecoveryOptions;
  #rebuilding: Promise<void> | undefined;
  #isReady = false;
  #isStopped = false;
  #beats = 0;
  #isFailing = false;
  #hasCharged = true;
  #callOff: () => void = () => {};

  constructor(options: RecoveryOptions) {
    this.#options = options;
    if (options.plan.budgets.length === 0) this.#isReady = true;
    else {
      void this.whenReady()?.catch(() => {}); // signalled; calls that come meanwhile try again
      this.#beatLater();
    }
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
    const { plan, store, past, clock } = this.#options;
    try {
      if (past !== undefined) {
        for (const { touched, spent } of await pastAccounts(plan, past, clock.now())) {
          await store.restore(touched.account, spent, touched.endsAt);
        }
      }
      await store.setFlag(rebuiltFlag, '1');
      this.#isReady = true;
    } catch (error) {
      this.#fail('rebuild', error);
      throw unknownSpend(error);
    }
    await this.#lookUp();
  }

  #beatLater(): void {
    if (this.#isStopped) return;
    this.#callOff = this.#options.clock.after(heartbeatMs, () => {
      void this.#beat().finally(() => this.#beatLater());
    });
  }

  async #beat(): Promise<void> {
    const { store, signals } = this.#options;
    try {
      const charged = await store.heartbeat();
      if (charged > 0) {
        this.#hasCharged = true;
        const text = `${charged} call(s) of a gateway that ended without notice are charged to their budgets at what they can have cost at most, until its ledger tells more.`;
        signals.emit('notice', { text });
      }
      const flags = await store.flags();
      if (!flags.has(rebuiltFlag) && this.#isReady) {
        this.#isReady = false;
        const text = `The store of the budgets (${store.name}) has lost what it knew; it is rebuilt from the ledger.`;
        signals.emit('notice', { text });
      }
      await this.whenReady();
      if (charged > 0 || (this.#hasCharged && this.#beats % lookUpEvery === 0))
        await this.#lookUp();
      this.#beats++;
      if (this.#isFailing) signals.emit('part-healed', { part: 'budgets' });
      this.#isFailing = false;
    } catch (error) {
      this.#fail('heartbeat', error);
    }
  }

  /** Settles holds of processes that are gone by what the ledger has of their calls. */
  async #lookUp(): Promise<void> {
    const { store, past } = this.#options;
    if (past === undefined || this.#isStopped) return;
    try {
      const lost = (await store.openHolds()).filter(({ state }) => state === 'charged');
      this.#hasCharged = lost.length > 0;
      if (lost.length === 0) return;
      const byCall = Map.groupBy(lost, callOf);
      const charges = await past.charges([...byCall.keys()]);
      for (const [call, charged] of charges) {
        // The row has the sum of all attempts of its call.
        for (const [index, { id }] of byCall.get(call)!.entries()) {
          await store.settle(id, index === 0 ? charged : 0);
        }
      }
    } catch (error) {
      this.#fail('recover', error);
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
