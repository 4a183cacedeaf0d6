import { storeOf } from '../assembly/budget-parts.ts';
import type { BudgetStore } from '../budget/store.ts';
import { newSecret } from '../cache/installation-secret.ts';
import type { Config } from '../config/config.ts';
import type { Clock } from '../kernel/clock.ts';
import { Signals } from '../kernel/signals.ts';
import { openSharedParts } from '../assembly/shared-parts.ts';

/** The store that the gateways count in, opened beside them. */
export interface OpenedStore {
  readonly store: BudgetStore;
  close(): Promise<void>;
}

/** @throws EconomizerError where it cannot be opened; one that cannot be asked says so when it is. */
export async function openBudgetStore(config: Config, clock: Clock): Promise<OpenedStore> {
  const signals = new Signals();
  // Only the link is wanted: a command has no cache, and no secret to agree on with others.
  const cache = { ...config.cache, enabled: false, secret: newSecret() };
  const shared =
    config.budgeting.store === 'redis'
      ? openSharedParts({
          config: { ...config, cache },
          clock,
          signals,
          ownSecret: cache.secret,
          keeps: false,
        })
      : undefined;
  const { store, opening } = storeOf({ config, clock, signals, ledger: undefined, shared });
  await opening;
  return {
    store,
    async close() {
      await store.close();
      await shared?.close();
    },
  };
}
