import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom, type Random } from '../../kernel/random.ts';
import { Lru } from './trace/lru.ts';
import { Ours } from './trace/ours.ts';

/** A stretch of requests: which key comes at its place `at`. `scale` is about the entries that matter. */
type Kind = (at: number, scale: number, random: Random) => number;

const kinds: Readonly<Record<string, Kind>> = {
  popular: (_, scale, random) => Math.floor(4 * scale * random.next() ** 4),
  uniform: (_, scale, random) => Math.floor(2 * scale * random.next()),
  drifting: (at, scale, random) => Math.floor(at / 3 + scale * (random.next() + random.next())),
  loop: (at, scale) => at % scale,
  twice: (at, scale) => Math.floor(at / 2) % scale,
  turning: (at, scale) => Math.min(at % (2 * scale), 2 * scale - (at % (2 * scale))),
  recent: (at, scale, random) =>
    at % 3 === 0 ? at : Math.max(0, at - (at % 3) - 3 * Math.floor((scale / 3) * random.next())),
  once: (at) => at,
};

/** Some kinds one after the other, over and over. */
function mixture(seed: number): { keys: number[]; maxEntries: number; name: string } {
  const random = seededRandom(seed);
  const drawn = (low: number, high: number) =>
    Math.round(low * Math.exp(random.next() * Math.log(high / low)));
  const maxEntries = drawn(10, 500);
  const names = Object.keys(kinds);
  const phases = Array.from({ length: 1 + Math.floor(4 * random.next()) }, (_, index) => ({
    kind: names[Math.floor(names.length * random.next())]!,
    scale: Math.max(2, Math.round(maxEntries * drawn(40, 300) * 0.01)),
    requests: maxEntries * drawn(1, 20),
    first: index * 1e7,
    at: 0,
  }));
  const length = maxEntries * drawn(20, 60);
  const keys: number[] = [];
  for (let turn = 0; keys.length < length; turn++) {
    const phase = phases[turn % phases.length]!;
    const until = phases.length === 1 ? length : keys.length + phase.requests;
    while (keys.length < Math.min(length, until)) {
      keys.push(phase.first + kinds[phase.kind]!(phase.at++, phase.scale, random));
    }
  }
  return { keys, maxEntries, name: phases.map(({ kind }) => kind).join(', ') };
}

/** Hits that LRU has more than we do. */
function hitsBehind(keys: readonly number[], maxEntries: number): number {
  const bounds = { maxEntries, maxBytes: Infinity };
  const [ours, lru] = [new Ours(bounds), new Lru(bounds)];
  let behind = 0;
  for (const key of keys) behind += Number(lru.request(key, 1)) - Number(ours.request(key, 1, 1));
  return behind;
}

describe('beside LRU', () => {
  it('is nowhere more than a point and one filling behind', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const { keys, maxEntries } = mixture(seed);
        expect(hitsBehind(keys, maxEntries)).toBeLessThanOrEqual(0.01 * keys.length + maxEntries);
      }),
      { numRuns: 60 },
    );
  });

  it('is hardly ever a point behind', () => {
    const behind: string[] = [];
    let sum = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const { keys, maxEntries, name } = mixture(seed);
      const points = (100 * hitsBehind(keys, maxEntries)) / keys.length;
      sum += points;
      expect(points).toBeLessThan(2);
      if (points > 1) behind.push(`${seed}: ${points.toFixed(1)} (${name})`);
    }
    // What is left: a cache full of requests that repeat nothing, and then the first ones that do all come at once.
    expect(behind.length, behind.join('; ')).toBeLessThanOrEqual(2);
    expect(sum / 200).toBeLessThan(-2);
  });

  it('is not a point behind where scans turn back', () => {
    const keys = Array.from({ length: 52_001 }, (_, at) => Math.min(at % 4000, 4000 - (at % 4000)));
    for (const maxEntries of [100, 250, 500, 600, 700, 800, 1000, 1250, 1500]) {
      expect(hitsBehind(keys, maxEntries)).toBeLessThan(0.01 * keys.length);
    }
  });

  it('keeps its part of a loop, once found, and lets it go for what LRU can serve', () => {
    const bounds = { maxEntries: 512, maxBytes: Infinity };
    const ours = new Ours(bounds);
    const hitsIn = (keys: number, first: number) => {
      let hits = 0;
      for (let key = 0; key < keys; key++) if (ours.request(first + key, 1, 1)) hits++;
      return hits;
    };
    for (let round = 0; round < 5; round++) hitsIn(1011, 0);
    expect(hitsIn(1011, 0)).toBeGreaterThan(505);
    for (let round = 0; round < 3; round++) hitsIn(500, 10_000);
    expect(hitsIn(500, 10_000)).toBeGreaterThan(490);
  });
});
