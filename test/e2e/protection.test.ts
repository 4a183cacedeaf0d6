import { createHash, createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { switchOff, switchOn } from '../../src/budget/ladder/emergency.ts';
import { readDecisions } from '../../src/budget/ladder/journal-file.ts';
import { createSqliteBudgetStore } from '../../src/budget/stores/sqlite.ts';
import type { FakeBytes } from '../../src/testing/fake-answer.ts';
import type { FakeCall } from '../../src/testing/fake-call.ts';
import type { ConfigFile } from '../../src/config/schema.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { chat, send, startHouse, temporaryFolder, until } from './harness.ts';

/** A call costs exactly a cent: ten thousand tokens of answer at a dollar a million. */
const prices = [
  { model: 'dear', input: 0, output: 1 },
  { model: 'cheap', input: 0, output: 0.1 },
];
const answer = (call: FakeCall): FakeBytes => {
  const usage = { prompt_tokens: 0, completion_tokens: 10_000, total_tokens: 10_000 };
  const message = { role: 'assistant', content: 'x' };
  const choices = [{ index: 0, message, finish_reason: 'stop' }];
  const body = { id: 'x', object: 'chat.completion', model: call.json!['model'], choices, usage };
  return { bytes: Buffer.from(JSON.stringify(body)), contentType: 'application/json' };
};
const ask = (extra: object = {}): string =>
  chat({ model: 'dear', max_tokens: 10_000, temperature: 1, service_tier: 'default', ...extra });

function config(budget: object, extra: Partial<ConfigFile> = {}): ConfigFile {
  return {
    data: temporaryFolder(),
    prices,
    budgets: [{ id: 'daily', period: 'daily', ...budget }],
    protection: {
      enabled: true,
      essential: { agents: ['support'] },
      cheaper_models: { map: [{ from: 'dear', to: 'cheap' }] },
    },
    ...extra,
  } as ConfigFile;
}

const by = (agent: string) => ({ headers: { 'x-economizer-agent': agent } });

describe('the protection ladder', () => {
  test('rises with the spend of a budget, from saving to shutting out, and the wall stands at its end', async () => {
    const house = await startHouse({
      provider: { answer },
      config: config({ limit_usd: 0.1 }),
    });
    const url = `${house.url}/v1/chat/completions`;
    // Eight cents: the full model.
    for (let index = 0; index < 8; index++) {
      const { status, headers } = await send(url, ask(), by('crawler'));
      expect([status, headers['x-economizer-model']]).toEqual([200, 'dear']);
      expect(headers['x-economizer-pressure']).toBeUndefined();
    }
    // From 80 % on: the cheaper one, and it says so.
    const cheap = await send(url, ask(), by('crawler'));
    expect(cheap.headers['x-economizer-pressure']).toBe(
      '1; budget=daily; actions="cache-more cheaper-models"',
    );
    expect(cheap.headers['x-economizer-model']).toBe('cheap');
    expect((JSON.parse(cheap.body.toString()) as { model: string }).model).toBe('cheap');
    expect(house.rows.at(-1)).toMatchObject({
      modelAsked: 'dear',
      modelServed: 'cheap',
      savedBy: 'protection',
      savedBasis: 'estimated',
      costNanos: 1e6,
      withoutCostNanos: 1e7,
    });
    // The essential agent keeps its model, and takes the budget to 91 %.
    const essential = await send(url, ask(), by('support'));
    expect([essential.status, essential.headers['x-economizer-model']]).toEqual([200, 'dear']);
    // From 90 % on the others are put off, with the time to try again.
    const put = await send(url, ask(), by('crawler'));
    expect(put.status).toBe(429);
    expect(Number(put.headers['retry-after'])).toBeGreaterThan(0);
    expect(put.headers['x-should-retry']).toBe('false');
    expect(put.headers['x-economizer-pressure']).toContain('2; budget=daily');
    expect(put.body.toString()).toContain('ECO_DEFERRED');
    expect(house.rows.at(-1)).toMatchObject({ outcome: 'refused', errorCode: 'ECO_DEFERRED' });
    // What is essential goes on as far as the wall lets it.
    const wall = await send(url, ask(), by('support'));
    expect(wall.status).toBe(429);
    expect(wall.body.toString()).toContain('ECO_BUDGET');
    expect(house.provider.calls).toHaveLength(10);
  });

  test('an answer of the cheaper model is never served for the dearer one', async () => {
    const house = await startHouse({
      provider: { answer },
      config: config({ limit_usd: 0.1 }),
    });
    const url = `${house.url}/v1/chat/completions`;
    for (let index = 0; index < 8; index++) await send(url, ask(), by('crawler'));
    const same = ask({ temperature: 0 });
    const stored = await send(url, same, by('crawler'));
    expect(stored.headers['x-economizer-model']).toBe('cheap');
    const other = await send(url, same, by('support'));
    expect(other.headers['x-economizer-model']).toBe('dear');
    expect(other.headers['cache-status']).toContain('fwd=uri-miss');
  });

  test('a stored answer serves whoever is shut out, for it costs nothing', async () => {
    const house = await startHouse({ provider: { answer }, config: config({ limit_usd: 0.1 }) });
    const url = `${house.url}/v1/chat/completions`;
    const same = ask({ temperature: 0 });
    await send(url, same, by('crawler'));
    for (let index = 0; index < 9; index++) await send(url, ask(), by('support'));
    const refused = await send(url, ask(), by('crawler'));
    expect(refused.body.toString()).toContain('ECO_SCALED_DOWN');
    const stored = await send(url, same, by('crawler'));
    expect([stored.status, stored.headers['cache-status']]).toEqual([
      200,
      expect.stringContaining('hit'),
    ]);
    expect(stored.headers['x-economizer-pressure']).toContain('shutdown');
    expect(house.rows.at(-1)).toMatchObject({ source: 'l1', costNanos: 0, savedBy: 'exact-cache' });
    expect(house.provider.calls).toHaveLength(10);
  });

  test('while money is short sampled answers are reused where that is allowed, and no longer', async () => {
    const given = config({ limit_usd: 0.1 });
    const cacheMore = { cache_more: { sampled: true } };
    const house = await startHouse({
      provider: { answer },
      config: { ...given, protection: { ...given.protection!, ...cacheMore } },
    });
    const url = `${house.url}/v1/chat/completions`;
    for (let index = 0; index < 8; index++) {
      const { headers } = await send(url, ask(), by('support'));
      expect(headers['cache-status']).toContain('detail=sampled');
    }
    await send(url, ask(), by('support'));
    const again = await send(url, ask(), by('support'));
    expect(again.headers['cache-status']).toContain('hit');
    expect(house.provider.calls).toHaveLength(9);
  });

  test('is written into the journal', async () => {
    const given = config({ limit_usd: 0.1 });
    const house = await startHouse({ provider: { answer }, config: given });
    const url = `${house.url}/v1/chat/completions`;
    for (let index = 0; index < 9; index++) await send(url, ask(), by('crawler'));
    await house.gateway.stop();
    const decisions = await readDecisions(join(given.data!, 'decisions.jsonl'), 100);
    expect(decisions).toMatchObject([
      { kind: 'alert', threshold: 0.5 },
      { kind: 'level', from: 0, to: 1, why: 'spend', budget: 'daily' },
      { kind: 'alert', threshold: 0.8 },
    ]);
  });

  test('off: a budget is only a wall', async () => {
    const house = await startHouse({
      provider: { answer },
      config: config({ limit_usd: 0.1 }, { protection: { enabled: false } }),
    });
    const url = `${house.url}/v1/chat/completions`;
    for (let index = 0; index < 10; index++) {
      const { status, headers } = await send(url, ask(), by('crawler'));
      expect([status, headers['x-economizer-pressure']]).toEqual([200, undefined]);
    }
    expect((await send(url, ask(), by('crawler'))).body.toString()).toContain('ECO_BUDGET');
  });
});

describe('the emergency switch', () => {
  test('pulled in the shared file, reaches a running gateway within seconds and goes off again', async () => {
    const given = config({ limit_usd: 100 });
    const house = await startHouse({ provider: { answer }, config: given });
    const url = `${house.url}/v1/chat/completions`;
    expect((await send(url, ask(), by('crawler'))).status).toBe(200);
    const store = createSqliteBudgetStore({
      path: join(given.data!, 'budgets.sqlite'),
      clock: systemClock,
      owner: 'operator',
    });
    onTestFinished(() => store.close());
    const seen: string[] = [];
    house.signals.on('pressure-changed', ({ text }) => seen.push(text));
    await switchOn(store, { scope: {}, level: 4, since: Date.now(), until: undefined, by: 'ada' });
    await until(() => seen.length === 1);
    const refused = await send(url, ask(), by('crawler'));
    expect(refused.status).toBe(429);
    expect(refused.body.toString()).toContain('The emergency switch is on');
    expect((await send(url, ask(), by('support'))).status).toBe(200);
    await switchOff(store, {});
    await until(() => seen.length === 2);
    expect((await send(url, ask(), by('crawler'))).status).toBe(200);
  });
});

interface Received {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Takes what is posted, with the statuses given first. */
async function receiver(statuses: number[] = []) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({
        headers: request.headers as Record<string, string>,
        body: Buffer.concat(chunks).toString(),
      });
      response.statusCode = statuses.shift() ?? 204;
      response.end();
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { received, url: `http://127.0.0.1:${port}/hook` };
}

describe('alerts', () => {
  test('two gateways on one file send each threshold once, signed, and again until it is taken', async () => {
    const key = Buffer.alloc(32, 7);
    const hook = await receiver([204, 204, 204, 503]);
    const slack = await receiver();
    const given = config(
      { limit_usd: 0.1 },
      {
        protection: { enabled: false },
        alerts: {
          webhooks: [{ url: hook.url, secret: `whsec_${key.toString('base64')}` }],
          slack: [slack.url],
        },
      },
    );
    const options = { provider: { answer }, config: given };
    const [one, other] = [await startHouse(options), await startHouse(options)];
    for (let index = 0; index < 10; index++) {
      const { url } = index % 2 === 0 ? one : other;
      expect((await send(`${url}/v1/chat/completions`, ask(), by('crawler'))).status).toBe(200);
    }
    await until(() => hook.received.length === 5 && slack.received.length === 4);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const shares = hook.received.map(
      ({ body }) => (JSON.parse(body) as { data: { threshold: number } }).data.threshold,
    );
    expect(shares.toSorted((one, other) => one - other)).toEqual([0.5, 0.8, 0.9, 1, 1]);
    expect(new Set(hook.received.map(({ headers }) => headers['webhook-id'])).size).toBe(4);
    for (const { headers, body } of hook.received) {
      const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
      const digest = createHmac('sha256', key).update(signed).digest('base64');
      expect(headers['webhook-signature']).toBe(`v1,${digest}`);
    }
    expect(slack.received[0]!.body).toContain('Budget \\"daily\\" has reached 50 %');
  });
});

describe('runaway care', () => {
  const call = (id: string) => ({
    role: 'assistant',
    content: null,
    tool_calls: [{ id, type: 'function', function: { name: 'search', arguments: '{"q":"x"}' } }],
  });
  const circle = (times: number) =>
    Array.from({ length: times }, (_, index) => [
      call(`c${index}`),
      { role: 'tool', tool_call_id: `c${index}`, content: 'nothing found' },
    ]).flat();
  const messages = (times: number) => [{ role: 'user', content: 'Find it.' }, ...circle(times)];

  test('warns of a loop in the answer’s head, with nothing configured', async () => {
    const house = await startHouse();
    const url = `${house.url}/v1/chat/completions`;
    const told: string[] = [];
    house.signals.on('runaway', ({ text }) => told.push(text));
    for (let times = 1; times <= 6; times++) {
      const { status, headers } = await send(url, chat({ messages: messages(times) }));
      expect(status).toBe(200);
      expect(headers['x-economizer-warning']).toBe(times < 5 ? undefined : `loop;times=${times}`);
    }
    expect(told).toHaveLength(1);
  });

  test('refuses a loop where it is set to, and books the refusal', async () => {
    const house = await startHouse({ config: { runaway: { warn_after: 3, refuse_after: 6 } } });
    const url = `${house.url}/v1/chat/completions`;
    expect((await send(url, chat({ messages: messages(5) }))).status).toBe(200);
    const refused = await send(url, chat({ messages: messages(6) }));
    expect(refused.status).toBe(429);
    expect(refused.headers['x-should-retry']).toBe('false');
    expect(refused.body.toString()).toContain('\\"search\\" with the same arguments');
    expect(house.rows.at(-1)).toMatchObject({ outcome: 'refused', errorCode: 'ECO_RUNAWAY' });
  });

  test('lets a session make so many calls and no more, over all gateways on one file', async () => {
    const given = config(
      { limit_usd: 100 },
      { protection: { enabled: false }, runaway: { calls_per_session: 5 } },
    );
    const options = { provider: { answer }, config: given };
    const houses = [await startHouse(options), await startHouse(options)];
    const session = { headers: { 'x-economizer-session': 's1' } };
    const statuses = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        send(`${houses[index % 2]!.url}/v1/chat/completions`, ask(), session),
      ),
    );
    expect(statuses.filter(({ status }) => status === 200)).toHaveLength(5);
    const refused = statuses.find(({ status }) => status === 429)!;
    expect(refused.body.toString()).toContain('This session has made 5 calls');
    const elsewhere = { headers: { 'x-economizer-session': 's2' } };
    expect((await send(`${houses[0]!.url}/v1/chat/completions`, ask(), elsewhere)).status).toBe(
      200,
    );
  });
});

