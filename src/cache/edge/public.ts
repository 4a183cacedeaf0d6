import type { Call } from '../../exchange/call.ts';
import type { CachePolicy } from '../policy.ts';
import type { CacheEntry } from '../tier.ts';

/**
 * The label of entries that may lie at the edge, with the name of what is shared. Callers cannot give it: their own tags become `tag:...`.
 */
const prefix = 'edge:';

/**
 * The name under which this call's answers are shared at the edge; undefined where they are private. Only answers of a scope that is shared by name, to its
 * own tenants, whose callers show the provider no credential of their own.
 */
export function edgeShare(policy: CachePolicy, call: Call): string | undefined {
  const { edge, scope } = policy;
  if (edge !== 'public' || scope.kind !== 'shared') return undefined;
  if (call.credentialScope !== '' || !scope.tenants.has(call.caller.tenant)) return undefined;
  return scope.name;
}

export function edgeLabel(share: string): string {
  return prefix + share;
}

/** The name under which an entry is shared at the edge; undefined: it must not be there. Refusals never are. */
export function shareOf({ tags, answer }: CacheEntry): string | undefined {
  if (answer.status !== undefined) return undefined;
  return tags?.find((tag) => tag.startsWith(prefix))?.slice(prefix.length);
}
