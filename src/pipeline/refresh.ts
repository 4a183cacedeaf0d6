import { newAccount } from '../exchange/account.ts';
import type { Call } from '../exchange/call.ts';
import { isWhole } from '../exchange/reply.ts';
import { collect } from '../exchange/stream.ts';
import { Cancellation } from '../kernel/cancellation.ts';
import type { Clock } from '../kernel/clock.ts';
import { EconomizerError } from '../kernel/errors.ts';
import { newId } from '../kernel/ids.ts';
import type { Signals } from '../kernel/signals.ts';
import type { Next, Stage } from './stage.ts';

/** Tag of the ledger rows of calls that nobody waits for. */
const refreshTag = 'revalidation';

/** Asks the provider again in the background for what was just served stale; one call a key at a time. */
export class Refresher {
  readonly #book: Stage;
  readonly #clock: Clock;
  readonly #signals: Signals;
  readonly #running = new Map<string, Promise<void>>();

  constructor(options: { readonly book: Stage; readonly clock: Clock; readonly signals: Signals }) {
    this.#book = options.book;
    this.#clock = options.clock;
    this.#signals = options.signals;
  }

  /** @param next the path behind `recall`: the refreshed answer is remembered there. */
  refresh(stale: Call, next: Next): void {
    const key = stale.key!;
    if (this.#running.has(key)) return;
    const task = this.#run(stale, next)
      .catch((error: unknown) => {
        // It is booked as what it is: a call that a budget turned away.
        if (EconomizerError.from(error).kind === 'quota') return;
        this.#signals.emit('part-failed', { part: 'cache', operation: 'revalidate', error });
      })
      .finally(() => this.#running.delete(key));
    this.#running.set(key, task);
  }

  /** Resolves when no refresh is under way. */
  async idle(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  async #run(stale: Call, next: Next): Promise<void> {
    const now = this.#clock.now();
    const call: Call = {
      ...stale,
      id: newId(now),
      caller: { ...stale.caller, tags: [...stale.caller.tags, refreshTag] },
      cancellation: new Cancellation(),
      deadlineMs: undefined,
      startedAt: now,
      startedTick: this.#clock.tick(),
      harvest: undefined,
      afterFlight: undefined,
      account: newAccount(),
      trail: [],
    };
    const reply = await this.#book(call, next);
    if (!isWhole(reply.body)) await collect(reply.body);
  }
}
