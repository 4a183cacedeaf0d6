import { expect } from 'vitest';
import { sampleEntry, type SampleOptions } from '../../src/cache/sample-entry.ts';
import type { CacheEntry, CacheTier } from '../../src/cache/tier.ts';
import { placeOf } from '../../src/cache/tiers/redis-place.ts';
import { createRedisTier } from '../../src/cache/tiers/redis.ts';
import { Signals } from '../../src/kernel/signals.ts';
import { SimulatedClock } from '../../src/kernel/simulated-clock.ts';
import { connectRedis } from '../../src/services/redis-client.ts';
import type { RedisLink, RedisLinkOptions } from '../../src/services/redis.ts';

/** None of the tests that use it is about how quick a machine is. */
export const patientMs = 30_000;
export const prefix = 'economizer:';

/** A link that stands. */
export async function linkTo(options: RedisLinkOptions): Promise<RedisLink> {
  const link = connectRedis(options);
  while (!link.connected) await new Promise((resolve) => setTimeout(resolve, 5));
  return link;
}

/** A link that does as another, but for some things. */
export function altered(link: RedisLink, changes: Partial<RedisLink>): RedisLink {
  return {
    connected: true,
    waitedMs: 0,
    send: (...args) => link.send(...args),
    script: (...args) => link.script(...args),
    subscribe: (...args) => link.subscribe(...args),
    close: () => link.close(),
    ...changes,
  };
}

export interface TierOverRedis {
  readonly tier: CacheTier;
  readonly clock: SimulatedClock;
  /** What failed, as it was told. */
  readonly told: readonly string[];
  /** All with the same answer, unless a seed or a size says another. */
  readonly entry: (key: string, more?: Partial<SampleOptions & CacheEntry>) => CacheEntry;
  readonly setAll: (keys: readonly string[], more?: Partial<SampleOptions>) => Promise<void>;
}

export function tierOver(
  link: RedisLink,
  { clock = new SimulatedClock(), lookupMs = patientMs } = {},
): TierOverRedis {
  const signals = new Signals();
  const told: string[] = [];
  signals.on('part-failed', ({ operation, error }) => told.push(`${operation}: ${String(error)}`));
  const limits = { maxEntryBytes: 100_000, lookupMs, storeMs: patientMs };
  const secret = { current: 'secret' };
  const tier = createRedisTier({ link, prefix, secret, ...limits, clock, signals });
  const entry: TierOverRedis['entry'] = (key, more = {}) => ({
    ...sampleEntry({ bytes: 10_000, ...more, key, now: clock.now() }),
    ...(more.alone === true ? { alone: true } : {}),
    ...(more.tags === undefined ? {} : { tags: more.tags }),
  });
  return {
    tier,
    clock,
    told,
    entry,
    async setAll(keys, more) {
      for (const key of keys) await tier.set(entry(key, more));
      await tier.flush();
    },
  };
}

/** @throws where the tier does not give this answer. */
export async function expectFound(tier: CacheTier, expected: CacheEntry): Promise<void> {
  const found = await tier.get(expected.key);
  expect(found?.key).toBe(expected.key);
  expect(Buffer.compare(found!.answer.final, expected.answer.final)).toBe(0);
}

/** The names of what the tier keeps: bodies, marks, who bears a body; `?`: of everything. */
export async function names(link: RedisLink, kinds = '[bmr]'): Promise<string[]> {
  const found = await link.send(['KEYS', `${prefix}${kinds}1:*`], patientMs);
  return (found as Buffer[]).map(String).toSorted();
}

/** Bytes of what lies under a key; 0: nothing. */
export async function sizeOf(link: RedisLink, key: string): Promise<number> {
  return Number(await link.send(['STRLEN', placeOf(prefix, key)], patientMs));
}
