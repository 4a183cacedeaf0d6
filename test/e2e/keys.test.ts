import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createKey, revokeKey, rotateKey, type KeyMaker } from '../../src/access/lifecycle.ts';
import { newTerms } from '../../src/access/read-terms.ts';
import { createSqliteKeyStore } from '../../src/access/stores/sqlite.ts';
import type { KeyTerms } from '../../src/access/terms.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { chat, messages, send, startHouse, temporaryFolder, type House } from './harness.ts';

/** A second process's view of the keys, as the command line has it. */
function keysIn(data: string) {
  const store = createSqliteKeyStore({ path: join(data, 'keys.sqlite') });
  const maker: KeyMaker = { store, clock: systemClock, random: randomBytes };
  const make = async (id: string, changes: Partial<KeyTerms> = {}): Promise<string> =>
    (await createKey(maker, { ...newTerms(undefined, randomBytes), id, ...changes })).text;
  return { maker, make };
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function ask(
  house: House,
  key: string | undefined,
  extra: object = {},
  path = '/v1/chat/completions',
) {
  const headers: Record<string, string> =
    key === undefined ? {} : { authorization: `Bearer ${key}` };
  const body = path.endsWith('messages') ? messages(extra) : chat(extra);
  const answer = await send(house.url + path, body, { headers });
  return { status: answer.status, text: answer.body.toString() };
}

describe('keys that are made while the gateway runs', () => {
  it('are asked for from the first on, act within a second when revoked or rotated, and never reach the provider', async () => {
    const data = temporaryFolder();
    const caller = { openai: { credentials: 'caller' } } as never;
    const house = await startHouse({
      config: { data, providers: caller, cache: { enabled: false } },
    });
    expect((await ask(house, 'sk-provider')).status).toBe(200);
    expect(house.provider.calls.at(-1)!.rawHeaders.join()).toContain('sk-provider');
    expect(existsSync(join(data, 'keys.sqlite'))).toBe(false);

    const { maker, make } = keysIn(data);
    const text = await make('ci', { tenant: 'red', team: 'research' });
    await wait(300);
    expect((await ask(house, 'sk-provider')).status).toBe(401);
    expect((await ask(house, undefined)).status).toBe(401);
    expect((await ask(house, text)).status).toBe(200);
    const seen = house.provider.calls.at(-1)!.rawHeaders.join();
    expect(seen).not.toContain('eco-');
    expect(house.rows.at(-1)).toMatchObject({ tenant: 'red', team: 'research', key: 'ci' });

    const { text: newer } = await rotateKey(maker, { tenant: 'red', id: 'ci' }, 60_000);
    await wait(300);
    expect([(await ask(house, text)).status, (await ask(house, newer)).status]).toEqual([200, 200]);
    await revokeKey(maker, { tenant: 'red', id: 'ci' });
    await wait(300);
    const refused = await ask(house, newer);
    expect([refused.status, JSON.parse(refused.text).error.code]).toEqual([401, 'ECO_KEY_ENDED']);
    expect(refused.text).not.toContain(newer.slice(4, 20));
    expect((await ask(house, 'sk-provider')).status).toBe(401);
    await maker.store.close();
  });

  it('are no credential where the gateway has none: a stray one does not reach the provider', async () => {
    const caller = { openai: { credentials: 'caller' } } as never;
    const house = await startHouse({ config: { providers: caller } });
    const { status, text } = await ask(house, `eco-${'x'.repeat(43)}`);
    expect([status, house.provider.calls.length]).toEqual([401, 0]);
    expect(text).not.toContain('xxx');
  });
});

describe('what a key allows', () => {
  const start = async (terms: Partial<KeyTerms>) => {
    const data = temporaryFolder();
    const { make, maker } = keysIn(data);
    const key = await make('ci', terms);
    await maker.store.close();
    const house = await startHouse({ config: { data } });
    const ends = async (
      body: string | undefined,
      path = '/v1/chat/completions',
      method = 'POST',
      more: Record<string, string> = {},
    ) => {
      const headers = { authorization: `Bearer ${key}`, ...more };
      const answer = await send(house.url + path, body, { method, headers });
      const code = /ECO_\w+/.exec(answer.body.toString())?.[0];
      return code ?? answer.status;
    };
    return { house, ends };
  };
  const asked = (model: string, more: object = {}) => chat({ model, ...more });

  it.each<[string, string, string | number]>([
    ['a model that fits', asked('gpt-4o-mini'), 200],
    ['another model', asked('o3'), 'ECO_NOT_ALLOWED'],
    ['a fallback that fits', asked('gpt-4o', { models: ['gpt-4o-mini'] }), 200],
    ['another as fallback', asked('gpt-4o', { models: ['gpt-4o', 'o3'] }), 'ECO_NOT_ALLOWED'],
    [
      'another, its name in escapes',
      `{"model":"gpt-4o","mode\\u006cs":["o3"],"messages":[]}`,
      'ECO_NOT_ALLOWED',
    ],
    [
      'another in a fallback object',
      asked('gpt-4o', { fallbacks: [{ model: 'o3' }] }),
      'ECO_NOT_ALLOWED',
    ],
    [
      'another in a tool',
      asked('gpt-4o', { tools: [{ type: 'image_generation', model: 'x' }] }),
      'ECO_NOT_ALLOWED',
    ],
    [
      'a function tool',
      asked('gpt-4o', { tools: [{ type: 'function', function: { name: 'f' } }] }),
      200,
    ],
  ])('models, in the body: %s', async (_name, body, expected) => {
    const { ends, house } = await start({ models: ['gpt-4o*'] });
    expect(await ends(body)).toBe(expected);
    expect(house.provider.calls.length).toBe(expected === 200 ? 1 : 0);
    if (expected !== 200)
      expect(house.rows.at(-1)).toMatchObject({ outcome: 'refused', key: 'ci', costNanos: 0 });
  });

  it.each<[string, string, string | number]>([
    ['POST', '/openai/models/gpt-4o:generateContent', 404],
    ['POST', '/openai/deployments/gpt-4o/images', 404],
    ['POST', '/openai/models/o3:generateContent', 'ECO_NOT_ALLOWED'],
    ['POST', '/openai/models/gpt-4o/../o3:generateContent', 'ECO_NOT_ALLOWED'],
    ['POST', '/openai/models/gpt-4o%2f..%2fo3:generateContent', 'ECO_NOT_ALLOWED'],
    ['POST', '/openai/models/o3/models/gpt-4o', 'ECO_NOT_ALLOWED'],
    ['POST', '/openai/images/generations', 'ECO_NOT_ALLOWED'],
    ['POST', '/openai/batches', 'ECO_NOT_ALLOWED'],
    ['GET', '/openai/models', 404],
  ])('models, on untouched paths: %s %s', async (method, path, expected) => {
    const { ends } = await start({ models: ['gpt-4o*'] });
    const found = await ends(method === 'GET' ? undefined : '{"model":"gpt-4o"}', path, method);
    if (expected === 'ECO_NOT_ALLOWED') expect(found).toBe(expected);
    else expect(found).not.toBe('ECO_NOT_ALLOWED');
  });

  it('models, where the body is coded and cannot be read', async () => {
    const { ends, house } = await start({ models: ['gpt-4o*'] });
    const coded = { 'content-encoding': 'gzip' };
    expect(await ends('xx', '/v1/chat/completions', 'POST', coded)).toBe('ECO_NOT_ALLOWED');
    expect(house.provider.calls).toHaveLength(0);
  });

  it('providers, on bare paths, named ones and untouched ones', async () => {
    const { ends } = await start({ providers: ['openai'] });
    expect(await ends(asked('gpt-4o'))).toBe(200);
    expect(await ends(messages(), '/v1/messages')).toBe('ECO_NOT_ALLOWED');
    expect(await ends(messages(), '/anthropic/v1/messages')).toBe('ECO_NOT_ALLOWED');
    expect(await ends(undefined, '/anthropic/v1/files', 'GET')).toBe('ECO_NOT_ALLOWED');
  });

  it('the scope to call', async () => {
    const { ends, house } = await start({ scopes: ['admin'] });
    expect(await ends(asked('gpt-4o'))).toBe('ECO_NOT_ALLOWED');
    expect(await ends(undefined, '/v1/models', 'GET')).toBe('ECO_NOT_ALLOWED');
    expect(house.provider.calls).toHaveLength(0);
  });

  it('is refused in the shape of the caller’s dialect', async () => {
    const data = temporaryFolder();
    const { make, maker } = keysIn(data);
    const key = await make('ci', { models: ['none'] });
    await maker.store.close();
    const house = await startHouse({ config: { data } });
    const openai = await ask(house, key);
    const anthropic = await ask(house, key, {}, '/v1/messages');
    expect([openai.status, anthropic.status]).toEqual([403, 403]);
    expect(JSON.parse(openai.text).error).toMatchObject({
      code: 'ECO_NOT_ALLOWED',
      param: 'model',
    });
    expect(JSON.parse(anthropic.text)).toMatchObject({
      type: 'error',
      error: {
        type: 'permission_error',
        message: expect.stringContaining('may not use the model'),
      },
    });
  });
});

describe('what callers say of themselves', () => {
  const who = async (
    terms: Partial<KeyTerms>,
    headers: Record<string, string>,
    extra: object = {},
  ) => {
    const data = temporaryFolder();
    const { make, maker } = keysIn(data);
    const key = await make('ci', terms);
    await maker.store.close();
    const house = await startHouse({ config: { data } });
    const all = { authorization: `Bearer ${key}`, ...headers };
    // Bytes, since Node's client writes the header of a text in the text's own encoding.
    const body = Buffer.from(chat(extra));
    const answer = await send(`${house.url}/v1/chat/completions`, body, { headers: all });
    const { agent, session, tags } = house.rows.at(-1)!;
    return [answer.status, agent, session, tags];
  };
  const said = { 'x-economizer-agent': 'mine', 'x-economizer-tags': 'a, b,a' };

  it('holds where the key says nothing', async () => {
    const found = await who({}, { ...said, 'x-economizer-session': 's' });
    expect(found).toEqual([200, 'mine', 's', ['a', 'b']]);
  });
  it('does not replace what the key says, in headers or body', async () => {
    const terms = { agent: 'fixed', tags: ['k'] };
    expect(await who(terms, said)).toEqual([200, 'fixed', undefined, ['k']]);
    const metadata = { metadata: { agent: 'other', session: 's' } };
    expect(await who(terms, {}, metadata)).toEqual([200, 'fixed', 's', ['k']]);
  });
  it('does, where the key lets it; its own tags stay', async () => {
    const terms = { agent: 'fixed', tags: ['k'], overridable: true };
    expect(await who(terms, said)).toEqual([200, 'mine', undefined, ['k', 'a', 'b']]);
  });
  it.each([
    ['a tag that is too long', { 'x-economizer-tags': 'a'.repeat(129) }],
    [
      'too many tags',
      { 'x-economizer-tags': Array.from({ length: 33 }, (_, i) => `t${i}`).join() },
    ],
    ['a name that is too long', { 'x-economizer-agent': 'a'.repeat(257) }],
    ['a name that means any', { 'x-economizer-session': '*' }],
    ['a tab in a name', { 'x-economizer-agent': 'a\tb' }],
  ])('is refused where it cannot be a name: %s', async (_name, headers) => {
    expect((await who({}, headers))[0]).toBe(400);
  });
  it('may be in any writing', async () => {
    const name = Buffer.from('Prüfer 検査').toString('latin1');
    expect((await who({}, { 'x-economizer-agent': name }))[1]).toBe('Prüfer 検査');
  });
});

describe('without keys', () => {
  it.each<[string, Record<string, string>, number]>([
    ['a program on this machine', {}, 200],
    ['by the name localhost', { host: 'localhost:1234' }, 200],
    [
      'a page of this machine',
      { origin: 'http://localhost:3000', 'sec-fetch-site': 'same-site' },
      200,
    ],
    ['by a name that points here', { host: 'rebound.example' }, 403],
    ['by a name that begins like ours', { host: 'localhost.example' }, 403],
    ['a page of another site', { origin: 'https://example.com' }, 403],
    ['a page without an origin', { origin: 'null' }, 403],
    ['a page that sends no origin', { 'sec-fetch-site': 'cross-site' }, 403],
    ['through a proxy', { 'x-forwarded-for': '203.0.113.9' }, 403],
    ['through a proxy that says so by the standard', { forwarded: 'for=203.0.113.9' }, 403],
  ])('%s: %#', async (_name, headers, status) => {
    const house = await startHouse();
    const answer = await send(`${house.url}/v1/chat/completions`, chat(), { headers });
    expect(answer.status).toBe(status);
    expect(house.provider.calls.length).toBe(status === 200 ? 1 : 0);
    if (status === 403) expect(answer.body.toString()).toContain('ECO_LOCAL_ONLY');
  });

  it('the gateway does not listen for others', async () => {
    await expect(startHouse({ config: { listen: { host: '0.0.0.0' } } })).rejects.toThrow(/key/);
    const data = temporaryFolder();
    const { make, maker } = keysIn(data);
    await make('ci');
    await maker.store.close();
    const house = await startHouse({ config: { data, listen: { host: '0.0.0.0', port: 0 } } });
    expect(house.url).toMatch(/0\.0\.0\.0/);
  });
});
