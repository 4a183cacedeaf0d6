import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { hasRedis, startRedis, type RedisServer } from '../../../test/services/redis-server.ts';
import { Signals } from '../../kernel/signals.ts';
import { SimulatedClock } from '../../kernel/simulated-clock.ts';
import { connectRedis } from '../../services/redis-client.ts';
import type { RedisLink } from '../../services/redis.ts';
import { cacheTierConformance } from '../conformance.ts';
import { sampleEntry } from '../sample-entry.ts';
import type { CacheTier } from '../tier.ts';
import { placeOf } from './redis-place.ts';
import { createRedisTier } from './redis.ts';

/** A link that stands. */
async function linkTo(url: string): Promise<RedisLink> {
  let up = (): void => {};
  const stands = new Promise<void>((resolve) => (up = resolve));
  const link = connectRedis({ url, onState: ({ connected }) => connected && up() });
  await stands;
  return link;
}

describe.skipIf(!hasRedis)('the Redis tier', () => {
  let server: RedisServer;
  let link: RedisLink;
  beforeAll(async () => {
    server = await startRedis(['--maxmemory', '4mb', '--maxmemory-policy', 'allkeys-lru']);
    link = await linkTo(server.url);
  });
  afterAll(async () => {
    await link.close();
    await server.stop();
  });

  const cases = cacheTierConformance({
    name: 'redis',
    async create({ clock, maxBytes }) {
      await link.send(['FLUSHALL'], 1000);
      const open = (): CacheTier =>
        createRedisTier({
          link,
          prefix: 'economizer:',
          secret: { current: 'secret' },
          maxEntryBytes: maxBytes / 8,
          lookupMs: 1000,
          storeMs: 1000,
          clock,
          signals: new Signals(),
        });
      return { tier: open(), reopen: open };
    },
  });
  for (const { name, run } of cases) test(name, run);

  function setUp(secret = 'secret') {
    const clock = new SimulatedClock();
    const signals = new Signals();
    const told: string[] = [];
    signals.on('part-failed', ({ error }) => told.push((error as Error).message));
    const tier = createRedisTier({
      link,
      prefix: 'economizer:',
      secret: { current: secret },
      maxEntryBytes: 100_000,
      lookupMs: 1000,
      storeMs: 1000,
      clock,
      signals,
    });
    const entry = (key: string, bytes = 1000) => sampleEntry({ key, now: clock.now(), bytes });
    return { clock, tier, told, entry };
  }
  const place = placeOf('economizer:', 'k');
  const raw = async (): Promise<Buffer> => (await link.send(['GET', place], 1000)) as Buffer;

  it.each<[string, (value: Buffer) => Promise<unknown>, RegExp]>([
    ['of another program', () => link.send(['SET', place, 'hello'], 1000), /is foreign/],
    ['that is no text', () => link.send(['HSET', place, 'a', 'b'], 1000), /is foreign/],
    ['cut short', (v) => link.send(['SET', place, v.subarray(0, -1)], 1000), /is foreign/],
    ['cut to nothing much', (v) => link.send(['SET', place, v.subarray(0, 9)], 1000), /is foreign/],
    ['with one bit changed', (v) => link.send(['SET', place, flipped(v, -5)], 1000), /is foreign/],
    ['of another version', (v) => link.send(['SET', place, flipped(v, 3)], 1000), /is foreign/],
    ['too large', () => link.send(['SET', place, Buffer.alloc(300_000)], 1000), /is too large/],
  ])('takes a value %s as a miss and tells, then keeps the next', async (_name, spoil, message) => {
    const { tier, told, entry } = setUp();
    await tier.set(entry('k'));
    const value = await raw();
    await link.send(['DEL', place], 1000);
    await spoil(value);
    expect(await tier.get('k')).toBeUndefined();
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(message);
    await tier.set(entry('k', 20_000));
    expect(await tier.get('k')).toMatchObject({ key: 'k' });
    expect(told).toHaveLength(1);
  });

  it('drops what it has found to be foreign, and not what took its place meanwhile', async () => {
    const { tier, told, entry } = setUp();
    const theirs = Buffer.alloc(100, 'x');
    await link.send(['SET', place, theirs], 1000);
    const [found] = await Promise.all([tier.get('k'), tier.set(entry('k'))]);
    expect(found).toBeUndefined();
    expect(told).toHaveLength(1);
    await tier.flush();
    expect(await tier.get('k')).toMatchObject({ key: 'k' });
  });

  it('never serves what was sealed with another secret or for another key', async () => {
    const [ours, theirs] = [setUp(), setUp('another secret')];
    await theirs.tier.set(theirs.entry('k'));
    expect(await ours.tier.get('k')).toBeUndefined();
    await ours.tier.set(ours.entry('k'));
    await link.send(['SET', placeOf('economizer:', 'other'), await raw()], 1000);
    expect(await ours.tier.get('other')).toBeUndefined();
    expect(ours.told).toHaveLength(2);
  });

  it('packs what is large, and gives every key the time that it has left', async () => {
    const { tier, clock } = setUp();
    const text = Buffer.from('the same words again and again. '.repeat(3000));
    for (const final of [text.subarray(0, 10_000), text]) {
      const { answer, ...rest } = sampleEntry({ key: 'k', now: clock.now(), ttlMs: 50_000 });
      await tier.set({ ...rest, answer: { ...answer, final } });
      expect((await raw()).length).toBeLessThan(1000);
      expect(Buffer.compare((await tier.get('k'))!.answer.final, final)).toBe(0);
      const ttlMs = Number(await link.send(['PTTL', place], 1000));
      expect(ttlMs).toBeGreaterThan(45_000);
      expect(ttlMs).toBeLessThanOrEqual(50_000);
    }
  });

  it('keeps the newer of two answers though the older takes longer to pack', async () => {
    const { tier, entry } = setUp();
    const older = tier.set(entry('k', 90_000));
    const newer = tier.set(entry('k', 10));
    await Promise.all([older, newer]);
    expect((await tier.get('k'))!.answer.final.length).toBe(10);
  });

  it('clears its own keys only', async () => {
    const { tier, entry } = setUp();
    await link.send(['SET', 'else', 'kept'], 1000);
    await tier.set(entry('k'));
    await tier.clear();
    expect(await link.send(['EXISTS', place], 1000)).toBe(0);
    expect(await link.send(['EXISTS', 'else'], 1000)).toBe(1);
  });
});

function flipped(value: Buffer, at: number): Buffer {
  const copy = Buffer.from(value);
  const index = at < 0 ? copy.length + at : at;
  copy[index] = copy[index]! ^ 1;
  return copy;
}
