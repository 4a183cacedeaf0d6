import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { hasRedis, startRedis, type RedisServer } from '../../test/services/redis-server.ts';
import { Cancellation } from '../kernel/cancellation.ts';
import { systemClock, type Clock } from '../kernel/clock.ts';
import { Signals } from '../kernel/signals.ts';
import { SimulatedClock } from '../kernel/simulated-clock.ts';
import { connectRedis } from '../services/redis-client.ts';
import type { RedisLink } from '../services/redis.ts';
import { sampleEntry } from './sample-entry.ts';
import { SharedFlights, type Entrance, type Lease } from './shared-flights.ts';
import { createRedisTier } from './tiers/redis.ts';

/** None of this is about how quick a machine is. */
const patientMs = 60_000;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function leaseOf(entrance: Entrance | undefined): Lease {
  if (entrance === undefined || !('lease' in entrance)) {
    throw new Error(`no lease: ${JSON.stringify(entrance)}`);
  }
  return entrance.lease;
}

describe.skipIf(!hasRedis)('flights that gateways share', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  let count = 0;

  /** One gateway's part. */
  async function gateway(clock: Clock = systemClock) {
    let up = (): void => {};
    const stands = new Promise<void>((resolve) => (up = resolve));
    const link: RedisLink = connectRedis({
      url: server.url,
      onState: ({ connected }) => connected && up(),
    });
    await stands;
    const signals = new Signals();
    const failures: string[] = [];
    signals.on('part-failed', ({ part, operation }) => failures.push(`${part} ${operation}`));
    const parts = { link, prefix: 'e:', clock, signals };
    const listeners = async () => {
      const reply = await link.send(['PUBSUB', 'NUMSUB', 'e:flights'], patientMs);
      return Number((reply as unknown[])[1]);
    };
    const before = await listeners();
    const flights = new SharedFlights({ ...parts, leaseMs: patientMs });
    while ((await listeners()) <= before) await sleep(5);
    const limits = { maxEntryBytes: 1e6, lookupMs: patientMs, storeMs: patientMs };
    const tier = createRedisTier({ ...parts, ...limits, flights, secret: { current: 'secret' } });
    onTestFinished(async () => {
      await flights.close();
      await link.close();
    });
    return { link, flights, tier, failures };
  }
  const newKey = (): string => `key-${count++}`;
  const entryOf = (key: string, seed: number) => sampleEntry({ key, now: Date.now(), seed });
  const firstByte = (entry?: { answer: { final: Uint8Array } }) => entry?.answer.final[0];

  it('are led by one; the others hear when the answer lies ready', async () => {
    const [one, other] = [await gateway(), await gateway()];
    const key = newKey();
    leaseOf(await one.flights.enter(key, false, patientMs));
    const waiter = other.flights.waiter(key);
    expect(await other.flights.enter(key, false, patientMs)).toMatchObject({
      busyMs: expect.any(Number),
    });
    const waiting = waiter.wait(patientMs, new Cancellation());
    await one.tier.set(entryOf(key, 1));
    expect(await waiting).toBe('stored');
    expect(await other.flights.enter(key, false, patientMs)).toEqual({ stored: true });
    expect(firstByte(await other.tier.get(key))).toBe(entryOf(key, 1).answer.final[0]);
    leaseOf(await other.flights.enter(key, true, patientMs)).release('free');
    waiter.done();
  });

  it('stay with a leader that lives, however long it takes', async () => {
    const clock = new SimulatedClock();
    const one = await gateway(clock);
    const key = newKey();
    const lease = `e:f1:{${key}}`;
    leaseOf(await one.flights.enter(key, false, patientMs));
    const left = async () => Number(await one.link.send(['PTTL', lease], patientMs));
    for (let turn = 0; turn < 3; turn++) {
      await one.link.send(['PEXPIRE', lease, String(patientMs / 2)], patientMs);
      clock.advance(patientMs / 3);
      while ((await left()) <= patientMs / 2) await sleep(5);
    }
  });

  it('pass to exactly one when the leader dies, and the late leader changes nothing', async () => {
    const [late, ...others] = [await gateway(), await gateway(), await gateway(), await gateway()];
    const key = newKey();
    leaseOf(await late.flights.enter(key, false, patientMs));
    // As if it were stopped: its lease runs out and nobody renews it.
    await late.link.send(['DEL', `e:f1:{${key}}`], patientMs);
    const entrances = await Promise.all(
      others.map(({ flights }) => flights.enter(key, false, patientMs)),
    );
    const leading = entrances.filter((each) => each !== undefined && 'lease' in each);
    expect(leading).toHaveLength(1);
    const leader = others[entrances.indexOf(leading[0])]!;

    await late.tier.set(entryOf(key, 1)); // it comes back while the other flies
    expect(await leader.tier.get(key)).toBeUndefined();
    await leader.tier.set(entryOf(key, 2));
    expect(firstByte(await leader.tier.get(key))).toBe(entryOf(key, 2).answer.final[0]);
    expect(late.failures).toEqual([]);
  });

  it('are not overwritten by a leader that comes back after the other has answered', async () => {
    const [late, leader] = [await gateway(), await gateway()];
    const key = newKey();
    leaseOf(await late.flights.enter(key, false, patientMs));
    await late.link.send(['DEL', `e:f1:{${key}}`], patientMs);
    leaseOf(await leader.flights.enter(key, false, patientMs));
    await leader.tier.set(entryOf(key, 2));
    await late.tier.set(entryOf(key, 1));
    expect(firstByte(await leader.tier.get(key))).toBe(entryOf(key, 2).answer.final[0]);
  });

  it('still bring their answer where the lease ran out and nobody took over', async () => {
    const one = await gateway();
    const key = newKey();
    leaseOf(await one.flights.enter(key, false, patientMs));
    await one.link.send(['DEL', `e:f1:{${key}}`], patientMs);
    await one.tier.set(entryOf(key, 1));
    expect(await one.tier.get(key)).toBeDefined();
  });

  it('bring answers that equal others, and take with them what they replace', async () => {
    const one = await gateway();
    const saved = async () => (await one.tier.stats()).sharedBytesSaved;
    const land = async (key: string, seed: number): Promise<void> => {
      leaseOf(await one.flights.enter(key, true, patientMs));
      await one.tier.set(sampleEntry({ key, now: Date.now(), seed, bytes: 5000 }));
      await one.tier.flush();
    };
    const keys = [newKey(), newKey(), newKey()];
    for (const key of keys) await land(key, 1);
    expect(await saved()).toBe(2 * 5001);
    await land(keys[1]!, 2);
    expect(await saved()).toBe(5001);
    await land(keys[0]!, 2);
    expect(await saved()).toBe(5001);
    for (const key of keys) expect(await one.tier.delete(key)).toBe(true);
    expect(await saved()).toBe(0);
    expect(one.failures).toEqual([]);
  });

  it.each(['unstored', 'free'] as const)(
    'tell that they ended without an answer: %s',
    async (how) => {
      const [one, other] = [await gateway(), await gateway()];
      const key = newKey();
      const lease = leaseOf(await one.flights.enter(key, false, patientMs));
      const waiter = other.flights.waiter(key);
      await other.flights.enter(key, false, patientMs);
      const waiting = waiter.wait(patientMs, new Cancellation());
      lease.release(how);
      expect(await waiting).toBe(how);
      leaseOf(await other.flights.enter(key, false, patientMs)).release('free');
      waiter.done();
    },
  );

  it('wait no longer than they are told, nor for callers who have left', async () => {
    const one = await gateway();
    const waiter = one.flights.waiter(newKey());
    expect(await waiter.wait(20, new Cancellation())).toBeUndefined();
    const cancellation = new Cancellation();
    const waiting = waiter.wait(60_000, cancellation);
    cancellation.cancel(new Error('left'));
    expect(await waiting).toBeUndefined();
    waiter.done();
  });

  it('are local where Redis cannot be asked, without waiting', async () => {
    const one = await gateway();
    await one.link.close();
    expect(await one.flights.enter(newKey(), false, patientMs)).toBeUndefined();
  });
});
