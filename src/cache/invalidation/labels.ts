import type { Call } from '../../exchange/call.ts';

/** Of the names that a caller may give an answer; more are left out. */
const tagsMax = 32;
const longestTag = 128;

export interface LabelFacts {
  /** The model that the answer names. */
  readonly served: string | undefined;
  readonly policy: string;
}

/** What an answer to this call may be purged by. The tenant comes first: whatever names an entry names it within its tenant. */
export function labelsFor(call: Call, { served, policy }: LabelFacts): readonly string[] {
  const { caller, provider, facts } = call;
  const labels = [`tenant:${caller.tenant}`, `provider:${provider.name}`, `policy:${policy}`];
  const asked = facts?.model;
  if (asked !== undefined && asked !== '') labels.push(`model:${asked}`);
  if (served !== undefined && served !== asked) labels.push(`model:${served}`);
  if (caller.agent !== undefined) labels.push(`agent:${caller.agent}`);
  if (caller.team !== undefined) labels.push(`team:${caller.team}`);
  for (const tag of caller.cacheTags ?? []) labels.push(`tag:${tag}`);
  return labels;
}

/** The names in `x-economizer-cache-tags`: a list with commas, each at most 128 characters, the first 32. */
export function readCacheTags(value: string): readonly string[] {
  const names = value.split(',').flatMap((each) => each.trim().slice(0, longestTag) || []);
  return names.slice(0, tagsMax);
}
