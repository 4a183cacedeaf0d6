import { seededRandom } from '../kernel/random.ts';
import type { CacheEntry } from './tier.ts';

export interface SampleOptions {
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Size of the final message; 1000 where not given. */
  readonly bytes?: number;
  /** Size of the frames; none where not given. */
  readonly framesBytes?: number;
  readonly ttlMs?: number;
  /** How long the entry is kept past its freshness. */
  readonly staleMs?: number;
  /** Answers of different seeds differ, and those of the same are equal. */
  readonly seed?: number;
}

/** A made-up entry, for tests of tiers. */
export function sampleEntry(options: SampleOptions): CacheEntry {
  const { key, now, bytes = 1000, framesBytes, ttlMs = 3_600_000, staleMs = 0, seed = 1 } = options;
  return {
    key,
    storedAt: now,
    freshUntil: now + ttlMs,
    staleUntil: now + ttlMs + staleMs,
    tags: ['tenant:sample', 'model:claude-sample-1', 'tag:naïve'],
    worthNanos: 1_250_000 + seed,
    epoch: now - 1000,
    answer: {
      dialect: 'anthropic-messages',
      model: 'claude-sample-1',
      serviceTier: 'standard',
      final: noise(bytes, seed),
      frames: framesBytes === undefined ? undefined : noise(framesBytes, seed + 1),
      headers: ['content-type', 'application/json', 'x-naïve', 'é, ü'],
      usage: {
        fresh: 120,
        cacheRead: 2 ** 40,
        cacheWrite5m: 0,
        cacheWrite1h: 0,
        output: 33,
        reasoning: 0,
        audioInput: 0,
        audioOutput: 0,
        webSearches: 1,
      },
      usageSource: 'provider',
      firstByteMs: 210.5,
      totalMs: 1830.25,
    },
  };
}

function noise(length: number, seed: number): Uint8Array {
  const random = seededRandom(seed);
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) bytes[index] = random.next() * 256;
  return bytes;
}
