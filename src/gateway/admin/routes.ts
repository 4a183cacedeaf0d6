import { budgetRoutes, type BudgetRouteParts } from './budget-routes.ts';
import { keyRoutes, type KeyParts } from './key-routes.ts';
import type { AdminRoute } from './route.ts';
import { purgeRoutes, type PurgeParts } from './purge-routes.ts';
import { storeRoutes, type StoreParts } from './store-routes.ts';
import { usageRoutes, type UsageParts } from './usage-routes.ts';

/** What the admin API shows and changes. Each family of routes says what it needs; nothing of it is touched before the first request. */
export interface AdminParts
  extends KeyParts, UsageParts, BudgetRouteParts, StoreParts, PurgeParts {}

/** Every route of the admin API, in the order of the reference page. */
export function adminRoutes(parts: AdminParts): readonly AdminRoute[] {
  return [
    ...keyRoutes(parts),
    ...usageRoutes(parts),
    ...budgetRoutes(parts),
    ...storeRoutes(parts),
    ...purgeRoutes(parts),
  ];
}
