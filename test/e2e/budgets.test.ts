import { describe, expect, it } from 'vitest';
import { chat, messages, send, startHouse, type House } from './harness.ts';

/** A budget for all calls. */
const all = (limit: number | string, more: object = {}) =>
  [{ id: 'all', limit_usd: limit, period: 'monthly', ...more }] as never;

const noCache = { cache: { enabled: false } };

async function spentOf(house: House): Promise<{ spent: number; held: number }> {
  const [standing] = await house.gateway.assembly.walls!.standings();
  return { spent: standing!.spent, held: standing!.held };
}

const ledgerSum = (house: House): number =>
  house.rows.reduce((sum, row) => sum + (row.chargedNanos ?? row.costNanos ?? 0), 0);

describe.each(['memory', 'sqlite'] as const)('a budget in %s', (store) => {
  it('lets calls pass and settles them at their cost', async () => {
    const house = await startHouse({
      config: { budgets: all(1), budgeting: { store }, ...noCache },
    });
    const answer = await send(`${house.url}/v1/chat/completions`, chat({ max_tokens: 50 }));
    expect(answer.status).toBe(200);
    const { spent, held } = await spentOf(house);
    expect([spent, held]).toEqual([house.rows[0]!.costNanos, 0]);
    expect(spent).toBeGreaterThan(0);
    expect(house.rows[0]!.chargedNanos).toBeUndefined();
  });

  it('is never passed by 200 calls at once', async () => {
    const house = await startHouse({
      config: { budgets: all('0.005'), budgeting: { store }, ...noCache },
      provider: { firstByteMs: 5 },
    });
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        send(`${house.url}/v1/chat/completions`, chat({ max_tokens: 60, user: `u${index}` })),
      ),
    );
    const passed = answers.filter(({ status }) => status === 200).length;
    expect(passed).toBeGreaterThan(0);
    expect(answers.filter(({ status }) => status === 429).length).toBe(200 - passed);
    expect(house.provider.calls.length).toBe(passed);
    const { spent, held } = await spentOf(house);
    expect(held).toBe(0);
    expect(spent).toBeLessThanOrEqual(5_000_000);
    expect(spent).toBe(ledgerSum(house));
  });

  it('refuses what could cost more than is left', async () => {
    const house = await startHouse({ config: { budgets: all('0.000001'), budgeting: { store } } });
    for (const [path, body] of [
      ['/v1/chat/completions', chat()],
      ['/v1/messages', messages()],
    ] as const) {
      const answer = await send(house.url + path, body);

      expect(answer.status).toBe(429);
      expect(answer.headers['x-should-retry']).toBe('false');
    }
    expect(house.provider.calls).toHaveLength(0);
    expect(
      house.rows.map(({ outcome, errorCode, costNanos }) => [outcome, errorCode, costNanos]),
    ).toEqual([
      ['refused', 'ECO_BUDGET', 0],
      ['refused', 'ECO_BUDGET', 0],
    ]);
  });
});
