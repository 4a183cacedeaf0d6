import type { CacheDirectives } from '../exchange/directives.ts';
import type { CachePolicy } from './policy.ts';
import type { CacheEntry } from './tier.ts';

/**
 * What may be done with a stored answer: `fresh` serves as it stands; `stale-while-revalidate` serves while a new one is
 * fetched; `stale-if-error` serves only if the provider fails; `unusable` does not serve.
 */
export type Verdict = 'fresh' | 'stale-while-revalidate' | 'stale-if-error' | 'unusable';

/**
 * The times of an answer kept at `now` (milliseconds since the epoch) under a policy.
 * @param chance at least 0, less than 1: how much of the jitter it gets.
 */
export function lifetimes(
  policy: CachePolicy,
  now: number,
  chance = 0,
): Pick<CacheEntry, 'storedAt' | 'freshUntil' | 'staleUntil'> {
  const freshUntil = now + Math.round(policy.ttlMs * (1 - policy.jitter * chance));
  const grace = Math.max(policy.staleWhileRevalidateMs, policy.staleIfErrorMs);
  return { storedAt: now, freshUntil, staleUntil: freshUntil + grace };
}

/** Judges a stored answer by the caller's directives and the operator's policy as they stand now. */
export function judge(
  entry: CacheEntry,
  directives: CacheDirectives,
  policy: CachePolicy,
  now: number,
): Verdict {
  if (directives.noCache === true || directives.noStore === true || now >= entry.staleUntil) {
    return 'unusable';
  }
  const staleMs = now - endOfFreshness(entry, policy);
  if (!suitsCaller(entry, directives, now)) return standIn(staleMs, directives, policy);
  if (staleMs < 0) return 'fresh';
  if (directives.maxStale !== undefined) {
    return staleMs <= directives.maxStale * 1000 ? 'fresh' : standIn(staleMs, directives, policy);
  }
  // Who names an age wants nothing stale, unless he says how stale (RFC 9111 section 5.2.1.1).
  const insists = directives.maxAge !== undefined || directives.minFresh !== undefined;
  return staleMs < policy.staleWhileRevalidateMs && !insists
    ? 'stale-while-revalidate'
    : standIn(staleMs, directives, policy);
}

/** The policy of who stored an entry may have been another than that of who reads it: the shorter time holds. */
export function endOfFreshness(entry: CacheEntry, policy: CachePolicy): number {
  return Math.min(entry.freshUntil, entry.storedAt + policy.ttlMs);
}

/** The times of a refusal that is kept; it never stands in for anything. */
export function negativeLifetimes(
  policy: CachePolicy,
  now: number,
): Pick<CacheEntry, 'storedAt' | 'freshUntil' | 'staleUntil'> {
  const until = now + policy.negativeTtlMs;
  return { storedAt: now, freshUntil: until, staleUntil: until };
}

/** Whole seconds since the answer was kept, never negative though the wall clock may be set back. */
export function ageSeconds(entry: CacheEntry, now: number): number {
  return Math.max(0, Math.floor((now - entry.storedAt) / 1000));
}

function suitsCaller(entry: CacheEntry, directives: CacheDirectives, now: number): boolean {
  const { maxAge, minFresh } = directives;
  if (maxAge !== undefined && (maxAge === 0 || now - entry.storedAt > maxAge * 1000)) return false;
  return minFresh === undefined || entry.freshUntil - now >= minFresh * 1000;
}

function standIn(staleMs: number, directives: CacheDirectives, policy: CachePolicy): Verdict {
  const { staleIfError } = directives;
  const windowMs = staleIfError === undefined ? policy.staleIfErrorMs : staleIfError * 1000;
  return windowMs > 0 && staleMs <= windowMs ? 'stale-if-error' : 'unusable';
}
