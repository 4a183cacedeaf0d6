import { createHash } from 'node:crypto';
import type { BudgetScope, Standpoint } from './budget.ts';

/** The fields of a scope, from the outermost in. */
export const scopeFields = ['tenant', 'team', 'key', 'agent', 'session', 'tag'] as const;
export type ScopeField = (typeof scopeFields)[number];

/** A value of a scope that a call stands in. */
export interface ScopeMatch {
  /** Names the value within the budget and no other: in it callers' words can stand for nothing but themselves. */
  readonly code: string;
  /** The same for people; undefined where the scope has no `*`. */
  readonly value: string | undefined;
}

const whole: ScopeMatch = { code: '', value: undefined };

/**
 * Where a call stands in a scope: one match, none, or with a tag of `*` one for each of its tags. What a call does not name is a value too, the
 * empty one, which all such calls share: nobody leaves a budget for each agent by naming no agent.
 */
export function matchesOf(scope: BudgetScope, standpoint: Standpoint): readonly ScopeMatch[] {
  const open: ScopeField[] = [];
  for (const field of scopeFields) {
    const wanted = scope[field];
    if (wanted === undefined) continue;
    if (wanted === '*') open.push(field);
    else if (field === 'tag' ? !standpoint.tags.includes(wanted) : standpoint[field] !== wanted)
      return [];
  }
  if (open.length === 0) return [whole];
  if (open.at(-1) !== 'tag') return [matchOf(open, standpoint, undefined)];
  if (standpoint.tags.length === 0) return [matchOf(open, standpoint, undefined)];
  return [...new Set(standpoint.tags)].map((tag) => matchOf(open, standpoint, tag));
}

/** Names are a tenant's own, so what stands for `*` is told apart by tenant even where the scope has none. */
function matchOf(
  open: readonly ScopeField[],
  standpoint: Standpoint,
  tag: string | undefined,
): ScopeMatch {
  const values = open.map((field) => (field === 'tag' ? tag : standpoint[field]) ?? '');
  const codes = open[0] === 'tenant' ? values : [standpoint.tenant, ...values];
  return { code: codes.map(codeOf).join('/'), value: values.join('/') };
}

/** The account of a budget for one value in one window; see `AccountLine.account`. */
export function accountOf(slot: string, budget: string, match: ScopeMatch, window: string): string {
  return `{${slot}}${budget}/${match.code}@${window}`;
}

const plain = /^[\w.-]{1,96}$/;

/** A value as text without `/`, `@`, `~` and braces, at most 96 characters long; different values stay different. */
export function codeOf(value: string): string {
  if (plain.test(value)) return value;
  if (value.isWellFormed()) {
    const code = encodeURIComponent(value).replace(/[!~*'()]/g, hexOf);
    if (code.length <= 96) return code;
  }
  // No other code begins with this character.
  return `~${createHash('sha256').update(Buffer.from(value, 'utf16le')).digest('base64url')}`;
}

function hexOf(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}
