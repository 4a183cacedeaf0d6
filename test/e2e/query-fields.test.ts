import { describe, expect, it } from 'vitest';
import type { ConfigFile } from '../../src/config/schema.ts';
import { tellingFields } from '../../src/gateway/request-fields.ts';
import { startHouse, type Answer } from './harness.ts';
import { query, queryConfig, type Asking } from './query-house.ts';

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
