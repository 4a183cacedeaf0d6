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

/** Answers to `QUERY` need somebody who may have them, and an edge that keeps them apart by body and caller. */
export function keptQueries({ cache, edge }: Config): readonly Finding[] {
  if (edge === undefined || !edge.query) return [];
  const path = ['edge', 'query'];
  if (edge.purge.kind !== 'varnish') {
    const problem = `must be false for ${edge.purge.kind}, which keeps answers to GET alone`;
    return [{ path, problem }];
  }
  if (cache.policies.some((policy) => policy.edge === 'public')) return [];
  const problem =
    'must be false where no policy lets answers lie at the edge; give one edge: public';
  return [{ path, problem }];
}
