import { expect, test } from 'vitest';
import { asksToCacheMore, easing } from './eased-policy.ts';
import { defaultCachePolicy } from './policy.ts';

const hour = 3_600_000;

test('times are longer, and what the operator does not allow stays as it was', () => {
  const ease = easing({ ttlFactor: 4, staleMs: hour, sampled: false });
  expect(ease(defaultCachePolicy)).toEqual({
    ...defaultCachePolicy,
    ttlMs: 4 * hour,
    staleWhileRevalidateMs: hour,
    staleIfErrorMs: hour,
  });
});

test('sampled answers are reused where that is allowed, and a longer time of the policy is kept', () => {
  const ease = easing({ ttlFactor: 1, staleMs: hour, sampled: true });
  const policy = { ...defaultCachePolicy, staleIfErrorMs: 5 * hour };
  expect(ease(policy)).toMatchObject({
    reuse: { sampled: true, unset: true },
    staleIfErrorMs: 5 * hour,
  });
});

test('the same policy is eased once', () => {
  const ease = easing({ ttlFactor: 4, staleMs: hour, sampled: false });
  expect(ease(defaultCachePolicy)).toBe(ease(defaultCachePolicy));
});

test('only where a budget asks', () => {
  const actions = new Set(['cache-more', 'defer'] as const);
  expect(asksToCacheMore({ level: 2, actions, budget: 'daily' })).toBe(true);
  expect(asksToCacheMore({ level: 2, actions: new Set(['defer']), budget: 'daily' })).toBe(false);
  expect(asksToCacheMore(undefined)).toBe(false);
});
