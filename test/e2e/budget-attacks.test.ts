import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '../../src/kernel/clock.ts';
import { SimulatedClock } from '../../src/kernel/simulated-clock.ts';
import type { FakeBytes } from '../../src/testing/fake-answer.ts';
import { all, balance, charged, standings, walled, type Budget } from './budget-house.ts';
import { chat, send, temporaryFolder, until, type House } from './harness.ts';

const chatPath = '/v1/chat/completions';

/** A provider that gives this answer to every call. */
function json(body: object, encoding?: 'gzip'): FakeBytes {
  const bytes = Buffer.from(JSON.stringify(body));
  if (encoding === undefined) return { bytes, contentType: 'application/json' };
  return { bytes: gzipSync(bytes), contentType: 'application/json', contentEncoding: encoding };
}

function answer(content: string, usage: object | undefined): object {
  const message = { role: 'assistant', content };
  return {
    id: 'c',
    object: 'chat.completion',
    created: 1,
    model: 'gpt-4o',
    choices: [{ index: 0, message, finish_reason: 'stop' }],
    ...(usage !== undefined && { usage }),
  };
}

const standing = async (house: House) => {
  const found = await balance(house);
  expect(found).toEqual({ spent: charged(house), held: 0 });
  return found.spent;
};

/** gpt-4o, nano-dollars for a token of output at its standard price. */
const perToken = 10_000;

describe('what asks in a way that few providers understand', () => {
  it.each([
    ['gzip', { 'content-encoding': 'gzip' }, gzipSync(chat({ max_tokens: 5 }))],
    ['an unknown coding', { 'content-encoding': 'rot13' }, chat({ max_tokens: 5 })],
    [
      'a form',
      { 'content-type': 'multipart/form-data; boundary=x' },
      '--x\r\ncontent-disposition: form-data; name="model"\r\n\r\ngpt-4o\r\n--x--\r\n',
    ],
    ['UTF-16', {}, Buffer.from(chat({ max_tokens: 5 }), 'utf16le')],
    ['no JSON at all', {}, 'max_tokens=5&model=gpt-4o'],
    ['a cap twice', {}, `{"max_tokens":5,${chat({ max_tokens: 9000 }).slice(1)}`],
    [
      'a cap twice, once escaped',
      {},
      `{"max\\u005ftokens":5,${chat({ max_tokens: 9000 }).slice(1)}`,
    ],
  ])('never passes unread: %s', async (_name, headers, body) => {
    const house = await walled([all(1)]);
    const { status } = await send(house.url + chatPath, body, { headers });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(house.provider.calls).toEqual([]);
    expect(await standing(house)).toBe(0);
  });

  it.each([
    '/v1/chat/completions/',
    '/v1//chat/completions',
    '/v1/chat/completions;x',
    '/v1/chat/%63ompletions',
    '/v1/images/generations',
    '/v1/batches',
    '/v1/audio/speech',
  ])('never passes by a path of its own: %s', async (path) => {
    const house = await walled([all(1)]);
    expect((await send(house.url + path, chat({ max_tokens: 5 }))).status).toBe(429);
    expect(house.provider.calls).toEqual([]);
  });

  it('never passes twice in the tail of a conversation that was read before', async () => {
    const house = await walled([all(1)]);
    const turn = (count: number, more = ''): string => {
      const list = Array.from({ length: count }, (_, index) => ({
        role: 'user',
        content: `${index} ${'word '.repeat(1000)}`,
      }));
      return `{"model":"gpt-4o","messages":${JSON.stringify(list)},"max_tokens":5${more}}`;
    };
    for (const count of [4, 5]) {
      expect((await send(house.url + chatPath, turn(count))).status).toBe(200);
    }
    const { status } = await send(house.url + chatPath, turn(6, ',"max_tokens":16000'));
    expect(status).toBe(400);
    expect(house.provider.calls).toHaveLength(2);
  });
});

