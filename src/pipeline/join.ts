import type { PurgeView } from '../cache/invalidation/purge-watch.ts';
import type { Call } from '../exchange/call.ts';
import { isWhole, type Reply } from '../exchange/reply.ts';
import { noUsage } from '../exchange/usage.ts';
import { Cancellation } from '../kernel/cancellation.ts';
import type { Clock } from '../kernel/clock.ts';
import { EconomizerError } from '../kernel/errors.ts';
import { Broadcast } from './broadcast.ts';
import { partOf } from './budget-notice.ts';
import { note } from './note.ts';
import type { WithoutUs } from './recall.ts';
import type { Next, Stage } from './stage.ts';
import { tapped } from './tap.ts';

/** One upstream call and everybody who waits for it. */
interface Flight {
  readonly leader: Call;
  readonly cancellation: Cancellation;
  readonly reply: Promise<Reply>;
  readonly landed: Promise<void>;
  /** What was purged before it took off. */
  readonly epoch: number;
  broadcast: Broadcast | undefined;
  aboard: number;
}

interface JoinOptions {
  /** Undefined: nothing is ever purged. */
  readonly purges?: PurgeView | undefined;
  readonly clock: Clock;
  readonly without: WithoutUs;
}

/**
 * Identical calls share one flight. The upstream call belongs to the flight, not to the caller who began it: whoever leaves, it goes on
 * for the others, and is cancelled when nobody is left. Only calls whose answers may be reused share; see `recall`.
 */
export function createJoin({ clock, without, purges }: JoinOptions): Stage {
  const flights = new Map<string, Flight>();

  return async (call, next) => {
    if (call.key === undefined || !call.reuse.join) return next(call);
    // A plain and a streaming caller of the same question want different forms; each form has its flight.
    const name = call.facts?.stream === true ? `${call.key}+stream` : call.key;
    const known = flights.get(name);
    if (known !== undefined && (known.broadcast?.joinable ?? true) && !isPurged(known, call)) {
      note(call, 'join', 'joined', clock);
      // Whatever becomes of the flight, its leader pays.
      Object.assign(call.account, { source: 'flight', usage: noUsage, costNanos: 0 });
      try {
        return await board(call, known, (reply) =>
          asFollower({ call, flight: known, reply }, { clock, without }),
        );
      } catch (error) {
        if (EconomizerError.from(error).kind !== 'quota') throw error;
        // The leader's budget is not this caller's.
        Object.assign(call.account, { source: 'none', usage: undefined, costNanos: undefined });
        return next(call);
      }
    }
    const flight = takeOff(call, next, purges?.version() ?? 0, () => {
      if (flights.get(name) === flight) flights.delete(name);
    });
    flights.set(name, flight);
    call.afterFlight = flight.landed;
    return board(call, flight, (reply) => reply);
  };

  /** Who asks after a purge does not want what was asked for before; whether it means this very answer is not known before it has come. */
  function isPurged({ epoch, leader }: Flight, { caller }: Call): boolean {
    if (purges === undefined) return false;
    const { tenant } = leader.caller;
    const others = tenant === caller.tenant ? 0 : purges.versionFor(tenant);
    return Math.max(purges.versionFor(caller.tenant), others) > epoch;
  }
}

function takeOff(leader: Call, next: Next, epoch: number, onLanded: () => void): Flight {
  const cancellation = new Cancellation();
  let land = (): void => {};
  const landed = new Promise<void>((resolve) => {
    land = () => {
      onLanded();
      resolve();
    };
  });
  const flight: Flight = {
    leader,
    cancellation,
    reply: fly(),
    landed,
    epoch,
    broadcast: undefined,
    aboard: 0,
  };
  return flight;

  async function fly(): Promise<Reply> {
    try {
      // The copy shares account and trail with its leader, who pays; what it learns of the answer comes back with them.
      const own = { ...leader, cancellation };
      const reply = await next(own);
      if (isWhole(reply.body)) {
        land();
        return reply;
      }
      const over = tapped(reply.body, { end: land, broken: land });
      flight.broadcast = new Broadcast(over);
      return reply;
    } catch (error) {
      land();
      throw error;
    }
  }
}

/** Takes a seat: the flight's reply, or the caller's own failure if it leaves before. */
function board(call: Call, flight: Flight, shape: (reply: Reply) => Reply): Promise<Reply> {
  flight.aboard++;
  return new Promise((resolve, reject) => {
    const leave = (reason: Error): void => {
      if (--flight.aboard === 0) flight.cancellation.cancel(reason);
    };
    const unsubscribe = call.cancellation.onCancel((reason) => {
      leave(reason);
      reject(reason);
    });
    flight.reply.then(
      (reply) => {
        unsubscribe();
        if (call.cancellation.reason !== undefined) return;
        const { broadcast } = flight;
        if (broadcast === undefined) resolve(shape(reply));
        else resolve(shape({ ...reply, body: seat(call, broadcast) }));
      },
      (error: unknown) => {
        unsubscribe();
        reject(EconomizerError.from(error));
      },
    );
  });
}

function seat(call: Call, broadcast: Broadcast): Reply['body'] {
  let unsubscribe = (): void => {};
  const reader = broadcast.reader(() => unsubscribe());
  unsubscribe = call.cancellation.onCancel((reason) => reader.abort(reason));
  return reader;
}

/** Books to a follower what it was spared. */
function asFollower(
  { call, flight, reply }: { call: Call; flight: Flight; reply: Reply },
  { clock, without }: JoinOptions,
): Reply {
  const finish = (): void => {
    const { account } = call;
    const led = flight.leader.account;
    Object.assign(account, {
      outcome: led.outcome,
      status: led.status,
      modelServed: led.modelServed,
      serviceTier: led.serviceTier,
      usageSource: led.usageSource,
      endedTick: clock.tick(),
    } satisfies Partial<typeof account>);
    if (led.outcome !== 'ok' || led.usage === undefined) return;
    account.savedBy = 'coalescing';
    account.without = spared(call, flight.leader, without);
  };
  const outputCap = flight.leader.account.budget?.outputCap;
  if (outputCap !== undefined) partOf(call).outputCap = outputCap;
  const collapsed = { ...reply, cacheStatus: 'fwd=uri-miss; collapsed' };
  if (isWhole(reply.body)) {
    finish();
    return collapsed;
  }
  return { ...collapsed, body: tapped(reply.body, { end: finish }) };
}

/** What the follower's own call would have cost. Once the provider had begun to answer the leader, it would have had the prefix hot. */
function spared(call: Call, leader: Call, without: WithoutUs): Call['account']['without'] {
  // The leader itself followed a call at another gateway.
  if (leader.account.source === 'flight') return leader.account.without;
  const { usage, costNanos, usageSource, endedTick, firstByteTick, ...led } = leader.account;
  if (usage === undefined) return undefined;
  const totalMs = endedTick === undefined ? undefined : endedTick - leader.startedTick;
  if (firstByteTick !== undefined && call.startedTick > firstByteTick) {
    const storedAt = leader.startedAt + (firstByteTick - leader.startedTick);
    const { modelServed: model, serviceTier } = led;
    const answer = { model, serviceTier, usage, usageSource, totalMs: totalMs ?? 0 };
    return without(call, { key: call.key!, storedAt, answer });
  }
  const basis = usageSource === 'provider' ? 'measured' : 'estimated';
  return { usage, costNanos, totalMs, basis };
}
