import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { startCluster } from '../../../test/services/redis-groups.ts';
import { hasRedis, startRedis, type RedisServer } from '../../../test/services/redis-server.ts';
import {
  altered,
  expectFound,
  linkTo,
  names,
  patientMs,
  sizeOf,
  tierOver,
} from '../../../test/services/redis-tier.ts';
import { passTime } from '../../../test/services/redis-time.ts';
import type { RedisLink } from '../../services/redis.ts';
import { noMark } from '../invalidation/mark.ts';
import type { CacheTier } from '../tier.ts';

describe.skipIf(!hasRedis)('equal bodies in Redis', () => {
  let server: RedisServer;
  let link: RedisLink;
  beforeAll(async () => {
    server = await startRedis();
    link = await linkTo({ url: server.url });
  });
  beforeEach(() => link.send(['FLUSHALL'], patientMs));
  afterAll(async () => {
    await link.close();
    await server.stop();
  });

  const savedBy = async (tier: CacheTier) => (await tier.stats()).sharedBytesSaved;

  it('lie apart from the second entry on, and leave what is single or small with its entry', async () => {
    const { tier, entry, told, setAll } = tierOver(link);
    await setAll(['one']);
    await setAll(['other'], { seed: 5 });
    await setAll(['small', 'as small'], { bytes: 2000 });
    for (const key of ['alone', 'as alone']) await tier.set(entry(key, { alone: true }));
    await tier.flush();
    expect(await names(link)).toHaveLength(2); // two marks
    expect(await savedBy(tier)).toBe(0);
    await setAll(['two', 'three']);
    expect(await names(link, '[br]')).toHaveLength(2);
    expect(await names(link, 'm')).toHaveLength(1);
    for (const key of ['one', 'two', 'three']) {
      expect(await sizeOf(link, key)).toBeLessThan(1000);
      await expectFound(tier, entry(key));
    }
    for (const key of ['other', 'alone']) expect(await sizeOf(link, key)).toBeGreaterThan(10_000);
    expect(await savedBy(tier)).toBe(2 * 10_001);
    expect(told).toEqual([]);
  });

  it('go with the last entry that bears them, whichever way it goes', async () => {
    const { tier, entry, setAll } = tierOver(link);
    const ways: readonly [string, (key: string) => unknown][] = [
      ['deleted', (key) => tier.delete(key)],
      ['replaced', (key) => setAll([key], { seed: 9 })],
      ['too large', (key) => setAll([key], { bytes: 200_000 })],
      ['swept', () => sweep()],
    ];
    const purge = { tenant: 'a', selector: 'tag:x', mark: { ...noMark, hard: 9 } };
    const sweep = () => tier.sweep!([purge], { remove: true });
    for (const [way, go] of ways) {
      const tags = ['tenant:a', 'tag:x'];
      await setAll(['stays', 'also']);
      await tier.set({ ...entry('goes', { tags }), epoch: 1 });
      await tier.flush();
      expect(await savedBy(tier), way).toBe(2 * 10_001);
      await go('goes');
      expect(await savedBy(tier), way).toBe(10_001);
      await tier.delete('also');
      await expectFound(tier, entry('stays'));
      await tier.delete('stays');
      expect(await names(link, '[br]'), way).toEqual([]);
      await tier.clear();
      expect(await names(link, '?')).toEqual([]);
    }
  });

  it('end with the last of the entries that ended by themselves', async () => {
    const { tier, entry, clock, setAll } = tierOver(link);
    const pass = async (ms: number): Promise<void> => {
      clock.advance(ms);
      await passTime(link, ms);
    };
    await setAll(['first'], { ttlMs: 100_000 });
    await setAll(['long'], { ttlMs: 300_000 });
    await setAll(['short'], { ttlMs: 200_000 });
    expect(await savedBy(tier)).toBe(2 * 10_001);
    await pass(150_000);
    expect(await savedBy(tier)).toBe(10_001);
    await expectFound(tier, entry('long'));
    await tier.delete('long');
    await expectFound(tier, entry('short'));
    await pass(50_000 + patientMs); // the time that a store may take is given to the body
    expect(await names(link, '?')).toEqual([]);
  });

  it('keep references of entries that have ended no longer than to the next act', async () => {
    const { clock, setAll } = tierOver(link);
    await setAll(['first', 'second'], { ttlMs: 200_000 });
    for (let index = 0; index < 5; index++) {
      await setAll([`short ${index}`], { ttlMs: 10_000 });
      clock.advance(1000);
    }
    clock.advance(10_000 + patientMs);
    await passTime(link, 15_000 + patientMs);
    await setAll(['third'], { ttlMs: 100_000 });
    const [bearers] = await names(link, 'r');
    expect(await link.send(['ZCARD', bearers!], patientMs)).toBe(3);
  });

  it('are not laid where everything is being cleared away', async () => {
    let set: Promise<void> | undefined;
    const clearing = altered(link, {
      async send(args, deadlineMs) {
        const reply = await link.send(args, deadlineMs);
        if (args[0] !== 'SCAN') return reply;
        await (set ??= Promise.resolve(tier.set(entry('new'))));
        for (let turn = 0; turn < 20; turn++) await link.send(['PING'], patientMs);
        return reply;
      },
    });
    const { tier, entry, setAll } = tierOver(clearing);
    await setAll(['one', 'two']);
    await tier.clear();
    await tier.flush();
    await expectFound(tier, entry('new'));
    expect(await names(link)).toEqual([]);
  });

  it('are laid apart once by gateways that store at the same time', async () => {
    const links = await Promise.all([0, 1, 2, 3].map(() => linkTo({ url: server.url })));
    onTestFinished(async () => void (await Promise.all(links.map((each) => each.close()))));
    const gateways = links.map((each) => tierOver(each));
    for (let round = 0; round < 10; round++) {
      await link.send(['FLUSHALL'], patientMs);
      const keys = gateways.map((_, gateway) =>
        [0, 1, 2, 3, 4].map((each) => `${gateway}-${each}`),
      );
      await Promise.all(
        gateways.map(({ tier, entry }, gateway) =>
          Promise.all(keys[gateway]!.map(async (key) => tier.set(entry(key)))),
        ),
      );
      await Promise.all(gateways.map(({ tier }) => tier.flush()));
      const [{ tier, entry }] = gateways as [ReturnType<typeof tierOver>];
      for (const key of keys.flat()) {
        await expectFound(tier, entry(key));
        expect(await sizeOf(link, key)).toBeLessThan(1000);
      }
      expect(await names(link, '[bm]')).toHaveLength(1);
      expect(await savedBy(tier)).toBe(19 * 10_001);
    }
    expect(gateways.flatMap(({ told }) => told)).toEqual([]);
  });

  it('keep the newer of two answers to a key, and no reference of the older', async () => {
    const { tier, entry } = tierOver(link);
    await tier.set(entry('other'));
    await Promise.all([tier.set(entry('k')), tier.set(entry('k', { seed: 2 }))]);
    await tier.flush();
    await expectFound(tier, entry('k', { seed: 2 }));
    await expectFound(tier, entry('other'));
    await tier.delete('other');
    expect(await names(link, '[br]')).toEqual([]);
  });

  it('may go with their entry while it is read: then what took its place is found', async () => {
    const { tier, entry, setAll } = tierOver(link);
    await setAll(['one', 'two']);
    await tier.delete('two');
    let reads = 0;
    const between = altered(link, {
      async send(...args) {
        const reply = await link.send(...args);
        if (++reads === 1) await setAll(['one'], { seed: 9 });
        return reply;
      },
    });
    await expectFound(tierOver(between).tier, entry('one', { seed: 9 }));
    expect(reads).toBe(3);
  });

  it('are read within the time of one lookup', async () => {
    const { setAll } = tierOver(link);
    await setAll(['one', 'two']);
    const asked: number[] = [];
    let waitedMs = 100;
    const slow = altered(link, {
      send(args, deadlineMs) {
        asked.push(deadlineMs);
        waitedMs += 13;
        return link.send(args, patientMs);
      },
    });
    Object.defineProperty(slow, 'waitedMs', { get: () => waitedMs });
    const { tier } = tierOver(slow, { lookupMs: 20 });
    expect(await tier.get('one')).toBeDefined();
    expect(asked).toEqual([20, 7]);
    expect(await tier.get('two', 18)).toBeDefined();
    expect(asked).toEqual([20, 7, 18, 5]);
  });
});

