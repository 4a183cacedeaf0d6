import { describe, expect, it } from 'vitest';
import { newCall, type Call } from '../../exchange/call.ts';
import { parseCacheControl } from '../cache-control.ts';
import { SimulatedClock } from '../../kernel/simulated-clock.ts';
import { defaultCachePolicy, type CachePolicy } from '../policy.ts';
import { sampleEntry } from '../sample-entry.ts';
import type { CacheEntry } from '../tier.ts';
import { EdgeNames } from './names.ts';
import { everyQuery, PublicAnswers, queriesOf } from './public-answers.ts';
import { edgeLabel } from './public.ts';

const clock = new SimulatedClock();
const names = new EdgeNames({ current: 'ours' });
const answers = new PublicAnswers({ names, clock });
const shared = (name: string, ...tenants: string[]) =>
  ({ kind: 'shared', name, tenants: new Set(tenants) }) as const;
const policy: CachePolicy = {
  ...defaultCachePolicy,
  edge: 'public',
  scope: shared('faq', 'acme', 'globex'),
};
const bare = sampleEntry({ key: 'k', now: clock.now(), ttlMs: 60_000, staleMs: 60_000 });
const entry: CacheEntry = { ...bare, tags: [...bare.tags!, edgeLabel('faq')] };

function call(changes: Partial<Call> = {}): Call {
  const made = newCall({
    id: 'c',
    provider: { name: 'openai', priceId: 'openai', asksStreamUsage: false },
    dialect: undefined,
    method: 'POST',
    path: '/chat/completions',
    headers: [],
    body: undefined,
    startedAt: clock.now(),
    startedTick: clock.tick(),
    caller: { tenant: 'acme', key: 'ann', agent: undefined, session: undefined, tags: [] },
  });
  return { ...made, ...changes };
}

describe('a stored answer', () => {
  it('may be kept for the time that it has left, under the names that it is purged by', () => {
    expect(answers.termsFor(call(), policy, entry)).toEqual({
      freshMs: 60_000,
      surrogateKeys: [
        names.surrogateKey('faq', everyQuery),
        names.surrogateKey('faq', queriesOf({ tenant: 'acme', id: 'ann' })),
        ...names.surrogateKeys(entry, 'faq'),
      ],
    });
    // The policy of who reads may be shorter than that of who stored it.
    expect(answers.termsFor(call(), { ...policy, ttlMs: 5000 }, entry)?.freshMs).toBe(5000);
    expect(answers.termsFor(call(), { ...policy, ttlMs: 999 }, entry)).toBeUndefined();
  });

  const { caller } = call();
  it.each<[string, Partial<Call>, Partial<CachePolicy>, Partial<CacheEntry>]>([
    ['a caller without a key', { caller: { ...caller, key: undefined } }, {}, {}],
    ['a tenant that does not share', { caller: { ...caller, tenant: 'initech' } }, {}, {}],
    ['a credential of its own', { credentialScope: 'x' }, {}, {}],
    ['directives', { directives: parseCacheControl('max-age=600') }, {}, {}],
    ['a budget that presses', { pressure: { level: 1, actions: new Set(), budget: 'b' } }, {}, {}],
    ['a warning', { warnings: ['loop'] }, {}, {}],
    ['a cheaper model', { askedModel: 'dear' }, {}, {}],
    ['a policy that is private now', {}, { edge: 'off' }, {}],
    ['a policy of one tenant', {}, { scope: { kind: 'tenant' } }, {}],
    ['a policy that shares under another name', {}, { scope: shared('docs', 'acme') }, {}],
    ['an answer that was kept as a private one', {}, {}, { tags: bare.tags! }],
    ['a refusal', {}, {}, { answer: { ...bare.answer, status: 404 } }],
    ['its last second', {}, {}, { freshUntil: clock.now() + 999 }],
  ])('may not with %s', (_, callChanges, policyChanges, entryChanges) => {
    const given = { ...entry, ...entryChanges };
    const terms = answers.termsFor(call(callChanges), { ...policy, ...policyChanges }, given);
    expect(terms).toBeUndefined();
  });
});
