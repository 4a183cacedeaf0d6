import { judge } from '../cache/freshness.ts';
import type { Entrance, Lease, SharedFlights } from '../cache/shared-flights.ts';
import type { CacheStack, Found } from '../cache/stack.ts';
import type { Call } from '../exchange/call.ts';
import { isWhole, type Reply } from '../exchange/reply.ts';
import { noUsage } from '../exchange/usage.ts';
import type { Clock } from '../kernel/clock.ts';
import { EconomizerError } from '../kernel/errors.ts';
import { note } from './note.ts';
import { accessOf, type PolicyChoice } from './policy-choice.ts';
import type { WithoutUs } from './recall.ts';
import { renderAnswer, suitsForm } from './render.ts';
import type { Next, Stage } from './stage.ts';
import { tapped } from './tap.ts';

/** What gateways share flights by. */
export interface Sharing {
  readonly flights: Pick<SharedFlights, 'waitedMs' | 'waiter' | 'enter'>;
  /** The tier through which the answers pass from one gateway to the other. */
  readonly tier: string;
  /** What all questions to Redis that a call asks in a row may take together, its lookup included, in milliseconds. */
  readonly patienceMs: number;
  /** How long a call waits for another gateway before it goes to the provider itself, in milliseconds. */
  readonly waitMs: number;
}

interface ShareOptions extends Sharing {
  readonly stack: CacheStack;
  readonly choice: PolicyChoice;
  readonly clock: Clock;
  readonly without: WithoutUs;
}

/** Even without word from Redis a waiting call asks again after so long, in milliseconds. */
const doubtMs = 1000;
/** Past the end of a lease, so that it is over by Redis's clock too. */
const marginMs = 5;

/** With less patience than this a question is not asked, in milliseconds. */
const leastMs = 1;

/** What questions in a row may still take together: a Redis that is slow with each of them costs a call no more than one that answers none. */
class Patience {
  readonly #options: ShareOptions;
  #from: number;

  constructor(options: ShareOptions, from = options.flights.waitedMs) {
    this.#options = options;
    this.#from = from;
  }

  get leftMs(): number {
    const { flights, patienceMs } = this.#options;
    return Math.min(patienceMs, patienceMs - (flights.waitedMs - this.#from));
  }

  /** After a wait for another gateway, which is no fault of Redis. */
  renew(): void {
    this.#from = this.#options.flights.waitedMs;
  }
}

/**
 * Identical calls at several gateways share one call to the provider. Stands inside `join`, so that a gateway asks once for all its
 * callers. Who comes second waits until the answer is stored and takes it from there; who has waited long enough goes by itself.
 */
export function createShare(options: ShareOptions): Stage {
  return (call, next) => {
    const policy = call.reuse.join && call.reuse.store ? options.choice.chosen(call) : undefined;
    // What is not kept where all can see it, nobody need wait for.
    const isShared = policy !== undefined && policy.levels?.has(options.tier) !== false;
    return isShared && call.key !== undefined && isWell(options)
      ? share(call, call.key, next, options)
      : next(call);
  };
}

/** Redis that has just not answered a lookup is not asked again by the same call. */
function isWell({ stack, tier }: ShareOptions): boolean {
  return stack.isWell(tier);
}

async function share(call: Call, key: string, next: Next, options: ShareOptions): Promise<Reply> {
  const { flights, clock } = options;
  const waiter = flights.waiter(key);
  try {
    const until = clock.tick() + options.waitMs;
    const patience = new Patience(options, call.lookupFrom);
    let insists = false;
    for (;;) {
      if (patience.leftMs < leastMs) return await alone(call, next, 'slow', clock);
      const entrance: Entrance | undefined = await flights.enter(key, insists, patience.leftMs);
      if (call.cancellation.reason !== undefined) throw left(call, entrance);
      if (entrance === undefined) return await alone(call, next, 'unasked', clock);
      if ('lease' in entrance) return await lead(call, next, entrance.lease);
      if ('stored' in entrance) {
        const found = await freshAnswer(call, key, patience.leftMs, options);
        if (found !== undefined) return follow(call, found, options);
        insists = true;
        continue;
      }
      const leftMs = until - clock.tick();
      if (leftMs <= 0) return await alone(call, next, 'waited', clock);
      const ms = Math.min(leftMs, entrance.busyMs + marginMs, doubtMs);
      const landing = await waiter.wait(ms, call.cancellation);
      if (landing === 'unstored') return await alone(call, next, 'unstored', clock);
      insists = false;
      patience.renew();
    }
  } finally {
    waiter.done();
  }
}

/** Everybody who wanted this answer has left. */
function left(call: Call, entrance: Entrance | undefined): Error {
  if (entrance !== undefined && 'lease' in entrance) entrance.lease.release('free');
  return call.cancellation.reason!;
}

function alone(call: Call, next: Next, why: string, clock: Clock): Promise<Reply> {
  note(call, 'share', why, clock);
  return next(call);
}

async function lead(call: Call, next: Next, lease: Lease): Promise<Reply> {
  // An answer that may be stored is on its way to the tier before these come; the lease ends there then.
  const end = (): void => lease.release('unstored');
  const broken = (error: unknown): void => {
    const wasLeft = EconomizerError.from(error).kind === 'cancelled';
    lease.release(wasLeft ? 'free' : 'unstored');
  };
  let reply: Reply;
  try {
    reply = await next(call);
  } catch (error) {
    broken(error);
    throw error;
  }
  if (!isWhole(reply.body)) return { ...reply, body: tapped(reply.body, { end, broken }) };
  end();
  return reply;
}

async function freshAnswer(
  call: Call,
  key: string,
  limitMs: number,
  { stack, tier, choice, clock }: ShareOptions,
): Promise<Found | undefined> {
  const policy = choice.chosen(call);
  if (policy === undefined || limitMs < leastMs) return undefined;
  const access = accessOf(policy, call);
  const found = await stack.findIn(tier, key, { access, limitMs });
  if (found === undefined || !suitsForm(found.entry.answer, call)) return undefined;
  const verdict = judge(found.entry, call.directives, policy, clock.now());
  return verdict === 'fresh' ? found : undefined;
}

/** Serves what another gateway was answered, and books what that spared. */
function follow(call: Call, { entry }: Found, { clock, without }: ShareOptions): Reply {
  const { account } = call;
  const { answer } = entry;
  note(call, 'share', 'followed', clock);
  const isError = answer.status !== undefined;
  Object.assign(account, {
    outcome: isError ? 'provider-error' : 'ok',
    source: 'flight',
    status: answer.status,
    modelServed: answer.model,
    serviceTier: answer.serviceTier,
    usage: noUsage,
    usageSource: answer.usageSource,
    costNanos: 0,
    ...(isError ? {} : { savedBy: 'coalescing', without: without(call, entry) }),
    endedTick: clock.tick(),
  } satisfies Partial<typeof account>);
  return { ...renderAnswer(answer, call), cacheStatus: 'fwd=uri-miss; collapsed' };
}