describe.skipIf(!hasRedis)('equal bodies in a cluster', () => {
  it('lie once, wherever the entries lie that bear them', async () => {
    const cluster = await startCluster();
    onTestFinished(() => cluster.stop());
    const nodes = cluster.servers.map(({ port }) => ({ host: '127.0.0.1', port }));
    const link = await linkTo({ cluster: { nodes } });
    onTestFinished(() => link.close());
    const { tier, entry, told } = tierOver(link);
    const keys = Array.from({ length: 60 }, (_, index) => `k${index}`);
    const seedOf = (key: string): number => Number(key.slice(1)) % 6;
    await Promise.all(keys.map(async (key) => tier.set(entry(key, { seed: seedOf(key) }))));
    await tier.flush();
    for (const key of keys) await expectFound(tier, entry(key, { seed: seedOf(key) }));
    expect(await tier.stats()).toMatchObject({ entries: 60, sharedBytesSaved: 54 * 10_001 });
    for (const key of keys.slice(6)) await tier.delete(key);
    for (const key of keys.slice(0, 6)) await expectFound(tier, entry(key, { seed: seedOf(key) }));
    expect(await tier.stats()).toMatchObject({ entries: 6, sharedBytesSaved: 0 });
    await tier.clear();
    expect(await tier.stats()).toMatchObject({ entries: 0, bytes: 0, sharedBytesSaved: 0 });
    expect(told).toEqual([]);
  }, 60_000);
});
