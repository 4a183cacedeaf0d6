import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { send } from '../e2e/harness.ts';
import { markOf, startTenants, tenantNames, type Tenants } from './tenants.ts';

/** One call: whose, and what of the little that all tenants have in common it says. */
const call = fc.record({
  tenant: fc.integer({ min: 0, max: tenantNames.length - 1 }),
  key: fc.constantFrom(0, 1),
  question: fc.constantFrom('What is an economizer?', 'How are you?', 'x'.repeat(3000)),
  turns: fc.integer({ min: 0, max: 6 }),
  stream: fc.boolean(),
  temperature: fc.constantFrom(0, 1, undefined),
  headers: fc.dictionary(
    fc.constantFrom(
      'x-economizer-session',
      'x-economizer-agent',
      'x-economizer-tags',
      'x-economizer-tenant',
      'x-economizer-team',
      'x-economizer-key',
      'x-tenant',
      'x-claude-code-session-id',
      'cache-control',
      'openai-organization',
    ),
    fc.constantFrom(...tenantNames.slice(0, 6), 'max-stale', 'no-cache', 's'),
  ),
  extra: fc.constantFrom(
    {},
    { user: 'u' },
    { metadata: { session: 's', tenant: 'a', agent: 'a' } },
  ),
});

type Sent = typeof call extends fc.Arbitrary<infer Value> ? Value : never;

function bodyOf({ tenant, question, turns, stream, temperature, extra }: Sent): Buffer {
  const mine = markOf(tenantNames[tenant]!);
  const messages: object[] = [{ role: 'user', content: question }];
  for (let turn = 0; turn < turns; turn++) {
    messages.push({ role: 'assistant', content: 'I shall look.' });
    messages.push({ role: 'user', content: `${mine} ${'and so on '.repeat(60)}${turn}` });
  }
  return Buffer.from(JSON.stringify({ model: 'gpt-4o', messages, stream, temperature, ...extra }));
}

/** Marks of other tenants than this one. */
function othersIn(text: string, tenant: string): readonly string[] {
  return tenantNames.filter((other) => other !== tenant && text.includes(markOf(other)));
}

async function ask(tenants: Tenants, given: Sent): Promise<void> {
  const tenant = tenantNames[given.tenant]!;
  const key = tenants.keys.get(tenant)!.calling[given.key]!;
  const headers = { ...given.headers, authorization: `Bearer ${key}` };
  const url = `${tenants.house.url}/v1/chat/completions`;
  const answer = await send(url, bodyOf(given), { headers });
  expect(answer.status).toBe(200);
  const text = answer.body.toString('utf8') + JSON.stringify(answer.headers);
  expect(text).toContain(markOf(tenant));
  expect(othersIn(text, tenant)).toEqual([]);
  const id = String(answer.headers['x-economizer-id']);
  const row = tenants.house.rows.find((each) => each.id === id)!;
  expect([row.tenant, row.key]).toEqual([tenant, given.key === 0 ? 'one' : 'two']);
}

async function admin(tenants: Tenants, key: string, path: string, method = 'GET', body?: object) {
  const headers = { authorization: `Bearer ${key}` };
  const url = `${tenants.house.url}/economizer/admin/${path}`;
  const text = body === undefined ? undefined : JSON.stringify(body);
  const answer = await send(url, text, { headers, method });
  return { status: answer.status, value: JSON.parse(answer.body.toString('utf8')) };
}

describe('whatever tenants ask, at the same time and in whatever order', () => {
  it('none is given, sent or shown what is another’s', { timeout: 120_000 }, async () => {
    const tenants = await startTenants();
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 24 }), async (calls) => {
        await Promise.all(calls.map((each) => ask(tenants, each)));
        for (const { tenant, body } of tenants.sent) expect(othersIn(body, tenant)).toEqual([]);
      }),
      { numRuns: 40 },
    );
    // All that could be shared was: the same question of one tenant's two keys is a hit.
    expect(tenants.house.rows.some(({ source }) => source === 'l1')).toBe(true);
    await askTogether(tenants);
    await viewsAreApart(tenants);
  });
});

/** All keys of all tenants ask the same at the same moment: one flight a tenant, with both its keys aboard. */
async function askTogether(tenants: Tenants): Promise<void> {
  const rest = {
    question: 'Now?',
    turns: 0,
    stream: false,
    temperature: 0,
    headers: {},
    extra: {},
  };
  const flights = tenants.sent.length;
  const before = tenants.house.rows.length;
  const all = tenantNames.flatMap((_, tenant) => [
    { ...rest, tenant, key: 0 },
    { ...rest, tenant, key: 1 },
  ]);
  await Promise.all(all.map((each) => ask(tenants, each as Sent)));
  expect(tenants.sent.length - flights).toBe(tenantNames.length);
  const sources = tenants.house.rows.slice(before).map(({ source }) => source);
  expect(sources.filter((source) => source !== 'upstream')).toHaveLength(tenantNames.length);
}

/** Each tenant's administrator sees its own calls and keys, all of them, and nothing else. */
async function viewsAreApart(tenants: Tenants): Promise<void> {
  const { rows } = tenants.house;
  for (const [tenant, { admin: key, calling }] of tenants.keys) {
    const own = rows.filter((row) => row.tenant === tenant);
    for (const by of ['tenant', 'key', 'session', 'agent', 'day']) {
      const { value } = await admin(tenants, key, `usage?by=${by}`);
      expect(value.total.calls).toBe(own.length);
      if (by === 'tenant')
        expect(value.lines.map(({ group }: never) => group)).toEqual(
          own.length > 0 ? [tenant] : [],
        );
    }
    const { value } = await admin(tenants, key, 'keys');
    const seen = value.keys.map(({ tenant: of }: { tenant: string }) => of);
    expect(new Set(seen)).toEqual(new Set([tenant]));
    const other = encodeURIComponent(tenant === 'a' ? 'A' : 'a');
    for (const path of [
      `usage?tenant=${other}`,
      `keys?tenant=${other}`,
      `keys/one?tenant=${other}`,
    ]) {
      expect((await admin(tenants, key, path)).status).toBe(403);
    }
    const made = { id: 'x', tenant: decodeURIComponent(other) };
    expect((await admin(tenants, key, 'keys', 'POST', made)).status).toBe(403);
    expect((await admin(tenants, key, 'stores')).status).toBe(403);
    const reader = await admin(tenants, calling[0]!, 'usage');
    expect(reader.value.total.calls).toBe(own.filter((row) => row.key === 'one').length);
    expect((await admin(tenants, calling[0]!, 'usage?key=two')).status).toBe(403);
    expect((await admin(tenants, calling[0]!, 'keys')).status).toBe(403);
  }
  const all = await admin(tenants, tenants.operator, 'usage?by=tenant');
  expect(all.value.total.calls).toBe(rows.length);
}
