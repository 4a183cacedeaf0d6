import Table from 'cli-table3';
import { stateOf } from '../access/key-view.ts';
import type { StoredKey } from '../access/store.ts';
import type { KeyTerms } from '../access/terms.ts';

/** A key that has just been made, for people. */
export function madeText(text: string, key: StoredKey): string {
  const old = key.secrets.at(-2);
  const until =
    old?.endsAt === undefined
      ? ''
      : `\nThe text before it (${old.shown}) works until ${new Date(old.endsAt).toISOString()}.`;
  return `${text}\n\nThis is the key "${key.id}" of the tenant "${key.tenant}". Keep it now: it is shown this once, and only its hash is stored.${until}`;
}

/** Keys for people. */
export function keysTable(keys: readonly (KeyTerms | StoredKey)[], now: number): string {
  if (keys.length === 0) {
    return 'There are no keys; economizer keys create makes one. Until then only programs on this machine are served.';
  }
  const table = new Table({
    head: ['id', 'tenant', 'team', 'agent', 'scopes', 'models', 'key', 'state', 'expires'],
    style: { head: [], border: [] },
  });
  for (const key of keys) {
    table.push([
      key.id,
      key.tenant,
      key.team ?? '',
      key.agent ?? '',
      key.scopes.join(' '),
      key.models?.join(' ') ?? 'all',
      'secrets' in key ? shownOf(key, now) : '(in the configuration)',
      stateOf(key, now),
      key.expiresAt === undefined ? 'never' : new Date(key.expiresAt).toISOString(),
    ]);
  }
  return table.toString();
}

function shownOf({ secrets }: StoredKey, now: number): string {
  const live = secrets.filter(({ endsAt }) => endsAt === undefined || endsAt > now);
  return live.map(({ shown }) => shown).join(' ');
}
