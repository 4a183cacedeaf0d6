import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { bear } from '../../src/cache/tiers/redis-scripts.ts';
import type { RedisLink } from '../../src/services/redis.ts';
import { hasRedis, startRedis, type RedisServer } from '../services/redis-server.ts';
import {
  altered,
  expectFound,
  linkTo,
  names,
  patientMs,
  sizeOf,
  tierOver,
} from '../services/redis-tier.ts';
import { passTime } from '../services/redis-time.ts';

/** Acts as the link does until it has been given so many commands, then as one that is dead. */
function dyingAfter(link: RedisLink, commands: number): RedisLink {
  let left = commands;
  const alive = <Value>(act: () => Promise<Value>): Promise<Value> =>
    left-- > 0 ? act() : Promise.reject(new Error('dead'));
  return altered(link, {
    send: (...args) => alive(() => link.send(...args)),
    script: (...args) => alive(() => link.script(...args)),
  });
}

describe.skipIf(!hasRedis)('bodies in Redis that entries share', () => {
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

  const bodyName = async (): Promise<string> => (await names(link, 'b'))[0]!;

  it('that Redis let go are a miss without a word, and come back with the next answers', async () => {
    const { tier, entry, told, setAll } = tierOver(link);
    await setAll(['one', 'two', 'three']);
    await link.send(['DEL', await bodyName()], patientMs);
    expect(await tier.get('one')).toBeUndefined();
    await tier.flush();
    expect(await sizeOf(link, 'one')).toBe(0);
    expect(await sizeOf(link, 'two')).toBeGreaterThan(0); // nobody has asked for it
    await setAll(['four', 'five']);
    for (const key of ['two', 'four', 'five']) await expectFound(tier, entry(key));
    expect(told).toEqual([]);
  });

  it.each<[string, (name: string) => Promise<unknown>, RegExp]>([
    ['of another program', (name) => link.send(['SET', name, 'hello'], patientMs), /is damaged/],
    ['of another kind', (name) => link.send(['SADD', name, 'a'], patientMs), /is foreign/],
    ['cut short', (name) => link.send(['SETRANGE', name, '9000', 'x'], patientMs), /is damaged/],
    [
      'too large',
      (name) => link.send(['SET', name, Buffer.alloc(200_000)], patientMs),
      /is too large/,
    ],
  ])('never serve what is %s: it goes, and the next is kept', async (_what, spoil, message) => {
    const { tier, entry, told, setAll } = tierOver(link);
    await setAll(['one', 'two']);
    const name = await bodyName();
    if (!String(message).includes('foreign')) await spoil(name);
    else await link.send(['DEL', name], patientMs).then(() => spoil(name));
    expect(await tier.get('one')).toBeUndefined();
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(message);
    await tier.flush();
    expect(await names(link, '[br]')).toEqual([]);
    await setAll(['one', 'two']);
    for (const key of ['one', 'two']) await expectFound(tier, entry(key));
    expect(told).toHaveLength(1);
  });

  it('never serve another body of ours that was put in its place', async () => {
    const { tier, told, setAll } = tierOver(link);
    await setAll(['a', 'b']);
    const name = await bodyName();
    await setAll(['c', 'd'], { seed: 7 });
    const other = (await names(link, 'b')).find((each) => each !== name)!;
    await link.send(['COPY', other, name, 'REPLACE'], patientMs);
    expect(await tier.get('a')).toBeUndefined();
    expect(told[0]).toMatch(/is damaged/);
    expect(await tier.get('c')).toBeDefined();
  });

  it('are told of and made anew where another program took their names', async () => {
    const { tier, entry, told, setAll } = tierOver(link);
    await setAll(['one', 'two']);
    const [body, bearers] = await names(link, '[br]');
    await link.send(['DEL', body!, bearers!], patientMs);
    await link.send(['SET', bearers!, 'theirs'], patientMs);
    await link.send(['SET', body!, 'theirs'], patientMs);
    await setAll(['three']);
    expect(told.join()).toMatch(/share.*WRONGTYPE/);
    await expectFound(tier, entry('three')); // whole
    await setAll(['four', 'five']);
    for (const key of ['four', 'five']) await expectFound(tier, entry(key));
    expect(told).toHaveLength(1);
  });

  it('lose no entry when a gateway dies between any two commands', async () => {
    const { tier, entry, clock, setAll } = tierOver(link);
    for (let commands = 1; commands < 12; commands++) {
      await link.send(['FLUSHALL'], patientMs);
      await setAll(['first'], { ttlMs: 100_000 });
      const dying = tierOver(dyingAfter(link, commands), { clock });
      await dying.tier.set(dying.entry('second', { ttlMs: 200_000 }));
      await dying.tier.flush();
      for (const key of ['first', 'second']) await expectFound(tier, entry(key));
      // Nor do those that come later.
      await setAll(['third'], { ttlMs: 100_000 });
      await tier.delete('first');
      for (const key of ['second', 'third']) await expectFound(tier, entry(key));
      await tier.delete('second');
      await expectFound(tier, entry('third'));
      clock.advance(200_000 + patientMs);
      await passTime(link, 200_000 + patientMs);
      expect(await names(link, '?'), `after ${commands} commands`).toEqual([]);
    }
  });

  it('stay whole where Redis has no room left for them, which is told', async () => {
    const full = await startRedis(['--maxmemory-policy', 'noeviction']);
    const its = await linkTo({ url: full.url });
    onTestFinished(async () => {
      await its.close();
      await full.stop();
    });
    const filling = altered(its, {
      async script(...args) {
        if (args[0] === bear) await its.send(['CONFIG', 'SET', 'maxmemory', '1'], patientMs);
        return its.script(...args);
      },
    });
    const { tier, entry, told, setAll } = tierOver(filling);
    await setAll(['one']);
    expect(told.join()).toMatch(/share.*OOM/);
    await expectFound(tier, entry('one'));
    await expect(tier.set(entry('two'))).rejects.toThrow(/OOM/);
    expect(await tier.get('two')).toBeUndefined();
  });

  it('may vanish where Redis lets go what is used least, and then are misses', async () => {
    const small = await startRedis(['--maxmemory', '3mb', '--maxmemory-policy', 'allkeys-random']);
    const its = await linkTo({ url: small.url });
    onTestFinished(async () => {
      await its.close();
      await small.stop();
    });
    const { tier, entry, told } = tierOver(its);
    const entries = Array.from({ length: 600 }, (_, index) =>
      entry(`k${index}`, { seed: (index * 7) % 200 }),
    );
    for (const each of entries) await tier.set(each);
    await tier.flush();
    let found = 0;
    for (const each of entries) {
      if ((await tier.get(each.key)) === undefined) continue;
      found++;
      await expectFound(tier, each);
    }
    expect(found).toBeGreaterThan(50);
    expect(found).toBeLessThan(600);
    expect((await tier.stats()).evictions).toBeGreaterThan(0);
    expect(told).toEqual([]);
  });
});
