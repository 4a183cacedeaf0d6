import type { JsonObject } from '../kernel/json.ts';
import type { StoredKey } from './store.ts';
import type { KeyTerms } from './terms.ts';

export type KeyState = 'active' | 'expired' | 'revoked';

export function stateOf(
  { expiresAt, revokedAt }: Pick<StoredKey, 'expiresAt'> & Partial<Pick<StoredKey, 'revokedAt'>>,
  now: number,
): KeyState {
  if (revokedAt !== undefined) return 'revoked';
  return expiresAt !== undefined && expiresAt <= now ? 'expired' : 'active';
}

/** A key as people and programs see it, without what could open anything. Times are ISO 8601. */
export function keyView(key: KeyTerms | StoredKey, now: number): JsonObject {
  const { id, tenant, team, agent, tags, models, providers, scopes, overridable, expiresAt } = key;
  const terms = {
    id,
    tenant,
    team: team ?? null,
    agent: agent ?? null,
    tags,
    models: models ?? null,
    providers: providers ?? null,
    scopes,
    overridable,
    expires: timeText(expiresAt),
  };
  if (!('secrets' in key)) return { ...terms, state: stateOf(key, now), source: 'configuration' };
  return {
    ...terms,
    state: stateOf(key, now),
    source: 'store',
    created: timeText(key.createdAt),
    revoked: timeText(key.revokedAt),
    // Those that a rotation has ended are history.
    secrets: key.secrets
      .filter(({ endsAt }) => endsAt === undefined || endsAt > now)
      .map(({ shown, createdAt, endsAt }) => ({
        shown,
        created: timeText(createdAt),
        ends: timeText(endsAt),
      })),
  };
}

function timeText(at: number | undefined): string | null {
  return at === undefined ? null : new Date(at).toISOString();
}
