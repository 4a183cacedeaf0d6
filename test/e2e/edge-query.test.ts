import { describe, expect, it } from 'vitest';
import { hasVarnish } from '../services/varnish-server.ts';
import { messages, send, until, type Answer } from './harness.ts';
import { isFromEdge, query, queryHouse, type Asking } from './query-house.ts';

describe.skipIf(!hasVarnish)('QUERY through a real Varnish with our VCL', () => {
  it('is answered there from the third time on, byte for byte, plain and streaming, in both dialects', async () => {
    const house = await queryHouse();
    const { url } = house.edge;
    const forms: readonly [object | string, Asking][] = [
      [{}, {}],
      [{ stream: true }, {}],
      [{ stream: true, stream_options: { include_usage: true } }, {}],
      [messages({ temperature: 0 }), { path: '/v1/messages' }],
      [messages({ temperature: 0, stream: true }), { path: '/v1/messages' }],
    ];
    for (const [body, asking] of forms) {
      const first = await query(url, body, asking);
      const second = await query(url, body, asking);
      const before = house.seen();
      expect([first.status, isFromEdge(first)]).toEqual([200, false]);
      for (let turn = 0; turn < 3; turn++) {
        const again = await query(url, body, asking);
        expect([again.status, isFromEdge(again)]).toEqual([200, true]);
        expect(again.headers['content-type']).toBe(second.headers['content-type']);
        expect(again.body.equals(second.body)).toBe(true);
        expect(again.body.equals(first.body)).toBe(true);
        // What the edge goes by is its own business, and browsers keep nothing.
        expect(
          again.headers['surrogate-key'] ?? again.headers['cdn-cache-control'],
        ).toBeUndefined();
        expect(again.headers['cache-control']).toBe('no-store');
      }
      expect(house.seen()).toBe(before);
    }
    // Plain and streamed are one question to the gateway, and two to the edge.
    expect(house.provider.calls).toHaveLength(2);
  });

  it('is answered by the gateway where key, body or a field is another', async () => {
    const house = await queryHouse();
    const { url } = house.edge;
    const path = '/v1/chat/completions?x';
    const others: readonly [object, Asking][] = [
      [{}, { key: 'bob' }],
      [{}, { key: 'gus' }],
      [{}, { key: 'ivy' }],
      [{}, { key: 'nobody' }],
      [{ seed: 1 }, {}],
      [{}, { path }],
      [{}, { headers: { 'x-api-key': 'ann' } }],
      [{}, { headers: { accept: 'text/event-stream' } }],
      [{}, { headers: { 'x-economizer-agent': 'bot' } }],
      [{}, { headers: { 'x-economizer-tags': 'a' } }],
      [{}, { headers: { 'X-Economizer-New': 'a' } }],
      [{}, { headers: { 'openai-organization': 'a' } }],
      [{}, { headers: { 'openai-next': 'a' } }],
      [{}, { headers: { 'x-session-token': 'a' } }],
      [{}, { headers: { cookie: 'a=b' } }],
      [{}, { headers: { 'cache-control': 'no-cache' } }],
      [{}, { headers: { range: 'bytes=0-1' } }],
      [{}, { method: 'POST' }],
    ];
    for (let turn = 0; turn < 3; turn++) await query(url);
    for (const [body, asking] of others) {
      const before = house.seen();
      const answer = await query(url, body, asking);
      expect([asking, isFromEdge(answer), house.seen()]).toEqual([asking, false, before + 1]);
    }
    expect(isFromEdge(await query(url))).toBe(true);
    // Nor does one of them learn the way in from its own refusal.
    expect((await query(url, {}, { key: 'nobody' })).status).toBe(401);
    // What tells of no question does not count.
    const trace = {
      'user-agent': 'x',
      traceparent: 'y',
      'accept-encoding': 'br',
      'x-stainless-os': 'z',
    };
    expect(isFromEdge(await query(url, {}, { headers: trace }))).toBe(true);
  });

  it('is never kept where the answer is private', async () => {
    const house = await queryHouse();
    const headers = { 'x-economizer-agent': 'private' };
    for (let turn = 1; turn < 5; turn++) {
      expect(isFromEdge(await query(house.edge.url, {}, { headers }))).toBe(false);
      expect(house.seen()).toBe(turn);
    }
  });

  it('keeps no longer than the gateway would', async () => {
    const house = await queryHouse({ ttl: '4s' });
    const { url } = house.edge;
    await query(url);
    const storedBy = performance.now();
    // Part of its time has passed before the edge gets it.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    let last = 0;
    while (house.provider.calls.length === 1) {
      const began = performance.now();
      if (isFromEdge(await query(url))) last = began - storedBy;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(last).toBeGreaterThan(1500);
    expect(last).toBeLessThan(4000);
  }, 30_000);

  it('revalidates for callers', async () => {
    const { edge, seen } = await queryHouse();
    for (let turn = 0; turn < 2; turn++) await query(edge.url);
    const etag = String((await query(edge.url)).headers['etag']);
    const same = await query(edge.url, {}, { headers: { 'if-none-match': etag } });
    expect([same.status, same.body.length, isFromEdge(same), seen()]).toEqual([304, 0, true, 2]);
    const other = await query(edge.url, {}, { headers: { 'if-none-match': '"x"' } });
    expect([other.status, isFromEdge(other)]).toEqual([200, true]);
  });

  it('passes what is too large to hash, or of a size that is not known, and takes it whole', async () => {
    const house = await queryHouse();
    const { url } = house.edge;
    const large = { messages: [{ role: 'user', content: 'x'.repeat(1024 * 1024) }] };
    for (let turn = 1; turn < 4; turn++) {
      const answer = await query(url, large);
      expect([answer.status, isFromEdge(answer), house.seen()]).toEqual([200, false, turn]);
    }
    const chunked = { headers: { 'transfer-encoding': 'chunked' } };
    const text = JSON.stringify({ model: 'gpt-4o', temperature: 0, messages: [] });
    for (let turn = 4; turn < 7; turn++) {
      const { headers } = await send(`${url}/v1/chat/completions`, text, {
        method: 'QUERY',
        headers: { authorization: 'Bearer ann', ...chunked.headers },
      });
      expect([isFromEdge({ headers } as Answer), house.seen()]).toEqual([false, turn]);
    }
    expect((house.provider.calls[0]!.json as typeof large).messages).toEqual(large.messages);
  });

  it('lets nobody wait for another: calls that are not one go on side by side', async () => {
    const house = await queryHouse({}, { provider: { firstByteMs: 3000 } });
    const ask = () => query(house.edge.url, { temperature: 1 });
    const answers = Promise.all(Array.from({ length: 8 }, ask));
    await until(() => house.provider.inFlight === 8);
    expect((await answers).every(({ status }) => status === 200)).toBe(true);
  }, 30_000);

  it.each([
    [{ tags: ['a'] }, true],
    [{ tags: ['b'] }, false],
    [{ tags: ['a'], soft: true }, true],
    [{ models: ['gpt-4o'] }, true],
    [{ models: ['gpt-5'] }, false],
    [{ tenant: 'acme' }, true],
    [{ tenant: 'initech' }, false],
    [{ policies: ['response'] }, true],
    [{ all: true }, true],
  ])('is taken out by a purge of %j at once: %s', async (request, isGone) => {
    const house = await queryHouse();
    const { url } = house.edge;
    const asking = { headers: { 'x-economizer-cache-tags': 'a' } };
    for (let turn = 0; turn < 3; turn++) await query(url, {}, asking);
    const from = performance.now();
    await house.gateway.assembly.purger.purge(request);
    // Some milliseconds; the rest is for machines that are busy.
    expect(performance.now() - from).toBeLessThan(3000);
    expect(isFromEdge(await query(url, {}, asking))).toBe(!isGone);
    expect(house.provider.calls).toHaveLength(isGone ? 2 : 1);
  });

  it('ends for the provider when its caller leaves', async () => {
    const answer = () => ({ text: 'word '.repeat(100) });
    const house = await queryHouse({}, { provider: { gapMs: 50, answer } });
    const text = JSON.stringify({ model: 'gpt-4o', temperature: 0, stream: true, messages: [] });
    let chunks = 0;
    await send(`${house.edge.url}/v1/chat/completions`, text, {
      method: 'QUERY',
      headers: { authorization: 'Bearer ann', 'content-length': String(text.length) },
      onChunk: (_, leave) => void (++chunks === 3 && leave()),
    }).catch(() => {});
    await until(() => house.provider.aborted === 1);
    // Nothing of it is kept.
    const again = await query(house.edge.url, text);
    expect([again.status, isFromEdge(again), house.provider.calls.length]).toEqual([200, false, 2]);
  });
});
