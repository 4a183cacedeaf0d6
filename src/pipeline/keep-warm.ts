import type { RequestFacts } from '../exchange/dialect.ts';
import type { CarePlan } from '../context/care-plan.ts';
import { warmBody, warmGain, warmUntil } from '../context/care/keep-warm.ts';
import { newAccount } from '../exchange/account.ts';
import { noReuse, type Call } from '../exchange/call.ts';
import { noUsage } from '../exchange/usage.ts';
import { Cancellation } from '../kernel/cancellation.ts';
import type { Clock } from '../kernel/clock.ts';
import { newId } from '../kernel/ids.ts';
import type { Next } from './stage.ts';

const dayMs = 86_400_000;
/** Conversations that are kept in mind at once; each holds its last request. */
const watchedLimit = 1000;
/** So long before its end a prefix is read again: the tenth part of what it has left, at least so many milliseconds. */
const marginMs = 10_000;

/**
 * Reads prefixes again just before their provider would forget them, as long as the pauses of their agent make that pay. Each read is a call
 * of its own, with a row of its own whose cost nothing sets off.
 */
export class KeepWarm {
  readonly #clock: Clock;
  readonly #perSession: number;
  readonly #perDay: number;
  /** Books and settles what it is given. */
  readonly #run: Next;
  readonly #timers = new Set<() => void>();
  readonly #running = new Set<Promise<void>>();
  #isStopped = false;
  #day = 0;
  #today = 0;

  constructor(options: {
    readonly clock: Clock;
    readonly perSession: number;
    readonly perDay: number;
    readonly run: Next;
  }) {
    this.#clock = options.clock;
    this.#perSession = options.perSession;
    this.#perDay = options.perDay;
    this.#run = options.run;
  }

  /** Watches a conversation whose call has just been answered. `read` says how often it was read again since. */
  watch(call: Call, plan: CarePlan, read = 0): void {
    const { terms, habits, thread } = plan;
    const until = warmUntil(plan);
    if (terms === undefined || until === undefined || this.#timers.size >= watchedLimit) return;
    if (read >= this.#perSession || this.#isStopped) return;
    if (warmGain(habits, terms, read, this.#perSession - read) <= 0) return;
    const left = until - this.#clock.now();
    const callOff = this.#clock.after(left - Math.max(marginMs, left / 10), () => {
      this.#timers.delete(callOff);
      if (thread.calls === plan.call && this.#mayToday()) this.#start(call, plan, read + 1);
    });
    this.#timers.add(callOff);
  }

  /** Watches nothing more. Resolves when no read is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const callOff of this.#timers) callOff();
    this.#timers.clear();
    await Promise.all(this.#running);
  }

  #start(call: Call, plan: CarePlan, read: number): void {
    const body = warmBody(plan.body);
    if (body === undefined) return;
    this.#today++;
    // What fails is booked as a call of its own; a prefix that cannot be read again is let go.
    const running = this.#read(call, plan, { body, read }).catch(() => {});
    this.#running.add(running);
    void running.then(() => this.#running.delete(running));
  }

  async #read(
    call: Call,
    plan: CarePlan,
    { body, read }: { readonly body: Buffer; readonly read: number },
  ): Promise<void> {
    const again = this.#callOf(call, body);
    const reply = await this.#run(again);
    const { thread } = plan;
    const [deepest] = thread.held;
    if (reply.status !== 200 || thread.calls !== plan.call || deepest === undefined) return;
    const expiresAt = again.startedAt + deepest.expiresAt - (thread.warmedAt ?? thread.at);
    thread.held = thread.held.map((held) => Object.assign({}, held, { expiresAt }));
    thread.warmedAt = again.startedAt;
    this.watch(call, plan, read);
  }

  #callOf(call: Call, body: Buffer): Call {
    const account = newAccount();
    // Without us this call would not have been made.
    account.savedBy = 'keep-warm';
    account.without = { usage: noUsage, costNanos: 0, totalMs: 0, basis: 'measured' };
    return {
      ...call,
      id: newId(this.#clock.now()),
      body,
      facts: call.facts && factsOfWarm(call.facts),
      caller: { ...call.caller, tags: [...call.caller.tags, 'keep-warm'] },
      cancellation: new Cancellation(),
      deadlineMs: undefined,
      startedAt: this.#clock.now(),
      startedTick: this.#clock.tick(),
      key: undefined,
      reuse: noReuse,
      harvest: undefined,
      afterFlight: undefined,
      account,
      trail: [],
    };
  }

  #mayToday(): boolean {
    const day = Math.floor(this.#clock.now() / dayMs);
    if (day !== this.#day) [this.#day, this.#today] = [day, 0];
    return this.#today < this.#perDay;
  }
}

/** The body asks for one token, and for no stream. */
function factsOfWarm(facts: RequestFacts): RequestFacts {
  const { spend } = facts;
  const terms = spend && { ...spend.terms, namesCap: true };
  return { ...facts, stream: false, spend: spend && { ...spend, terms: terms! } };
}
