import { expect, it } from 'vitest';
import { createEconomizer } from '../../src/index.ts';
import { chat, messages, send, startHouse, temporaryFolder } from './harness.ts';

const query = (url: string, body: string) => send(url, body, { method: 'QUERY' });

it('QUERY asks a model as POST does, shares its answers, and is kept by no cache on the way', async () => {
  const house = await startHouse();
  const url = `${house.url}/v1/chat/completions`;
  const body = chat({ temperature: 0 });
  const first = await query(url, body);
  expect(first.status).toBe(200);
  expect(house.provider.calls.map(({ method }) => method)).toEqual(['POST']);
  const posted = await send(url, body);
  expect(posted.headers['cache-status']).toContain('detail=l1');
  const again = await query(url, body);
  expect(again.headers['cache-status']).toContain('detail=l1');
  expect(again.body.equals(first.body)).toBe(true);
  for (const { headers } of [first, again]) {
    expect([headers['cache-control'], headers['cdn-cache-control']]).toEqual([
      'no-store',
      'no-store',
    ]);
  }
  expect(posted.headers['cdn-cache-control']).toBeUndefined();
});

it('QUERY streams, speaks to Anthropic, and is refused in the dialect', async () => {
  const house = await startHouse();
  const stream = await query(`${house.url}/v1/messages`, messages({ stream: true }));
  expect(stream.headers['content-type']).toContain('text/event-stream');
  expect(stream.body.toString()).toContain('message_stop');
  const refused = await query(`${house.url}/v1/messages`, messages({ model: 7 }));
  expect(refused.headers['cache-control']).toBe('no-store');
});

it('QUERY goes through the toolkit too', async () => {
  const house = await startHouse();
  const baseUrl = `${house.provider.url}/v1`;
  const toolkit = createEconomizer({
    data: temporaryFolder(),
    providers: { openai: { kind: 'openai', base_url: baseUrl, api_key: 'x' } },
  });
  try {
    const ask = (method: string) =>
      toolkit.fetch(`${baseUrl}/chat/completions`, {
        method,
        headers: { 'content-type': 'application/json' },
        body: chat({ temperature: 0 }),
      });
    expect((await ask('QUERY')).status).toBe(200);
    expect((await ask('POST')).headers.get('cache-status')).toContain('detail=l1');
    expect(house.provider.calls).toHaveLength(1);
  } finally {
    await toolkit.close();
  }
});
