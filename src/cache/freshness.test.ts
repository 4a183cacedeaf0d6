import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CacheDirectives } from '../exchange/directives.ts';
import { ageSeconds, judge, lifetimes } from './freshness.ts';
import { defaultCachePolicy, type CachePolicy } from './policy.ts';
import { sampleEntry } from './sample-entry.ts';

const start = Date.UTC(2026, 0, 1);
const policy: CachePolicy = {
  ...defaultCachePolicy,
  ttlMs: 100_000,
  staleWhileRevalidateMs: 20_000,
  staleIfErrorMs: 60_000,
};
const entry = { ...sampleEntry({ key: 'k', now: start }), ...lifetimes(policy, start) };

function at(seconds: number, directives: CacheDirectives = {}, settings = policy) {
  return judge(entry, directives, settings, start + seconds * 1000);
}

describe('judge', () => {
  it('goes through the ages of an answer', () => {
    expect(at(0)).toBe('fresh');
    expect(at(99.999)).toBe('fresh');
    expect(at(100)).toBe('stale-while-revalidate');
    expect(at(119.999)).toBe('stale-while-revalidate');
    expect(at(120)).toBe('stale-if-error');
    expect(at(159.999)).toBe('stale-if-error');
    expect(at(160)).toBe('unusable');
  });

  it('serves nothing stale under the default policy', () => {
    const plain = { ...entry, ...lifetimes(defaultCachePolicy, start) };
    expect(plain.staleUntil).toBe(plain.freshUntil);
    expect(judge(plain, {}, defaultCachePolicy, plain.freshUntil - 1)).toBe('fresh');
    expect(judge(plain, {}, defaultCachePolicy, plain.freshUntil)).toBe('unusable');
  });

  it('heeds max-age and min-fresh, which also refuse what is stale', () => {
    expect(at(30, { maxAge: 30 })).toBe('fresh');
    expect(at(30.001, { maxAge: 30 })).toBe('stale-if-error');
    expect(at(0, { maxAge: 0 })).toBe('stale-if-error');
    expect(at(105, { maxAge: 1000 })).toBe('stale-if-error');
    expect(at(60, { minFresh: 40 })).toBe('fresh');
    expect(at(61, { minFresh: 40 })).toBe('stale-if-error');
    expect(at(61, { minFresh: 40 }, { ...policy, staleIfErrorMs: 0 })).toBe('unusable');
  });

  it('heeds max-stale, in both directions', () => {
    expect(at(110, { maxStale: 10 })).toBe('fresh');
    expect(at(111, { maxStale: 10 })).toBe('stale-if-error');
    expect(at(150, { maxStale: Infinity })).toBe('fresh');
    expect(at(110, { maxStale: 10, maxAge: 500 })).toBe('fresh');
    expect(at(160, { maxStale: Infinity })).toBe('unusable');
  });

  it('heeds stale-if-error, within the time that the answer is kept', () => {
    expect(at(125, { staleIfError: 10 })).toBe('unusable');
    expect(at(125, { staleIfError: 30 })).toBe('stale-if-error');
    expect(at(160, { staleIfError: 1000 })).toBe('unusable');
    expect(at(125, { staleIfError: 0 })).toBe('unusable');
  });

  it('serves nothing to who wants nothing stored', () => {
    expect(at(1, { noCache: true })).toBe('unusable');
    expect(at(1, { noStore: true })).toBe('unusable');
  });

  it('never gets better with time, whatever the caller asks', () => {
    const seconds = fc.option(fc.nat({ max: 200 }), { nil: undefined });
    const asked = fc.record({ maxAge: seconds, minFresh: seconds, maxStale: seconds });
    const ranks = ['fresh', 'stale-while-revalidate', 'stale-if-error', 'unusable'];
    fc.assert(
      fc.property(asked, fc.nat({ max: 200 }), fc.nat({ max: 200 }), (given, early, more) => {
        const stated = Object.entries(given).filter(([, value]) => value !== undefined);
        const directives = Object.fromEntries(stated) as CacheDirectives;
        const [before, after] = [at(early, directives), at(early + more, directives)];
        expect(ranks.indexOf(after)).toBeGreaterThanOrEqual(ranks.indexOf(before));
      }),
    );
  });
});

describe('ageSeconds', () => {
  it('counts whole seconds and is never negative', () => {
    expect(ageSeconds(entry, start + 2999)).toBe(2);
    expect(ageSeconds(entry, start - 5000)).toBe(0);
  });
});
