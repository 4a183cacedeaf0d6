import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { chat, messages, send, startHouse, type House, type HouseOptions } from './harness.ts';

const body = chat({ temperature: 0 });
const ofCaller: HouseOptions = {
  config: {
    providers: { openai: { credentials: 'caller' }, anthropic: { credentials: 'caller' } } as never,
  },
};

async function statusOf(
  house: House,
  headers: Record<string, string>,
  path = '/v1/chat/completions',
) {
  const sent = path === '/v1/messages' ? messages() : body;
  const answer = await send(house.url + path, sent, { headers });
  return /hit/.exec(String(answer.headers['cache-status']))?.[0] ?? 'miss';
}

describe('callers who show the provider different credentials never share an answer', () => {
  it.each<[string, Record<string, string>, Record<string, string>]>([
    ['bearer tokens', { authorization: 'Bearer a' }, { authorization: 'Bearer b' }],
    [
      'bearer tokens beside the same x-api-key',
      { authorization: 'Bearer a', 'x-api-key': 'k' },
      { authorization: 'Bearer b', 'x-api-key': 'k' },
    ],
    ['Azure’s api-key', { 'api-key': 'a' }, { 'api-key': 'b' }],
    ['Google’s key', { 'x-goog-api-key': 'a' }, { 'x-goog-api-key': 'b' }],
    ['cookies', { cookie: 'session=a' }, { cookie: 'session=b' }],
    ['a token of some vendor', { 'x-vendor-auth-token': 'a' }, { 'x-vendor-auth-token': 'b' }],
    ['none and one', {}, { authorization: 'Bearer b' }],
  ])('%s', async (_name, one, other) => {
    const house = await startHouse(ofCaller);
    expect(await statusOf(house, one)).toBe('miss');
    expect(await statusOf(house, other)).toBe('miss');
    expect(await statusOf(house, one)).toBe('hit');
    expect(house.provider.calls).toHaveLength(2);
  });

  it('nor where the gateway holds one key and they show another beside it', async () => {
    const house = await startHouse();
    expect(await statusOf(house, { 'api-key': 'a' })).toBe('miss');
    expect(await statusOf(house, { 'api-key': 'b' })).toBe('miss');
  });

  it('but do where only the gateway’s own key reaches the provider', async () => {
    const house = await startHouse();
    expect(await statusOf(house, { authorization: 'Bearer a' })).toBe('miss');
    expect(await statusOf(house, { authorization: 'Bearer b' })).toBe('hit');
    expect(await statusOf(house, { 'x-api-key': 'a' }, '/v1/messages')).toBe('miss');
    expect(await statusOf(house, { 'x-api-key': 'b' }, '/v1/messages')).toBe('hit');
  });

  it('nor a flight that is under way', async () => {
    const house = await startHouse({ ...ofCaller, provider: { firstByteMs: 50 } });
    const found = await Promise.all(
      ['a', 'b'].map((token) => statusOf(house, { authorization: `Bearer ${token}` })),
    );
    expect([found, house.provider.calls.length]).toEqual([['miss', 'miss'], 2]);
  });
});

it('tenants of one gateway never share an answer, agents of one tenant do', async () => {
  const keys = ['one', 'two', 'three'].map((key) => ({
    id: key,
    sha256: createHash('sha256').update(key).digest('hex'),
    tenant: key === 'three' ? 'red' : key,
    agent: key,
  }));
  keys[0]!.tenant = 'red';
  const house = await startHouse({ config: { access: { keys } } });
  const as = (key: string) => statusOf(house, { authorization: `Bearer ${key}` });
  expect([await as('one'), await as('two'), await as('three')]).toEqual(['miss', 'miss', 'hit']);
  expect(house.rows.map(({ tenant, agent }) => [tenant, agent])).toEqual([
    ['red', 'one'],
    ['two', 'two'],
    ['red', 'three'],
  ]);
});
