import type { Config } from './config.ts';
import type { Finding } from './fault.ts';
import { isOwnAddress } from './from-environment.ts';

/** Public answers need an edge to lie at, and may be nobody's own. */
export function publicPolicies({ cache, edge }: Config): readonly Finding[] {
  return cache.policies
    .filter((policy) => policy.edge === 'public')
    .flatMap(({ name, scope }): readonly Finding[] => {
      const path = ['cache', 'policies', name, 'edge'];
      if (scope !== 'shared') {
        const problem = `must be off with scope ${scope}: only what is shared by name (scope: shared) may lie at the edge`;
        return [{ path, problem }];
      }
      if (edge !== undefined) return [];
      const problem =
        'must be off where there is no edge to purge; say where it is and how it is purged under edge';
      return [{ path, problem }];
    });
}

/** A gateway that is its own edge would ask itself what it has just not found. */
export function ownEdge({ edge, listen }: Config): readonly Finding[] {
  if (edge === undefined || !isOwnAddress(edge.url, listen.port)) return [];
  return [
    { path: ['edge', 'url'], problem: 'must not be this gateway itself; name the edge before it' },
  ];
}
