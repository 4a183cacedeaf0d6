import { beladyHits, nextUses } from '../../src/cache/eviction/trace/belady.ts';
import { Lru } from '../../src/cache/eviction/trace/lru.ts';
import { Ours } from '../../src/cache/eviction/trace/ours.ts';
import type { Bounds, SimulatedCache } from '../../src/cache/eviction/trace/simulated.ts';
import { Arc } from './policies/arc.ts';
import { Gdsf } from './policies/gdsf.ts';
import { Lfu } from './policies/lfu.ts';
import { S3Fifo } from './policies/s3-fifo.ts';
import { Sieve } from './policies/sieve.ts';
import { WTinyLfu } from './policies/w-tiny-lfu.ts';

type Policy = new (bounds: Bounds) => SimulatedCache;

/** By entries. The first is ours. */
export const policies: Readonly<Record<string, Policy>> = {
  ours: Ours,
  LRU: Lru,
  LFU: Lfu,
  SIEVE: Sieve,
  'S3-FIFO': S3Fifo,
  ARC: Arc,
  'W-TinyLFU': WTinyLfu,
};

/** By bytes. */
export const byBytes: Readonly<Record<string, Policy>> = { ours: Ours, LRU: Lru, GDSF: Gdsf };

/** Percent of the requests that each policy serves, and Belady's optimum. */
export function hitRatios(keys: Uint32Array, maxEntries: number): Record<string, number> {
  const ratios: Record<string, number> = {};
  for (const [name, Policy] of Object.entries(policies)) {
    const cache = new Policy({ maxEntries, maxBytes: Infinity });
    let hits = 0;
    for (const key of keys) if (cache.request(key, 1, 1)) hits++;
    ratios[name] = percent(hits, keys.length);
  }
  const dense = numbered(keys);
  const next = nextUses(dense.keys, dense.unique);
  ratios['Belady'] = percent(beladyHits(next, maxEntries), keys.length);
  return ratios;
}

/** What the keys of a trace weigh and save. */
export interface Weights {
  readonly bytes: (key: number) => number;
  readonly worth: (key: number) => number;
}

/** Percent of the worth of all requests that each policy saves in so many bytes. */
export function savings(
  keys: Uint32Array,
  maxBytes: number,
  { bytes, worth }: Weights,
): Record<string, number> {
  const ratios: Record<string, number> = {};
  for (const [name, Policy] of Object.entries(byBytes)) {
    const cache = new Policy({ maxEntries: Infinity, maxBytes });
    let saved = 0;
    let all = 0;
    for (const key of keys) {
      const value = worth(key);
      all += value;
      if (cache.request(key, bytes(key), value)) saved += value;
    }
    ratios[name] = percent(saved, all);
  }
  return ratios;
}

/** Keys as numbers from 0. */
export function numbered(keys: Uint32Array): { keys: Uint32Array; unique: number } {
  const numbers = new Map<number, number>();
  const dense = keys.map((key) => {
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    return number;
  });
  return { keys: dense, unique: numbers.size };
}

function percent(part: number, all: number): number {
  return Math.round((10_000 * part) / all) / 100;
}