describe('the admin API of budgets', () => {
  test('shows how budgets stand and pulls the switch, for administrators only', async () => {
    const house = await startHouse({
      provider: { answer },
      config: config(
        { limit_usd: 0.1 },
        {
          access: { admin_sha256: createHash('sha256').update('operator').digest('hex') },
        },
      ),
    });
    const url = `${house.url}/v1/chat/completions`;
    for (let index = 0; index < 8; index++) await send(url, ask(), by('crawler'));
    const headers = { authorization: 'Bearer operator' };
    const admin = `${house.url}/economizer/admin/budgets`;
    const shown = await send(admin, undefined, { method: 'GET', headers });
    expect(shown.status).toBe(200);
    expect((await send(admin, undefined, { method: 'GET' })).status).toBe(401);
    expect(JSON.parse(shown.body.toString())).toMatchObject({
      ladder: true,
      budgets: [{ id: 'daily', spent_usd: 0.08, left_usd: 0.02, level: 1 }],
      emergencies: [],
    });
    const pulled = await send(`${admin}/emergency`, JSON.stringify({ level: 4, for: '1h' }), {
      method: 'PUT',
      headers,
    });
    expect(JSON.parse(pulled.body.toString())).toMatchObject({
      emergency: { scope: 'everything', level: 4 },
      saving: { basis: 'estimated' },
    });
    // Until the switch is seen, the ladder may put the call off by itself.
    const isShut = async () =>
      (await send(url, ask(), by('crawler'))).body.toString().includes('emergency switch');
    const began = Date.now();
    while (!(await isShut()) && Date.now() - began < 5000) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect((await send(url, ask(), by('crawler'))).body.toString()).toContain('emergency switch');
    const off = await send(`${admin}/emergency?scope=everything`, undefined, {
      method: 'DELETE',
      headers,
    });
    expect(JSON.parse(off.body.toString())).toEqual({ was_on: true });
    const wrong = await send(`${admin}/emergency`, '{"level":"high"}', { method: 'PUT', headers });
    expect(wrong.status).toBe(400);
  });
});
