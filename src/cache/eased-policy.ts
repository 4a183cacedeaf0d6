import type { Pressure } from '../exchange/call.ts';
import type { CachePolicy } from './policy.ts';

/** How far the cache goes when a budget asks it to save more. */
export interface CacheEase {
  /** Answers are kept and served so many times as long; at least 1. */
  readonly ttlFactor: number;
  /** So long after its time an answer still serves, marked as stale and without asking the provider again, in milliseconds. */
  readonly staleMs: number;
  /** Answers drawn at a temperature above 0 are reused too. */
  readonly sampled: boolean;
}

/**
 * The policy under pressure: longer times, stale answers, sampled answers, as far as the operator allows each. What the policy forbids altogether stays
 * forbidden, and so does what cannot be reused soundly. The same object for the same policy, so that a call makes none.
 */
export function easing(ease: CacheEase): (policy: CachePolicy) => CachePolicy {
  const eased = new WeakMap<CachePolicy, CachePolicy>();
  return (policy) => {
    let found = eased.get(policy);
    if (found === undefined) {
      found = easedPolicy(policy, ease);
      eased.set(policy, found);
    }
    return found;
  };
}

/** True where a call's budgets ask to cache more. */
export function asksToCacheMore(pressure: Pressure | undefined): boolean {
  return pressure?.actions.has('cache-more') === true;
}

function easedPolicy(policy: CachePolicy, { ttlFactor, staleMs, sampled }: CacheEase): CachePolicy {
  return {
    ...policy,
    ttlMs: policy.ttlMs * ttlFactor,
    staleWhileRevalidateMs: Math.max(policy.staleWhileRevalidateMs, staleMs),
    staleIfErrorMs: Math.max(policy.staleIfErrorMs, staleMs),
    reuse: { ...policy.reuse, sampled: policy.reuse.sampled || sampled },
  };
}
