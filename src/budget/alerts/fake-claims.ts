import type { Clock } from '../../kernel/clock.ts';
import type { BudgetStore } from '../store.ts';

/** Claims as all stores keep them, for tests: shared by as many replicas as there are. */
export function fakeClaims(clock: Pick<Clock, 'now'>): Pick<BudgetStore, 'claim'> {
  const claims = new Map<string, number>();
  return {
    claim(name, until) {
      const known = claims.get(name);
      if (known !== undefined && known >= clock.now()) return Promise.resolve(false);
      claims.set(name, until);
      return Promise.resolve(true);
    },
  };
}
