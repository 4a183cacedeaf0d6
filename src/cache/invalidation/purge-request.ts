import { EconomizerError } from '../../kernel/errors.ts';
import type { PurgeOrder } from './purge-store.ts';
import { everyTenant, everything } from './purge-table.ts';

/** What somebody wants gone: everything that any of the names means, within the tenant and past the age where those are given. */
export interface PurgeRequest {
  /** Undefined: in all tenants. */
  readonly tenant?: string | undefined;
  readonly keys?: readonly string[] | undefined;
  /** The callers' own names for their answers (`x-economizer-cache-tags`). */
  readonly tags?: readonly string[] | undefined;
  /** As asked for or as served; `*` at the end stands for anything. */
  readonly models?: readonly string[] | undefined;
  readonly agents?: readonly string[] | undefined;
  /** Beginnings of tags, models, agents, teams, policies and providers; `model:gpt-` means models alone. */
  readonly prefixes?: readonly string[] | undefined;
  readonly policies?: readonly string[] | undefined;
  readonly teams?: readonly string[] | undefined;
  /** Only what was stored at least so long ago, in milliseconds. */
  readonly olderThanMs?: number | undefined;
  /** Everything there is; must be said where nothing else is. */
  readonly all?: boolean | undefined;
  /** Past its time instead of gone: served only where policies allow stale answers. */
  readonly soft?: boolean | undefined;
}

const namesMax = 1000;
const longestName = 512;

const kinds = [
  ['keys', 'key'],
  ['tags', 'tag'],
  ['models', 'model'],
  ['agents', 'agent'],
  ['policies', 'policy'],
  ['teams', 'team'],
] as const;

/**
 * The orders that a request amounts to.
 * @param now wall time in milliseconds since the epoch.
 * @throws EconomizerError `ECO_BAD_PURGE` where it names nothing or cannot be read.
 */
export function ordersOf(request: PurgeRequest, now: number): readonly PurgeOrder[] {
  const { tenant, olderThanMs, soft = false, all = false } = request;
  const selectors = selectorsOf(request);
  const isBounded = tenant !== undefined || olderThanMs !== undefined;
  if (selectors.length === 0 && !isBounded && !all) {
    throw badPurge(
      'Say what to purge: name keys, tags, models, agents, prefixes, a tenant or an age, or say all.',
    );
  }
  if (selectors.length > 0 && all) {
    throw badPurge('Say either all or what to purge: all would take the rest with it.');
  }
  if (tenant === everyTenant) throw badPurge('The name of a tenant must not be empty.');
  const before = olderThanMs === undefined ? undefined : now - olderThanMs;
  const named = selectors.length === 0 ? [everything] : selectors;
  return named.map((selector) => ({ tenant: tenant ?? everyTenant, selector, soft, before }));
}

function selectorsOf(request: PurgeRequest): readonly string[] {
  const selectors = kinds.flatMap(([list, kind]) =>
    (request[list] ?? []).map((name) => selectorOf(kind, name)),
  );
  for (const prefix of request.prefixes ?? []) selectors.push(`prefix:${checked(prefix)}`);
  if (selectors.length > namesMax) {
    throw badPurge(`Purge at most ${namesMax} names at once; these are ${selectors.length}.`);
  }
  return selectors;
}

function selectorOf(kind: string, name: string): string {
  checked(name);
  return name.endsWith('*') && kind !== 'key'
    ? `prefix:${kind}:${checked(name.slice(0, -1))}`
    : `${kind}:${name}`;
}

function checked(name: string): string {
  // A NUL is a letter that PostgreSQL does not keep.
  if (
    name === '' ||
    name.length > longestName ||
    name.includes('\0') ||
    (name.includes('*', 0) && !name.endsWith('*'))
  ) {
    throw badPurge(
      `"${name.slice(0, 40)}" cannot be purged by: a name has 1 to ${longestName} letters, and * stands at its end only.`,
    );
  }
  return name;
}

function badPurge(message: string): EconomizerError {
  return new EconomizerError('ECO_BAD_PURGE', message);
}
