import { describe, expect, test } from 'vitest';
import { kinOf } from './kinship.ts';
import { estimateSaving, type EstimateOptions, type PastCall } from './savings.ts';

const hour = 3_600_000;
const now = Date.UTC(2026, 0, 8);
const options: EstimateOptions = {
  essential: kinOf({ teams: [], keys: [], agents: ['support'], tags: [] }),
  cheaper: (_provider, model) => (model === 'dear' ? 'cheap' : undefined),
  cheaperForEssential: false,
  ttlMs: hour,
  ttlFactor: 4,
  now,
  isSample: false,
};

function call(hoursAgo: number, given: Partial<PastCall> = {}): PastCall {
  return {
    tenant: 'acme',
    team: undefined,
    key: undefined,
    agent: 'crawler',
    session: undefined,
    tags: [],
    at: now - hoursAgo * hour,
    provider: 'openai',
    model: 'dear',
    wasSent: true,
    cost: 1000,
    costOn: (model) => (model === 'cheap' ? 100 : undefined),
    likeness: undefined,
    ...given,
  };
}

describe('what the emergency switch would save', () => {
  test('a day: the spend of agents that are not essential, and what cheaper models would', () => {
    const calls = [call(1), call(2, { agent: 'support' }), call(24), call(48)];
    expect(estimateSaving(calls, options)).toMatchObject({
      days: 2,
      calls: 4,
      spend: 2000,
      shutdown: 1500,
      cheaperModels: 1350,
    });
  });

  test('of essential calls too where they get cheaper models', () => {
    const calls = [call(1, { agent: 'support' })];
    expect(estimateSaving(calls, options).cheaperModels).toBe(0);
    const all = { ...options, cheaperForEssential: true };
    expect(estimateSaving(calls, all).cheaperModels).toBe(900);
  });

  test('answers that came too late for the cache count as longer caching, those beyond its reach do not', () => {
    const like = { likeness: 'x' };
    const calls = [call(1, like), call(1.5, like), call(4, like), call(20, like)];
    // 1.5 h after 4 h is late by more than the hour and within four; 1 h after 1.5 h was a hit already; 4 h after 20 h is too long ago.
    expect(estimateSaving(calls, options).cacheMoreAtMost).toBe(1000);
  });

  test('what was not sent, and what has no price, saves nothing', () => {
    const calls = [call(1, { wasSent: false }), call(2, { cost: undefined })];
    expect(estimateSaving(calls, options)).toMatchObject({ spend: 0, shutdown: 0 });
  });

  test('no calls: nothing is claimed', () => {
    expect(estimateSaving([], options)).toMatchObject({ calls: 0, spend: 0 });
  });

  test('a few hours are not stretched to a day', () => {
    expect(estimateSaving([call(1), call(3)], options)).toMatchObject({ days: 1, spend: 2000 });
  });
});
