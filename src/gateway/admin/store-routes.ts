import type { JsonObject } from '../../kernel/json.ts';
import type { AdminRoute } from './route.ts';

export interface StoreParts {
  /** How each store is, by its name. A store that cannot be asked says so in its answer; asking must not fail. */
  readonly stores: () => Promise<Readonly<Record<string, JsonObject>>>;
}

export function storeRoutes(parts: StoreParts): readonly AdminRoute[] {
  return [
    {
      method: 'GET',
      path: 'stores',
      forTenants: false,
      summary: 'How the stores are: the levels of the cache, the ledger, the keys.',
      answer: '`{ "stores": { NAME: { "ok": true, ... } } }`',
      handle: async () => ({ body: { stores: await parts.stores() } }),
    },
  ];
}