describe('numbers that are no numbers', () => {
  // Servers built on pydantic take "50" for 50.
  it.each([
    ['n', { n: '50' }],
    ['n', { n: ' 5e1 ' }],
    ['n', { n: 50 }],
    ['n', { n: 1e300 }],
  ])('count as what a lenient server makes of them: %s %j', async (_name, more) => {
    const house = await walled([all('0.05')]);
    const body = chat({ max_tokens: 500, service_tier: 'default', ...more });
    expect([400, 429]).toContain((await send(house.url + chatPath, body)).status);
    expect(house.provider.calls).toEqual([]);
  });

  it.each(['9000', ' 9000', '9e3', -1])('cap nothing beyond what is held: %j', async (given) => {
    const house = await walled([all('0.05')], { config: { budgeting: { output_cap: 'clamp' } } });
    const body = chat({ max_tokens: given, service_tier: 'default' });
    expect((await send(house.url + chatPath, body)).status).toBe(200);
    const sent = house.provider.calls[0]!.json!['max_tokens'];
    expect(sent).toBeTypeOf('number');
    expect(sent).toBeGreaterThan(0);
    expect((sent as number) * perToken).toBeLessThan(50_000_000);
  });
});

describe('a provider that counts badly', () => {
  const text = 'word '.repeat(400);
  const house = (usage: object | undefined, encoding?: 'gzip') =>
    walled([all(1)], { provider: { answer: () => json(answer(text, usage), encoding) } });

  it.each([
    ['nothing', undefined],
    ['zero', { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }],
    ['no output', { prompt_tokens: 40, completion_tokens: 0, total_tokens: 40 }],
    ['less than nothing', { prompt_tokens: -40, completion_tokens: -400 }],
    ['fractions', { prompt_tokens: 40.5, completion_tokens: 400.5 }],
    ['texts', { prompt_tokens: '40', completion_tokens: '400' }],
  ])('is charged for what it wrote, whatever it says: %s', async (_name, usage) => {
    const given = await house(usage);
    await send(given.url + chatPath, chat({ max_tokens: 500 }));
    expect(await standing(given)).toBeGreaterThanOrEqual(400 * perToken);
  });

  it('is charged the hold where it says what cannot be', async () => {
    const given = await house({ prompt_tokens: 40, completion_tokens: Number.MAX_SAFE_INTEGER });
    await send(given.url + chatPath, chat({ max_tokens: 500, service_tier: 'default' }));
    const spent = await standing(given);
    expect(spent).toBeGreaterThanOrEqual(500 * perToken);
    expect(spent).toBeLessThan(1000 * perToken);
    expect((await send(given.url + chatPath, chat({ max_tokens: 5 }))).status).toBe(200);
  });

  it('is not charged by the bytes of what it compressed', async () => {
    const given = await house(undefined, 'gzip');
    const headers = { 'accept-encoding': 'gzip' };
    const body = chat({ max_tokens: 500, service_tier: 'default' });
    await send(given.url + chatPath, body, { headers });
    expect(await standing(given)).toBeGreaterThanOrEqual(500 * perToken);
  });
});

describe('a job that goes on at the provider', () => {
  it('is charged its hold, since nobody tells here what it costs in the end', async () => {
    const queued = { id: 'r', object: 'response', status: 'queued', model: 'gpt-4o', output: [] };
    const house = await walled([all(1)], {
      provider: { answer: () => json({ ...queued, usage: null }) },
    });
    const body = { model: 'gpt-4o', input: 'x', max_output_tokens: 1000, background: true };
    await send(`${house.url}/v1/responses`, JSON.stringify(body));
    await until(() => house.rows.length === 1);
    expect(await standing(house)).toBeGreaterThanOrEqual(1000 * perToken);
  });
});

describe('who leaves', () => {
  it('pays for the flight that it began, once, while others stay aboard', async () => {
    const house = await walled([all(1, { scope: { agent: '*' } })], {
      config: { cache: { enabled: true } },
      provider: { gapMs: 10, answer: () => ({ text: 'word '.repeat(100) }) },
    });
    const body = chat({ max_tokens: 300, temperature: 0, stream: true });
    const by = (agent: string): object => ({ headers: { 'x-economizer-agent': agent } });
    const leader = send(house.url + chatPath, body, {
      ...by('leader'),
      onChunk: (_chunk, leave) => setTimeout(leave, 50),
    }).catch(() => undefined);
    await until(() => house.provider.calls.length === 1);
    const follower = await send(house.url + chatPath, body, by('follower'));
    await leader;
    expect(follower.broken).toBe(false);
    await until(() => house.rows.length === 2);
    expect(house.provider.calls).toHaveLength(1);
    const found = await standings(house);
    expect(found.map(({ held }) => held)).toEqual(found.map(() => 0));
    const spent = found.reduce((sum, each) => sum + each.spent, 0);
    expect(spent).toBe(charged(house));
    expect(spent).toBeGreaterThan(100 * perToken);
  });

  it('leaves nothing held when the gateway stops under it', async () => {
    const data = temporaryFolder();
    const house = await walled([all(1)], {
      config: { data, shutdown_grace: '100ms' },
      provider: { gapMs: 50, answer: () => ({ text: 'word '.repeat(400) }) },
    });
    const body = chat({ max_tokens: 900, stream: true });
    const cut = Promise.all(
      Array.from({ length: 10 }, () => send(house.url + chatPath, body).catch(() => undefined)),
    );
    await until(() => house.provider.calls.length === 10);
    await house.gateway.stop();
    await cut;
    const again = await walled([all(1)], { config: { data } });
    await again.gateway.assembly.walls!.whenReady();
    expect(await balance(again)).toEqual({ spent: charged(house), held: 0 });
    expect(charged(house)).toBeGreaterThan(0);
  });
});

