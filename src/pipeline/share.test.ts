import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Entrance } from '../cache/shared-flights.ts';
import type { CacheStack } from '../cache/stack.ts';
import type { Call } from '../exchange/call.ts';
import type { Reply } from '../exchange/reply.ts';
import { noUsage } from '../exchange/usage.ts';
import { Cancellation } from '../kernel/cancellation.ts';
import { SimulatedClock } from '../kernel/simulated-clock.ts';
import type { PolicyChoice } from './policy-choice.ts';
import { createShare } from './share.ts';

const patienceMs = 20;

/** A Redis that takes so long for each question in turn, and says each time that an answer is stored which then does not serve. */
function slowRedis(times: readonly number[]) {
  let waitedMs = 0;
  let questions = 0;
  /** False where it comes too late. */
  const ask = (limitMs: number): boolean => {
    const takes = times[questions++] ?? 0;
    waitedMs += Math.min(takes, limitMs);
    return takes <= limitMs;
  };
  const entrance = (limitMs: number): Entrance | undefined =>
    ask(limitMs) ? { stored: true } : undefined;
  return {
    ask,
    flights: {
      get waitedMs() {
        return waitedMs;
      },
      waiter: () => ({ done: () => {} }) as never,
      enter: (_key: string, _insists: boolean, limitMs: number) =>
        Promise.resolve(questions > 6 ? undefined : entrance(limitMs)),
    },
  };
}

it('all that Redis is asked for one call takes no longer than one lookup may', async () => {
  const times = fc.array(fc.double({ min: 0, max: 40, noNaN: true }), { maxLength: 8 });
  const property = fc.asyncProperty(times, async (given) => {
    const redis = slowRedis(given);
    const from = redis.flights.waitedMs;
    redis.ask(patienceMs); // the lookup of `recall`
    const reply = {} as Reply;
    const stack = {
      isWell: () => true,
      findIn: (_name: string, _key: string, { limitMs }: { limitMs: number }) => {
        redis.ask(limitMs);
        return Promise.resolve(undefined);
      },
    };
    const share = createShare({
      flights: redis.flights,
      tier: 'l2',
      patienceMs,
      waitMs: 1000,
      stack: stack as unknown as CacheStack,
      choice: { chosen: () => ({ scope: { kind: 'tenant' } }) } as unknown as PolicyChoice,
      clock: new SimulatedClock(),
      without: () => ({ usage: noUsage, costNanos: 0, totalMs: 0, basis: 'measured' }),
    });
    const call = {
      key: 'k',
      lookupFrom: from,
      reuse: { join: true, store: true },
      cancellation: new Cancellation(),
      caller: { tenant: 't' },
      trail: [],
    };
    const given2 = await share(call as unknown as Call, () => Promise.resolve(reply));
    expect(given2).toBe(reply);
    expect(redis.flights.waitedMs - from).toBeLessThanOrEqual(patienceMs + 1e-9);
  });
  await fc.assert(property);
});
