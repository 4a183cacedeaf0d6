import { Signals } from '../../kernel/signals.ts';
import { seededRandom } from '../../kernel/random.ts';
import { SimulatedClock } from '../../kernel/simulated-clock.ts';
import { createMemoryPurges } from '../invalidation/memory-purges.ts';
import { PurgeWatch } from '../invalidation/purge-watch.ts';
import { defaultCachePolicy, type CachePolicy } from '../policy.ts';
import { CacheStack } from '../stack.ts';
import { createMemoryTier } from '../tiers/memory.ts';
import type { CacheTier } from '../tier.ts';
import { ToolCache, type ToolBooking } from './tool-cache.ts';
import { ToolWrites } from './touched.ts';
import { FunctionTools } from './wrap-function.ts';

/** Tools over a real stack in memory and a clock that stands still, for tests. */
export function toolHouse(policy: Partial<CachePolicy> = {}, tier?: CacheTier) {
  const clock = new SimulatedClock(Date.UTC(2026, 0, 1));
  const signals = new Signals();
  const notices: string[] = [];
  signals.on('notice', ({ text }) => notices.push(text));
  const purges = new PurgeWatch({ local: createMemoryPurges(), clock, signals });
  const memory = tier ?? createMemoryTier({ maxEntries: 1000, maxBytes: 1e8, clock });
  const stack = new CacheStack({ tiers: [memory], clock, signals, purges });
  const bookings: ToolBooking[] = [];
  const cache = new ToolCache({
    stack,
    purges,
    policy: { ...defaultCachePolicy, name: 'tool-results', ttlMs: 600_000, ...policy },
    secret: { current: 'secret' },
    clock,
    random: seededRandom(1),
    book: (booking) => bookings.push(booking),
  });
  const writes = new ToolWrites({ purges, clock, signals });
  const tools = new FunctionTools({ cache, writes, signals, ready: undefined });
  return { clock, signals, notices, purges, stack, bookings, cache, writes, tools };
}
