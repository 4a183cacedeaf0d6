import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { all, balance, charged, walled } from './budget-house.ts';
import { chat, send, temporaryFolder, until } from './harness.ts';

const chatPath = '/v1/chat/completions';
const dollar = 1_000_000_000;

/** What users of other gateways have lost money by; the list with the tests of all is in `docs/guide/budgets.md`. */
describe('complaints', () => {
  it('1: 200 calls at once against a dollar for the session', async () => {
    const text = 'word '.repeat(400);
    const house = await walled([all(1, { id: 'session', period: 'session' })], {
      provider: { firstByteMs: 20, answer: () => ({ text }) },
    });
    const body = chat({ max_tokens: 700 });
    const headers = { 'x-economizer-session': 's' };
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => send(house.url + chatPath, body, { headers })),
    );
    const passed = answers.filter(({ status }) => status === 200).length;
    expect(passed).toBeGreaterThan(50);
    expect(passed).toBeLessThan(200);
    expect(house.provider.calls).toHaveLength(passed);
    await until(() => house.rows.length === 200);
    expect(charged(house)).toBeLessThanOrEqual(dollar);
    // Another conversation has a dollar of its own.
    const other = { headers: { 'x-economizer-session': 't' } };
    expect((await send(house.url + chatPath, body, other)).status).toBe(200);
  });

  it('6: a key that was made anew has no fresh budget', async () => {
    const data = temporaryFolder();
    const life = async (secret: string): Promise<number[]> => {
      const keys = [{ id: 'ci', sha256: hash('sha256', secret, 'hex') }];
      const budgets = [all('0.02', { scope: { key: '*' }, period: 'daily' })];
      const house = await walled(budgets, {
        config: { data, access: { keys } },
        provider: { answer: () => ({ text: 'word '.repeat(400) }) },
      });
      const headers = { authorization: `Bearer ${secret}` };
      const body = chat({ max_tokens: 600, service_tier: 'default' });
      const statuses: number[] = [];
      for (let call = 0; call < 6; call++) {
        statuses.push((await send(house.url + chatPath, body, { headers })).status);
      }
      await house.gateway.stop();
      return statuses;
    };
    const first = await life('the-first-secret-of-this-key');
    expect([first[0], first.at(-1)]).toEqual([200, 429]);
    const second = await life('another-secret-of-the-same-key');
    expect(new Set(second)).toEqual(new Set([429]));
  });

  it('7: callers who leave take no place and no hold with them', async () => {
    const house = await walled([all(1)], {
      config: { limits: { concurrent_calls: 4 } },
      provider: { gapMs: 20, answer: () => ({ text: 'word '.repeat(200) }) },
    });
    const body = chat({ max_tokens: 300, stream: true });
    for (let round = 0; round < 10; round++) {
      await Promise.all(
        Array.from({ length: 4 }, () =>
          send(house.url + chatPath, body, { onChunk: (_chunk, leave) => leave() }).catch(() => {}),
        ),
      );
    }
    await until(() => house.rows.length === 40);
    expect((await balance(house)).held).toBe(0);
    expect((await send(house.url + chatPath, chat({ max_tokens: 300 }))).status).toBe(200);
  });
});
