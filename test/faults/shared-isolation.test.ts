import { hash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chat, send, startHouse, until, type Answer, type House } from '../e2e/harness.ts';
import { hasRedis, startRedis, type RedisServer } from '../services/redis-server.ts';
import { systemClock } from '../../src/kernel/clock.ts';

const path = '/v1/chat/completions';
/** None of this is about time: a busy machine may be late. */
const patient = { redis: { lookup: '5s', store: '5s' } };

describe.skipIf(!hasRedis)('gateways on one Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  let seeds = 100;
  const nextBody = (extra: object = {}) => chat({ temperature: 0, seed: seeds++, ...extra });

  /** Two gateways before the provider of the first. */
  async function pair(
    config: object = {},
    options: { firstByteMs?: number; clocks?: readonly number[]; own?: boolean } = {},
  ): Promise<readonly [House, House]> {
    const { firstByteMs = 0, clocks = [0, 0], own = false } = options;
    const settings = { redis: { url: server.url }, cache: patient, ...config };
    const key = own ? { api_key: undefined } : {};
    const clockOf = (skew: number) => ({
      ...systemClock,
      now: () => systemClock.now() + skew,
      tick: () => systemClock.tick(),
      after: (ms: number, task: () => void) => systemClock.after(ms, task),
    });
    const first = await startHouse({
      provider: { firstByteMs },
      clock: clockOf(clocks[0]!),
      config: { ...settings, providers: { openai: { kind: 'openai', ...key } } } as never,
    });
    const base_url = `${first.provider.url}/v1`;
    const second = await startHouse({
      clock: clockOf(clocks[1]!),
      config: { ...settings, providers: { openai: { kind: 'openai', base_url, ...key } } } as never,
    });
    return [first, second];
  }
  const ask = (house: House, body: string, headers: Record<string, string> = {}) =>
    send(house.url + path, body, { headers });
  const statusOf = (answer: Answer) => String(answer.headers['cache-status']);
  const keyOf = (id: string, more: object = {}) => ({
    id,
    sha256: hash('sha256', `eco-${id}`),
    ...more,
  });
  const as = (id: string) => ({ authorization: `Bearer eco-${id}` });

  it('share nothing between credentials that callers bring, stored or under way', async () => {
    const [one, other] = await pair({}, { own: true, firstByteMs: 200 });
    const body = nextBody();
    const mine = { authorization: 'Bearer sk-mine' };
    const theirs = { authorization: 'Bearer sk-theirs' };
    const answers = await Promise.all([ask(one, body, mine), ask(other, body, theirs)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(one.provider.calls).toHaveLength(2);
    await one.gateway.assembly.stack.flush();
    await other.gateway.assembly.stack.flush();
    expect(statusOf(await ask(other, body, mine))).toContain('detail=l2');
    expect(statusOf(await ask(one, body, { authorization: 'Bearer sk-third' }))).toContain(
      'uri-miss',
    );
  });

  it('keep teams apart where the scope says so, and join the tenants that share by name', async () => {
    const access = {
      keys: [
        keyOf('red', { tenant: 'one', team: 'red' }),
        keyOf('blue', { tenant: 'one', team: 'blue' }),
        keyOf('two', { tenant: 'two' }),
        keyOf('three', { tenant: 'three' }),
      ],
    };
    const cache = {
      ...patient,
      policies: {
        teams: { extends: 'response', scope: 'team' },
        shared: {
          extends: 'response',
          scope: 'shared',
          share_as: 'all',
          share_with: ['one', 'two'],
        },
      },
      rules: [
        { policy: 'teams', tag: 'team' },
        { policy: 'shared', tag: 'shared' },
      ],
    };
    const [one, other] = await pair({ access, cache });
    const tagged = (id: string, tag: string) => ({ ...as(id), 'x-economizer-tags': tag });
    const body = nextBody();
    await ask(one, body, tagged('red', 'team'));
    await one.gateway.assembly.stack.flush();
    expect(statusOf(await ask(other, body, tagged('blue', 'team')))).toContain('uri-miss');
    expect(statusOf(await ask(other, body, tagged('red', 'team')))).toContain('detail=l2');
    const wide = nextBody();
    await ask(one, wide, tagged('red', 'shared'));
    await one.gateway.assembly.stack.flush();
    expect(statusOf(await ask(other, wide, tagged('two', 'shared')))).toContain('detail=l2');
    expect(statusOf(await ask(other, wide, tagged('three', 'shared')))).toContain('uri-miss');
    expect(statusOf(await ask(other, wide, as('red')))).toContain('uri-miss');
  });

  it('give nobody who asks after a purge what was asked for before it elsewhere', async () => {
    const [one, other] = await pair({}, { firstByteMs: 600 });
    const body = nextBody();
    const led = ask(one, body);
    await until(() => one.provider.calls.length === 1);
    await other.gateway.assembly.purger.purge({ all: true });
    const after = ask(other, body);
    expect((await Promise.all([led, after])).map(({ status }) => status)).toEqual([200, 200]);
    expect(one.provider.calls).toHaveLength(2);
    await one.gateway.assembly.stack.flush();
    await other.gateway.assembly.stack.flush();
    // What is kept is the later one's.
    const third = await ask(one, body);
    expect(statusOf(third)).toContain('hit');
    expect(third.body.equals((await after).body)).toBe(true);
  });

  it.each([
    [-600_000, 0],
    [0, -600_000],
  ])('make nothing of clocks that differ but misses (%i and %i ms)', async (...clocks) => {
    const [one, other] = await pair({}, { clocks });
    const body = nextBody();
    const first = await ask(one, body);
    await one.gateway.assembly.stack.flush();
    const again = await ask(other, body);
    expect(again.status).toBe(200);
    if (statusOf(again).includes('hit')) expect(again.body.equals(first.body)).toBe(true);
    expect(Number(again.headers['age'] ?? 0)).toBeGreaterThanOrEqual(0);
  });

  it.each([
    ['read-only', 'hit', 'uri-miss'],
    ['write-only', 'fwd', 'hit'],
    ['off', 'fwd', 'uri-miss'],
  ])('obey the mode of each: %s', async (mode, served, stored) => {
    const body = nextBody();
    const fresh = nextBody();
    const [one] = await pair();
    const cache = { ...patient, policies: { response: { mode } } };
    const [limited] = await pair({ cache });
    await ask(one, body);
    await one.gateway.assembly.stack.flush();
    expect(statusOf(await ask(limited, body))).toContain(served);
    await ask(limited, fresh);
    await limited.gateway.assembly.stack.flush();
    expect(statusOf(await ask(one, fresh))).toContain(stored);
  });
});