describe('time', () => {
  const daily = (id: string, time_zone: string, scope = {}): Budget =>
    all('0.02', { id, period: 'daily', time_zone, scope });
  const budgets = [daily('utc', 'UTC'), daily('tokyo', 'Asia/Tokyo', { tenant: 'default' })];
  const price = { prices: [{ model: '*', input: 1, output: 10 }] };
  const spentOf = async (house: House) =>
    Object.fromEntries((await standings(house)).map(({ budget, spent }) => [budget.id, spent]));

  it('that passes midnight under a call charges the day in which it began, in each zone its own', async () => {
    const clock = new SimulatedClock(Date.parse('2026-11-25T23:59:58Z'));
    const answered = () => {
      clock.advance(5000);
      return { text: 'word '.repeat(100) };
    };
    const data = temporaryFolder();
    const config = { ...price, data };
    const house = await walled(budgets, { clock, config, provider: { answer: answered } });
    await send(house.url + chatPath, chat({ max_tokens: 300 }));
    const cost = charged(house);
    expect(cost).toBeGreaterThan(0);
    expect(await spentOf(house)).toEqual({ utc: 0, tokyo: cost });
    await house.gateway.stop();
    // The same after a restart whose store has lost everything.
    for (const end of ['', '-wal', '-shm'])
      rmSync(join(data, `budgets.sqlite${end}`), { force: true });
    const again = await walled(budgets, { clock, config });
    await again.gateway.assembly.walls!.whenReady();
    expect(await spentOf(again)).toEqual({ utc: 0, tokyo: cost });
  });

  it('set back to yesterday finds yesterday as it was spent, and forward again today', async () => {
    const noon = Date.parse('2026-11-26T12:00:00Z') - systemClock.now();
    let shift = noon;
    const now = (): number => systemClock.now() + shift;
    const clock: Clock = {
      now,
      tick: () => systemClock.tick(),
      after: (ms, task) => systemClock.after(ms, task),
    };
    const house = await walled([daily('utc', 'UTC')], {
      clock,
      config: price,
      provider: { answer: () => ({ text: 'word '.repeat(400) }) },
    });
    const spend = async (): Promise<number[]> => {
      const statuses: number[] = [];
      for (let call = 0; call < 6; call++) {
        statuses.push((await send(house.url + chatPath, chat({ max_tokens: 600 }))).status);
      }
      return statuses;
    };
    expect([(await spend())[0], (await spend())[0]]).toEqual([200, 429]);
    shift = noon - 86_400_000;
    expect([(await spend())[0], (await spend())[0]]).toEqual([200, 429]);
    shift = noon;
    expect(new Set(await spend())).toEqual(new Set([429]));
  });

  it('of a restart with a lower limit gives nothing back, with a higher one the difference', async () => {
    const data = temporaryFolder();
    const life = async (limit: string): Promise<number[]> => {
      const provider = { answer: () => ({ text: 'word '.repeat(400) }) };
      const house = await walled([all(limit)], { config: { ...price, data }, provider });
      const statuses: number[] = [];
      for (let call = 0; call < 4; call++) {
        statuses.push((await send(house.url + chatPath, chat({ max_tokens: 600 }))).status);
      }
      await house.gateway.stop();
      return statuses;
    };
    expect(await life('0.03')).toEqual([200, 200, 200, 200]);
    expect(new Set(await life('0.01'))).toEqual(new Set([429]));
    expect((await life('0.035'))[0]).toBe(200);
  });
});
