import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { chat, send, startHouse, type House } from './harness.ts';

const operator = 'operator-key-of-enough-letters';

/** A gateway whose operator's key is configured. */
function start(more: object = {}): Promise<House> {
  const access = { admin_sha256: hash('sha256', operator, 'hex') };
  return startHouse({ config: { access, ...more } });
}

async function ask(
  house: House,
  target: string,
  options: { key?: string; body?: object | string; headers?: Record<string, string> } = {},
) {
  const [method = '', path = ''] = target.split(' ');
  const { key = operator, body, headers = {} } = options;
  const answer = await send(
    `${house.url}/economizer/admin/${path}`,
    typeof body === 'object' ? JSON.stringify(body) : body,
    { method, headers: { ...(key === '' ? {} : { authorization: `Bearer ${key}` }), ...headers } },
  );
  const text = answer.body.toString('utf8');
  const value = JSON.parse(text) as Record<string, never> & { error?: { code: string } };
  return { status: answer.status, headers: answer.headers, value, text };
}

const codeOf = async (asked: ReturnType<typeof ask>): Promise<string> => {
  const { status, value } = await asked;
  return `${status} ${value.error?.code}`;
};

describe('the admin API', () => {
  it('makes, shows, changes, rotates and revokes a key that works at once', async () => {
    const house = await start();
    const made = await ask(house, 'POST keys', {
      body: { id: 'ci', tenant: 'red', models: ['gpt-4o'], expires: '30d', tags: ['x'] },
    });
    expect(made.status).toBe(201);
    const { secret, key } = made.value as never as { secret: string; key: object };
    expect(key).toMatchObject({ id: 'ci', tenant: 'red', models: ['gpt-4o'], state: 'active' });
    const call = async (text: string, model = 'gpt-4o') => {
      await new Promise((resolve) => setTimeout(resolve, 260));
      const headers = { authorization: `Bearer ${text}` };
      return (await send(`${house.url}/v1/chat/completions`, chat({ model }), { headers })).status;
    };
    expect([await call(secret), await call(secret, 'o3')]).toEqual([200, 403]);
    const changed = await ask(house, 'PATCH keys/ci', { body: { models: null, team: 'blue' } });
    expect(changed.value['key']).toMatchObject({ models: null, team: 'blue', tags: ['x'] });
    expect(await call(secret, 'o3')).toBe(200);
    expect(house.rows.at(-1)).toMatchObject({ team: 'blue', tags: ['x'] });
    const rotated = await ask(house, 'POST keys/ci/rotate', { body: { grace: '0s' } });
    const { secret: newer } = rotated.value as never as { secret: string };
    expect([await call(secret), await call(newer)]).toEqual([401, 200]);
    const { text } = await ask(house, 'GET keys');
    for (const each of [secret, newer]) expect(text).not.toContain(each.slice(8, -4));
    expect((await ask(house, 'DELETE keys/ci')).value['key']).toMatchObject({ state: 'revoked' });
    expect(await call(newer)).toBe(401);
    expect(await codeOf(ask(house, 'POST keys/ci/rotate'))).toBe('401 ECO_KEY_ENDED');
    expect(await codeOf(ask(house, 'GET keys/nope'))).toBe('404 ECO_NO_KEY');
    const usage = (await ask(house, 'GET usage?by=key&tenant=red')).value['lines'];
    expect(usage).toMatchObject([{ group: 'ci' }]);
  });

  it('answers nobody without its key, whether there are keys or not, and tells nothing', async () => {
    const open = await startHouse();
    const closed = await start();
    const none = 'ECO_UNAUTHORISED';
    for (const house of [open, closed]) {
      for (const key of ['', 'x', 'undefined', `eco-${'x'.repeat(43)}`]) {
        expect(await codeOf(ask(house, 'GET keys', { key }))).toBe(`401 ${none}`);
        expect(await codeOf(ask(house, 'GET nowhere', { key }))).toBe(`401 ${none}`);
      }
    }
  });

  it('is no place for pages of other sites', async () => {
    const house = await start();
    const origin = { origin: 'https://example.com', 'content-type': 'text/plain' };
    const asked = await ask(house, 'POST keys', { body: {}, headers: origin });
    expect([asked.status, asked.value.error?.code]).toEqual([400, 'ECO_BAD_JSON']);
    const answered = await ask(house, 'GET keys', { headers: origin });
    expect(answered.headers).not.toHaveProperty('access-control-allow-origin');
    expect(answered.headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    expect((await ask(house, 'GET keys', { key: '' })).headers['cache-control']).toBe('no-store');
  });

  it('passes nothing on to a provider, and books nothing', async () => {
    const house = await start();
    await ask(house, 'GET keys');
    expect(await codeOf(ask(house, 'GET v1/models'))).toBe('404 ECO_NO_ADMIN_ROUTE');
    expect([house.provider.calls.length, house.rows.length]).toEqual([0, 0]);
  });

  it.each<[string, string, object | string | undefined, string]>([
    ['another method', 'PUT keys', {}, '404 ECO_NO_ADMIN_ROUTE'],
    ['a path with escapes that are none', 'GET keys/%zz', undefined, '404 ECO_NO_ADMIN_ROUTE'],
    ['a name from the prototype', 'GET keys/__proto__', undefined, '404 ECO_NO_KEY'],
    ['no JSON', 'POST keys', '{', '400 ECO_BAD_JSON'],
    ['a list', 'POST keys', '[]', '400 ECO_BAD_JSON'],
    ['deep nesting', 'POST keys', `{"a":${'['.repeat(50)}${']'.repeat(50)}}`, '400 ECO_TOO_DEEP'],
    ['too much', 'POST keys', { id: 'x'.repeat(100_000) }, '413 ECO_BODY_TOO_LARGE'],
    ['a field that there is not', 'POST keys', { modles: ['x'] }, '400 ECO_BAD_KEY'],
    ['a prototype', 'POST keys', '{"__proto__":{"scopes":["operator"]}}', '400 ECO_BAD_KEY'],
    ['an id with a slash', 'POST keys', { id: 'a/b' }, '400 ECO_BAD_KEY'],
    ['a tenant with a line break', 'POST keys', { tenant: 'a\nb' }, '400 ECO_BAD_KEY'],
    ['a tenant that means any', 'POST keys', { tenant: '*' }, '400 ECO_BAD_KEY'],
    ['no models at all', 'POST keys', { models: [] }, '400 ECO_BAD_KEY'],
    ['models as text', 'POST keys', { models: 'gpt-4o' }, '400 ECO_BAD_KEY'],
    ['a scope that there is not', 'POST keys', { scopes: ['root'] }, '400 ECO_BAD_KEY'],
    ['no scope', 'POST keys', { scopes: [] }, '400 ECO_BAD_KEY'],
    ['an end in the past', 'POST keys', { expires: '2020-01-01' }, '400 ECO_BAD_KEY'],
    ['an end beyond time', 'POST keys', { expires: '99999999999d' }, '400 ECO_BAD_KEY'],
    ['a number as end', 'POST keys', { expires: 5 }, '400 ECO_BAD_KEY'],
    ['a grace without a unit', 'POST keys/x/rotate', { grace: '5' }, '400 ECO_BAD_KEY'],
    ['a grouping that there is not', 'GET usage?by=__proto__', undefined, '400 ECO_BAD_QUERY'],
    ['a time that is none', 'GET usage?from=yesterday', undefined, '400 ECO_BAD_QUERY'],
  ])('refuses %s', async (_name, target, body, expected) => {
    const house = await start();
    expect(await codeOf(ask(house, target, body === undefined ? {} : { body }))).toBe(expected);
    expect((await ask(house, 'GET keys')).value['keys']).toEqual([]);
  });

  it('lets an administrator of one tenant make no key that can do more than itself', async () => {
    const house = await start();
    const make = async (body: object, key = operator) => {
      const { value } = await ask(house, 'POST keys', { body, key });
      await new Promise((resolve) => setTimeout(resolve, 260));
      return (value as never as { secret: string }).secret;
    };
    const admin = await make({ id: 'adm', tenant: 'red', scopes: ['admin'] });
    await make({ id: 'op', tenant: 'red', scopes: ['operator', 'call'] });
    const no = '403 ECO_NOT_ALLOWED';
    const as = (target: string, body?: object) =>
      codeOf(ask(house, target, { key: admin, ...(body === undefined ? {} : { body }) }));
    expect(await as('POST keys', { scopes: ['operator'] })).toBe(no);
    expect(await as('POST keys', { tenant: 'blue' })).toBe(no);
    expect(await as('PATCH keys/adm', { scopes: ['operator'] })).toBe(no);
    expect(await as('POST keys/op/rotate')).toBe(no);
    expect(await as('PATCH keys/op', { team: 'x' })).toBe(no);
    expect(await as('DELETE keys/op')).toBe(no);
    expect(await as('PATCH keys/adm', { tenant: 'blue' })).toBe(no);
    expect(await codeOf(ask(house, 'PATCH keys/adm', { body: { tenant: 'blue' } }))).toBe(
      '400 ECO_BAD_KEY',
    );
    expect(await make({ id: 'mine', models: ['gpt-4o'] }, admin)).toMatch(/^eco-/);
    const keys = (await ask(house, 'GET keys')).value['keys'] as never as {
      id: string;
      tenant: string;
    }[];
    expect(keys.map(({ id, tenant }) => `${tenant}/${id}`)).toEqual([
      'red/adm',
      'red/mine',
      'red/op',
    ]);
  });

  it('shows how the stores are', async () => {
    const house = await start();
    const { stores } = (await ask(house, 'GET stores')).value as never as {
      stores: Record<string, { ok: boolean }>;
    };
    expect(Object.keys(stores)).toEqual(expect.arrayContaining(['cache-l1', 'ledger', 'keys']));
    for (const { ok } of Object.values(stores)) expect(ok).toBe(true);
  });
});
