import { setTimeout as delay } from 'node:timers/promises';
import { createRedisBudgetStore } from '../../src/budget/stores/redis.ts';
import { createSqliteBudgetStore } from '../../src/budget/stores/sqlite.ts';
import type { BudgetStore } from '../../src/budget/store.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import { Signals } from '../../src/kernel/signals.ts';
import { connectRedis } from '../../src/services/redis-client.ts';

/** Where the replicas of a run count. */
export type StorePlace =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'redis'; readonly url: string; readonly prefix: string };

export const leaseMs = 1000;
export const heartbeatMs = 200;

export async function openStore(
  place: StorePlace,
  owner: string,
  clock: Clock,
): Promise<BudgetStore> {
  if (place.kind === 'sqlite') {
    return createSqliteBudgetStore({ path: place.path, owner, clock, leaseMs, busyMs: 30_000 });
  }
  const { url, prefix } = place;
  const link = connectRedis({ url });
  while (!link.connected) await delay(2);
  const signals = new Signals();
  const deadlineMs = 30_000;
  const times = { leaseMs, deadlineMs, settleMs: 1 };
  const options = { clock, signals, link, owner, prefix, ledger: 'sim', ...times };
  const store = createRedisBudgetStore(options);
  await store.whenOpen(deadlineMs);
  const close = async () => {
    await store.close();
    await link.close();
  };
  return new Proxy(store, {
    get: (target, name) => {
      if (name === 'close') return close;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
