import { describe, expect, it } from 'vitest';
import type { AnswerFacts, RequestFacts } from '../exchange/dialect.ts';
import type { CacheDirectives } from '../exchange/directives.ts';
import {
  defaultCachePolicy as policy,
  mayReuse,
  unfitForStore,
  type CachePolicy,
  type FinishedAnswer,
} from './policy.ts';

const facts: RequestFacts = {
  model: 'm',
  stream: false,
  streamUsage: true,
  sampling: 'greedy',
  bound: undefined,
  agent: undefined,
  session: undefined,
  serviceTier: undefined,
};
const none = { lookup: false, store: false, join: false };
const all = { lookup: true, store: true, join: true };

describe('mayReuse', () => {
  const cases: [
    string,
    Partial<RequestFacts>,
    CacheDirectives,
    Partial<CachePolicy>,
    ReturnType<typeof mayReuse>,
  ][] = [
    ['greedy', {}, {}, {}, { ...all, reason: undefined }],
    ['seeded', { sampling: 'seeded' }, {}, {}, { ...all, reason: undefined }],
    ['unset', { sampling: 'unset' }, {}, {}, { ...all, reason: undefined }],
    ['sampled', { sampling: 'sampled' }, {}, {}, { ...none, reason: 'sampled' }],
    [
      'sampled, where the policy says so',
      { sampling: 'sampled' },
      {},
      { reuse: { sampled: true, unset: true } },
      { ...all, reason: undefined },
    ],
    [
      'unset, where the policy says no',
      { sampling: 'unset' },
      {},
      { reuse: { sampled: false, unset: false } },
      { ...none, reason: 'sampling-unset' },
    ],
    [
      'bound to state',
      { bound: 'previous-response' },
      {},
      {},
      { ...none, reason: 'previous-response' },
    ],
    ['switched off', {}, {}, { enabled: false }, { ...none, reason: 'disabled' }],
    ['no-store', {}, { noStore: true }, {}, { ...none, reason: 'no-store' }],
    ['no-cache', {}, { noCache: true }, {}, { ...none, store: true, reason: 'no-cache' }],
    [
      'no-cache and no-store',
      {},
      { noCache: true, noStore: true },
      {},
      { ...none, reason: 'no-store' },
    ],
    [
      'only-if-cached',
      {},
      { onlyIfCached: true },
      {},
      { ...none, lookup: true, reason: 'only-if-cached' },
    ],
    ['max-age=0', {}, { maxAge: 0 }, {}, { ...all, join: false, reason: 'max-age' }],
    ['max-age=9', {}, { maxAge: 9 }, {}, { ...all, reason: undefined }],
  ];
  it.each(cases)('%s', (_name, request, directives, settings, expected) => {
    expect(mayReuse({ ...facts, ...request }, directives, { ...policy, ...settings })).toEqual(
      expected,
    );
  });
});

describe('unfitForStore', () => {
  const answerFacts: AnswerFacts = {
    model: 'm',
    usage: undefined,
    serviceTier: undefined,
    unfit: undefined,
    outputText: '',
  };
  const answer: FinishedAnswer = { facts: answerFacts, status: 200, headers: [], size: 10 };

  it('finds nothing against a whole answer', () => {
    expect(unfitForStore(answer, policy)).toBeUndefined();
    const headers = ['Cache-Control', 'private, no-cache'];
    expect(unfitForStore({ ...answer, headers }, policy)).toBeUndefined();
    expect(unfitForStore({ ...answer, size: policy.maxAnswerBytes }, policy)).toBeUndefined();
  });

  it.each([201, 204, 301, 400, 429, 500, 529])('never keeps status %d', (status) => {
    expect(unfitForStore({ ...answer, status }, policy)).toBe(`status-${status}`);
  });

  it('never keeps what the dialect calls unfit, the provider forbids, or is too large', () => {
    const unfit = { ...answerFacts, unfit: 'filtered' };
    expect(unfitForStore({ ...answer, facts: unfit }, policy)).toBe('filtered');
    const headers = ['CACHE-CONTROL', 'private, No-Store'];
    expect(unfitForStore({ ...answer, headers }, policy)).toBe('upstream-no-store');
    const size = policy.maxAnswerBytes + 1;
    expect(unfitForStore({ ...answer, size }, policy)).toBe('too-large');
  });
});
