import { describe, expect, it, onTestFinished } from 'vitest';
import { openPurger } from '../../src/assembly/cache-parts.ts';
import { configOf } from '../../src/config/load.ts';
import { createEconomizer, type ConfigFile } from '../../src/index.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { Signals } from '../../src/kernel/signals.ts';
import { hasRedis, startRedis } from '../services/redis-server.ts';
import { temporaryFolder, until } from './harness.ts';
import { connectRedis } from '../../src/services/redis-client.ts';

/** A toolkit with one reading and one writing tool over `state`. */
function house(config: ConfigFile, state: { value: number; reads: number }) {
  const economizer = createEconomizer(config);
  onTestFinished(() => economizer.close());
  const read = economizer.tool(
    async ({ id }: { id: string }) => {
      state.reads++;
      await new Promise((resolve) => setTimeout(resolve, 30));
      return { id, value: state.value };
    },
    { name: 'read', price: '0.01' },
  );
  const write = economizer.tool((value: number) => (state.value = value), {
    name: 'write',
    readOnly: false,
  });
  const as = <Value>(user: string, act: () => Value) => economizer.runAs({ user }, act);
  return { economizer, read, write, as };
}

describe('tools of the toolkit', () => {
  it('outlive the program, are purged by tag, and stand in the ledger', async () => {
    const config = { data: temporaryFolder() };
    const state = { value: 1, reads: 0 };
    const first = house(config, state);
    expect(await first.as('ann', () => first.read({ id: 'x' }))).toEqual({ id: 'x', value: 1 });
    await first.economizer.close();
    const second = house(config, state);
    state.value = 2;
    expect(await second.as('ann', () => second.read({ id: 'x' }))).toEqual({ id: 'x', value: 1 });
    expect(await second.as('bob', () => second.read({ id: 'x' }))).toEqual({ id: 'x', value: 2 });
    expect(state.reads).toBe(2);
    const lines = await second.economizer.report({ by: 'mechanism' });
    expect(lines.find(({ group }) => group === 'tool-cache')).toMatchObject({
      calls: 1,
      savedMeasuredNanos: 10_000_000,
      costNanos: 0,
    });
    const [newest] = await second.economizer.recent(1);
    expect(newest).toMatchObject({ path: 'tool:read', provider: 'tool', tenant: 'default' });
    const hit = (await second.economizer.recent(9)).find(({ savedBy }) => savedBy === 'tool-cache');
    expect(hit).toMatchObject({ source: 'l3', savedBasis: 'measured' });
    // What the call had taken, without what the hit took on a machine that may be busy.
    expect(hit!.savedMs).toBeTypeOf('number');
    await second.economizer.close();

    const parts = await openPurger({
      config: configOf(config),
      clock: systemClock,
      signals: new Signals(),
    });
    await parts.purger.purge({ tags: ['tool:read'] });
    await parts.close();
    const third = house(config, state);
    expect(await third.as('ann', () => third.read({ id: 'x' }))).toEqual({ id: 'x', value: 2 });
  });

  it.runIf(hasRedis)('share results over one Redis, and hear of each other’s writes', async () => {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    const config = () => ({
      data: temporaryFolder(),
      redis: { url: redis.url },
      cache: { redis: { lookup: '5s' } },
    });
    const state = { value: 1, reads: 0 };
    const [one, other] = [house(config(), state), house(config(), state)];
    await one.as('ann', () => one.read({ id: 'x' }));
    // Nobody waits for what is stored.
    const link = connectRedis({ url: redis.url });
    onTestFinished(() => link.close());
    await until(async () => {
      const scan = ['SCAN', '0', 'MATCH', 'economizer:c1:*', 'COUNT', '1000'];
      const [, places] = (await link.send(scan, 5000).catch(() => [])) as unknown[][];
      return (places ?? []).length > 0;
    });
    await other.as('ann', () => other.read({ id: 'x' }));
    expect(state.reads).toBe(1);
    await one.write(5);
    await until(async () => {
      const { value } = await other.as('ann', () => other.read({ id: 'x' }));
      return value === 5;
    });
    expect(await one.as('ann', () => one.read({ id: 'x' }))).toEqual({ id: 'x', value: 5 });
  });

  it('are called, whatever is switched off', async () => {
    const state = { value: 1, reads: 0 };
    const off = house(
      { data: temporaryFolder(), cache: { enabled: false }, ledger: { enabled: false } },
      state,
    );
    for (let turn = 1; turn <= 2; turn++) {
      await off.as('ann', () => off.read({ id: 'x' }));
      expect(state.reads).toBe(turn);
    }
    const policies = { 'tool-results': { mode: 'off' as const } };
    const none = house({ data: temporaryFolder(), cache: { policies } }, state);
    await none.as('ann', () => none.read({ id: 'x' }));
    await none.as('ann', () => none.read({ id: 'x' }));
    expect(state.reads).toBe(4);
  });
});
