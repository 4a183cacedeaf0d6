import { describe, expect, it } from 'vitest';
import { digestOf } from '../../kernel/digest.ts';
import type { EconomizerError } from '../../kernel/errors.ts';
import { Signals } from '../../kernel/signals.ts';
import { SimulatedClock } from '../../kernel/simulated-clock.ts';
import type { EdgeRequest, EdgeResponse } from '../edge/http.ts';
import { EdgeNames } from '../edge/names.ts';
import { EdgeOrigin, edgePlace } from '../edge/origin.ts';
import { edgeLabel } from '../edge/public.ts';
import { readTierConformance } from '../read-conformance.ts';
import { sampleEntry, type SampleOptions } from '../sample-entry.ts';
import { CacheStack } from '../stack.ts';
import type { CacheEntry } from '../tier.ts';
import { createEdgeTier } from './edge.ts';
import { createMemoryTier } from './memory.ts';
import { Sealer } from './sealed-value.ts';

const key = digestOf('a question');

/** A tier that reads through an edge from the gateway behind it. */
function stage({ secret = 'ours', clock = new SimulatedClock() } = {}) {
  const signals = new Signals();
  const memory = createMemoryTier({ maxEntries: 100, maxBytes: 10_000_000, clock });
  const stack = new CacheStack({ tiers: [memory], clock, signals });
  const names = new EdgeNames({ current: 'ours' });
  const levels = new Set(['l1']);
  const origin = new EdgeOrigin({ stack, names, secret: { current: 'ours' }, levels, clock });
  const asked: EdgeRequest[] = [];
  const told: string[] = [];
  signals.on('part-failed', ({ error }) => told.push((error as EconomizerError).code));
  const state: { answer: Partial<EdgeResponse> | undefined; isBehind: boolean } = {
    answer: undefined,
    isBehind: false,
  };
  const tier = createEdgeTier({
    url: 'http://edge/',
    http: {
      async request(request) {
        asked.push(request);
        const found = await origin.find(request.url.slice('http://edge/'.length));
        const given = found
          ? { status: 200, body: found.body }
          : { status: 404, body: Buffer.alloc(0) };
        return { retryAfterMs: undefined, ...given, ...state.answer };
      },
    },
    names,
    secret: { current: secret },
    maxEntryBytes: 200_000,
    lookupMs: 20,
    isBehind: () => state.isBehind,
    clock,
    signals,
  });
  const entry = (options: Partial<SampleOptions> = {}): CacheEntry => {
    const bare = sampleEntry({ key, now: clock.now(), ...options });
    return { ...bare, tags: [...bare.tags!, edgeLabel('faq')] };
  };
  return { clock, memory, tier, asked, told, state, entry };
}

describe('the tier at the edge', () => {
  const conformance = readTierConformance({
    name: 'edge',
    create(clock) {
      const { tier, memory, told } = stage({ clock });
      return {
        tier,
        put(entry) {
          const shared = { ...entry, tags: [...entry.tags!, edgeLabel('faq')] };
          memory.set(shared);
          return shared;
        },
        dispose: () => expect(told).toEqual([]),
      };
    },
  });
  for (const { name, run } of conformance) it(name, run);

  it('has nothing where the gateway has nothing, or nothing that is fresh', async () => {
    const { clock, memory, tier, entry, told } = stage();
    expect(await tier.get(key)).toBeUndefined();
    memory.set(entry({ ttlMs: 60_000, staleMs: 600_000 }));
    clock.advance(60_000);
    expect(await tier.get(key)).toBeUndefined();
    expect(told).toEqual([]);
  });

  it('gives nothing that is private, and no refusal', async () => {
    const { clock, memory, tier, entry } = stage();
    memory.set(sampleEntry({ key, now: clock.now() }));
    expect(await tier.get(key)).toBeUndefined();
    const { answer, ...rest } = entry();
    memory.set({ ...rest, answer: { ...answer, status: 404 } });
    expect(await tier.get(key)).toBeUndefined();
  });

  it.each<[string, (real: Buffer) => Buffer]>([
    ['another program wrote', () => Buffer.from('<html>not found</html>')],
    ['was cut off', (real) => real.subarray(0, -1)],
    ['was changed', (real) => Buffer.concat([real.subarray(0, -1), Buffer.from([7])])],
    ['is empty', () => Buffer.alloc(0)],
  ])('passes over what %s, and says so', async (_what, change) => {
    const { clock, tier, state, told } = stage();
    const real = await new Sealer('ours').seal(
      edgePlace(key),
      sampleEntry({ key, now: clock.now() }),
    );
    state.answer = { status: 200, body: change(real) };
    expect(await tier.get(key)).toBeUndefined();
    expect(told).toEqual(['ECO_CACHE_VALUE']);
  });

  it('passes over what was sealed for another question, by another house, or as private', async () => {
    const { clock, tier, state, told } = stage();
    const other = digestOf('another question');
    const entry = sampleEntry({ key, now: clock.now() });
    const open = { ...entry, tags: [edgeLabel('faq')] };
    const ours = new Sealer('ours');
    const bodies = [
      await ours.seal(edgePlace(other), { ...open, key: other }),
      await new Sealer('theirs').seal(edgePlace(key), open),
      await ours.seal(edgePlace(key), entry),
      await ours.seal(`economizer:${key}`, open),
    ];
    for (const body of bodies) {
      state.answer = { status: 200, body };
      expect(await tier.get(key)).toBeUndefined();
    }
    expect(told).toHaveLength(bodies.length);
    state.answer = { status: 200, body: await ours.seal(edgePlace(key), open) };
    expect(await tier.get(key)).toBeDefined();
  });

  it('gives nothing past its time, whatever the edge kept', async () => {
    const { clock, tier, state, entry } = stage();
    const body = await new Sealer('ours').seal(edgePlace(key), entry({ ttlMs: 1000 }));
    state.answer = { status: 200, body };
    expect(await tier.get(key)).toBeDefined();
    clock.advance(1000);
    expect(await tier.get(key)).toBeUndefined();
  });

  it.each([301, 403, 500, 503])('counts status %i as its failure', async (status) => {
    const { tier, state } = stage();
    state.answer = { status };
    await expect(tier.get(key)).rejects.toMatchObject({ code: 'ECO_EDGE' });
  });

  it('is not asked while it has not heard of a purge', async () => {
    const { memory, tier, state, asked, entry } = stage();
    memory.set(entry());
    state.isBehind = true;
    expect(await tier.get(key)).toBeUndefined();
    expect(asked).toEqual([]);
    state.isBehind = false;
    expect(await tier.get(key)).toBeDefined();
  });

  it('asks by a name that only our secret makes', async () => {
    const { tier, asked } = stage();
    await tier.get(key);
    const names = new EdgeNames({ current: 'ours' });
    const id = asked[0]!.url.slice('http://edge/'.length);
    expect(names.keyOf(id)).toBe(key);
    expect(new EdgeNames({ current: 'theirs' }).keyOf(id)).toBeUndefined();
    for (const wrong of ['', key, `${id}x`, id.replace('.', '_'), `${key}.${'A'.repeat(24)}`]) {
      expect(names.keyOf(wrong)).toBeUndefined();
    }
  });
});
