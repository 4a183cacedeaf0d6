import { describe, expect, it } from 'vitest';
import { SimulatedClock } from '../kernel/simulated-clock.ts';
import { redisFault, type RedisLink } from '../services/redis.ts';
import { newSecret } from './installation-secret.ts';
import { SharedSecret } from './shared-secret.ts';

function setUp() {
  const clock = new SimulatedClock();
  const kept = new Map<string, string>();
  let isDown = false;
  const link = {
    send([name, place, value]) {
      if (isDown) return Promise.reject(redisFault('down'));
      if (name === 'GET') return Promise.resolve(kept.get(String(place)) ?? null);
      if (!kept.has(String(place))) kept.set(String(place), String(value));
      return Promise.resolve('OK');
    },
  } as Partial<RedisLink> as RedisLink;
  const gateway = (own = newSecret()) => {
    const adopted: string[] = [];
    const failures: unknown[] = [];
    const secret = new SharedSecret({
      own,
      link,
      prefix: 'e:',
      clock,
      onAdopted: (each) => adopted.push(each),
      onFailure: (error) => failures.push(error),
    });
    return { own, secret, adopted, failures };
  };
  return { clock, kept, gateway, setDown: (value: boolean) => (isDown = value) };
}

describe('the secret that gateways share', () => {
  it('is that of the first', async () => {
    const { gateway } = setUp();
    const [first, second] = [gateway(), gateway()];
    expect(await first.secret.agree()).toBe(true);
    expect(await second.secret.agree()).toBe(true);
    expect([first.secret.current, second.secret.current]).toEqual([first.own, first.own]);
    expect([first.adopted, second.adopted]).toEqual([[], [first.own]]);
  });

  it('is their own as long as they cannot be asked', async () => {
    const { gateway, setDown } = setUp();
    setDown(true);
    const { secret, own, failures } = gateway();
    expect(await secret.agree()).toBe(false);
    expect(secret.current).toBe(own);
    expect(failures).toHaveLength(1);
  });

  it('is put back where the server has lost it, before a newcomer brings another', async () => {
    const { gateway, kept, clock } = setUp();
    const [first, second] = [gateway(), gateway()];
    await first.secret.agree();
    kept.clear();
    clock.advance(60_000);
    await new Promise((resolve) => setImmediate(resolve));
    await second.secret.agree();
    expect(second.secret.current).toBe(first.own);
    first.secret.close();
    second.secret.close();
    expect(clock.nextAt()).toBeUndefined();
  });

  it('is not taken from another program', async () => {
    const { gateway, kept } = setUp();
    kept.set('e:secret', 'hunter2');
    const { secret, own, failures } = gateway();
    expect(await secret.agree()).toBe(false);
    expect(secret.current).toBe(own);
    expect(String(failures[0])).toMatch(/e:secret in Redis is not a secret of ours/);
    expect(String(failures[0])).not.toContain('hunter2');
  });
});
