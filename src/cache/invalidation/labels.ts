import { edgeLabel } from '../edge/public.ts';
import type { Call } from '../../exchange/call.ts';

export interface LabelFacts {
  /** The model that the answer names. */
  readonly served: string | undefined;
  readonly policy: string;
  /** The name under which it is shared at the edge; undefined: it is private. */
  readonly edge?: string | undefined;
}

/** What an answer to this call may be purged by. The tenant comes first: whatever names an entry names it within its tenant. */
export function labelsFor(call: Call, { served, policy, edge }: LabelFacts): readonly string[] {
  const { caller, provider, facts } = call;
  const labels = [`tenant:${caller.tenant}`, `provider:${provider.name}`, `policy:${policy}`];
  const asked = facts?.model;
  if (asked !== undefined && asked !== '') labels.push(`model:${asked}`);
  if (served !== undefined && served !== asked) labels.push(`model:${served}`);
  if (caller.agent !== undefined) labels.push(`agent:${caller.agent}`);
  if (caller.team !== undefined) labels.push(`team:${caller.team}`);
  if (edge !== undefined) labels.push(edgeLabel(edge));
  for (const tag of caller.cacheTags ?? []) labels.push(`tag:${tag}`);
  return labels;
}
