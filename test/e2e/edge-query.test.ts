import { describe, expect, it } from 'vitest';
import type { ConfigFile } from '../../src/config/schema.ts';
import { tellingFields } from '../../src/gateway/request-fields.ts';
import { hasVarnish } from '../services/varnish-server.ts';
import { messages, send, startHouse, until, type Answer } from './harness.ts';
import { isFromEdge, query, queryConfig, queryHouse, type Asking } from './query-house.ts';

/** An edge that nothing asks in these tests. */
const noEdge = { url: 'http://127.0.0.1:9', secret: 'a-secret-of-the-edge-01' };
const startAlone = (cache: object = {}, more: ConfigFile = {}) =>
  startHouse({ config: { ...queryConfig(noEdge, cache), ...more } });

/** Whether an answer tells caches that they may keep it; if not, it must say so to all of them. */
function isKept({ headers }: Answer): boolean {
  expect(headers['cache-control']).toBe('no-store');
  const said = headers['cdn-cache-control'];
  expect(headers['surrogate-control']).toBe(said);
  if (said !== 'no-store') return /^public, max-age=\d+, must-revalidate$/.test(String(said));
  expect(headers['surrogate-key']).toBeUndefined();
  expect(headers['cache-tag']).toBeUndefined();
  return false;
}

