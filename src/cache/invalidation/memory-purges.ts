import type { PurgeOrder, PurgeStore } from './purge-store.ts';
import { nextVersion, purgedAt } from './purge-store.ts';
import type { Purged } from './purge-table.ts';

/** For an installation that keeps nothing: the table itself is all there is. */
export function createMemoryPurges(): PurgeStore {
  let stored = 0;
  return {
    load: () => [],
    add(orders: readonly PurgeOrder[], known, now): readonly Purged[] {
      stored = nextVersion(stored, known, now);
      return orders.map((order) => purgedAt(order, stored));
    },
    keep() {},
    close() {},
  };
}