describe('an answer to QUERY', () => {
  it('says for how long, for whom and under which names it may be kept, and nothing of one call', async () => {
    const { url } = await startAlone();
    expect(isKept(await query(url))).toBe(false);
    const again = await query(url);
    expect(isKept(again)).toBe(true);
    const { headers } = again;
    expect(headers['cdn-cache-control']).toMatch(/max-age=3(600|59\d)\b/);
    expect(headers['vary']).toBe(tellingFields.join(', '));
    const names = String(headers['surrogate-key']).split(' ');
    expect(names.length).toBeGreaterThan(4);
    expect(names.every((name) => /^e[\w-]{16}$/.test(name))).toBe(true);
    expect(headers['cache-tag']).toBe(names.join(','));
    expect(headers['accept-query']).toBe('application/json');
    expect(headers['x-economizer-model']).toBe('gpt-4o');
    expect(headers['age']).toMatch(/^\d+$/);
    const ofOneCall =
      /^(x-economizer-(?!model)|server-timing|set-cookie|location|content-location|x-request-id|x-ratelimit)/;
    expect(Object.keys(headers).filter((name) => ofOneCall.test(name))).toEqual([]);
  });

  it('names in Vary what we know by a part of its name', async () => {
    const { url } = await startAlone();
    const extra = { headers: { 'OpenAI-Next-Thing': 'x', 'X-Economizer-New': 'y' } };
    await query(url, {}, extra);
    const { headers } = await query(url, {}, extra);
    expect(headers['vary']).toBe(
      `${tellingFields.join(', ')}, openai-next-thing, x-economizer-new`,
    );
  });

  it('is revalidated by its ETag, which is another for another answer', async () => {
    const { url } = await startAlone();
    await query(url);
    const kept = await query(url);
    const etag = String(kept.headers['etag']);
    const ask = (field: string, body = {}) =>
      query(url, body, { headers: { 'if-none-match': field } });
    for (const field of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const same = await ask(field);
      expect([same.status, same.body.length, same.headers['etag']]).toEqual([304, 0, etag]);
      expect(same.headers['vary']).toBe(kept.headers['vary']);
      expect(isKept(same)).toBe(true);
    }
    expect((await ask('"x"')).status).toBe(200);
    await query(url, { stream: true });
    const stream = await ask(etag, { stream: true });
    expect(stream.status).toBe(200);
    expect(stream.headers['etag']).not.toBe(etag);
    // What comes from the provider has no version here.
    expect((await ask('*', { seed: 1 })).status).toBe(200);
  });

  it.each<[string, Asking, object]>([
    ['under a private policy', { headers: { 'x-economizer-agent': 'private' } }, {}],
    ['for a tenant that does not share', { key: 'ivy' }, {}],
    ['with a credential for the provider', { headers: { 'x-goog-api-key': 'own' } }, {}],
    ['that must be fresh', { headers: { 'cache-control': 'max-age=600' } }, {}],
    ['that may be stale', { headers: { 'cache-control': 'max-stale=600' } }, {}],
    ['that is only wanted if stored', { headers: { 'cache-control': 'only-if-cached' } }, {}],
    ['that is sampled', {}, { temperature: 1 }],
    ['in a POST', { method: 'POST' }, {}],
    ['without a key', { key: 'nobody' }, {}],
  ])('is kept nowhere %s', async (_, asking, body) => {
    const { url } = await startAlone();
    for (let turn = 0; turn < 3; turn++) {
      const answer = await query(url, body, asking);
      if (asking.method === 'POST') expect(answer.headers['cdn-cache-control']).toBeUndefined();
      else expect(isKept(answer)).toBe(false);
      expect(answer.headers['etag']).toBeUndefined();
    }
  });

  it('is kept nowhere in its last second, when it is stale, and when it is a refusal', async () => {
    const { response } = queryConfig(noEdge).cache!.policies!;
    const { url, provider } = await startAlone({
      ttl: '1s',
      stale_while_revalidate: '1h',
      policies: { response: { ...response, negative_ttl: '1m' } },
      rules: [],
    });
    await query(url);
    expect(isKept(await query(url))).toBe(false);
    provider.failNext({ kind: 'status', status: 404 });
    await query(url, { seed: 4 });
    const refusal = await query(url, { seed: 4 });
    expect([refusal.status, provider.calls.length]).toEqual([404, 2]);
    expect(isKept(refusal)).toBe(false);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const stale = await query(url);
    expect(stale.headers['cache-status']).toContain('ttl=-');
    expect(isKept(stale)).toBe(false);
  });

  it('is kept nowhere where edge.query is off or there are no keys', async () => {
    const off = await startAlone({}, { edge: { ...queryConfig(noEdge).edge!, query: false } });
    const policies = {
      response: { scope: 'shared', share_as: 'faq', share_with: ['default'], edge: 'public' },
    };
    const open = await startAlone({ policies, rules: [] }, { access: {} });
    for (const { url } of [off, open]) {
      await query(url);
      const answer = await query(url);
      expect(answer.headers['cache-status']).toContain('hit');
      expect(isKept(answer)).toBe(false);
    }
  });

  it('is kept nowhere where only the provider says that it may be', async () => {
    const { url, provider } = await startAlone();
    const headers = {
      'Cache-Control': 'public, max-age=600',
      'CDN-Cache-Control': 'max-age=600',
      'Cloudflare-CDN-Cache-Control': 'max-age=600',
      'Surrogate-Control': 'max-age=600',
      'Surrogate-Key': 'x',
      'Cache-Tag': 'x',
      Expires: 'Thu, 26 Nov 2099 00:00:00 GMT',
    };
    provider.failNext({ kind: 'status', status: 404, headers });
    const answer = await query(url);
    expect([answer.status, isKept(answer)]).toEqual([404, false]);
    expect(answer.headers['expires']).toBeUndefined();
    expect(answer.headers['cloudflare-cdn-cache-control']).toBeUndefined();
    provider.failNext({ kind: 'status', status: 404, headers });
    const posted = await query(url, {}, { method: 'POST' });
    expect(posted.headers['cdn-cache-control']).toBe('max-age=600');
  });

  it('must say that its question is JSON', async () => {
    const { url, provider, rows } = await startAlone();
    for (const type of ['text/plain', '', 'application/json-seq']) {
      const refused = await query(url, {}, { headers: { 'content-type': type } });
      expect([type, refused.status]).toEqual([type, 415]);
      expect(refused.headers['accept-query']).toBe('application/json');
      expect(JSON.parse(refused.body.toString()).error.code).toBe('ECO_MEDIA_TYPE');
      expect(isKept(refused)).toBe(false);
    }
    expect(provider.calls).toHaveLength(0);
    expect(rows).toHaveLength(3);
    const type = { 'content-type': 'Application/JSON; charset=utf-8' };
    expect((await query(url, {}, { headers: type })).status).toBe(200);
    expect((await query(url, {}, { method: 'POST', headers: { 'content-type': '' } })).status).toBe(
      200,
    );
  });

  it('is none at the address of the sealed answer', async () => {
    const { url } = await startAlone();
    const answer = await query(url, '{}', { path: '/economizer/edge/v1/x' });
    expect([answer.status, answer.headers['allow']]).toEqual([405, 'GET, HEAD']);
    expect(isKept(answer)).toBe(false);
  });
});

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
    const from = performance.now();
    await query(url);
    // Part of its time has passed before the edge gets it.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await query(url);
    expect(isFromEdge(await query(url))).toBe(true);
    let last = 0;
    while (house.provider.calls.length === 1) {
      const began = performance.now() - from;
      if (isFromEdge(await query(url))) last = began;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(last).toBeLessThan(4100);
  });

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
    const house = await queryHouse({}, { provider: { firstByteMs: 400 } });
    const from = performance.now();
    const ask = () => query(house.edge.url, { temperature: 1 });
    const answers = await Promise.all(Array.from({ length: 8 }, ask));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(house.provider.calls).toHaveLength(8);
    expect(performance.now() - from).toBeLessThan(1600);
  });

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
  ])('is taken out by a purge of %j within a second: %s', async (request, isGone) => {
    const house = await queryHouse();
    const { url } = house.edge;
    const asking = { headers: { 'x-economizer-cache-tags': 'a' } };
    for (let turn = 0; turn < 3; turn++) await query(url, {}, asking);
    const from = performance.now();
    await house.gateway.assembly.purger.purge(request);
    expect(isFromEdge(await query(url, {}, asking))).toBe(!isGone);
    expect(performance.now() - from).toBeLessThan(1000);
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
