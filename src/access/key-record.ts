import { arrayOf, countOf, isObject, parseJson, textOf, type JsonObject } from '../kernel/json.ts';
import { storeFault } from './faults.ts';
import type { KeySecret, StoredKey } from './store.ts';
import { scopes, type Scope } from './terms.ts';

/** A key as a store keeps it: JSON text. */
export function recordText(key: StoredKey): string {
  return JSON.stringify(key);
}

/** The key of a record. @throws EconomizerError `ECO_KEY_STORE` for one that cannot be a key; it must not pass for one that may do everything. */
export function storedKeyOf(record: unknown): StoredKey {
  const value = typeof record === 'string' ? parseJson(record) : undefined;
  if (!isObject(value)) throw broken();
  return {
    id: needed(textOf(value['id'])),
    tenant: needed(textOf(value['tenant'])),
    team: textOf(value['team']),
    agent: textOf(value['agent']),
    tags: textsOf(value['tags']) ?? [],
    models: textsOf(value['models']),
    providers: textsOf(value['providers']),
    scopes: needed(textsOf(value['scopes'])).filter(isScope),
    expiresAt: timeOf(value, 'expiresAt'),
    overridable: value['overridable'] === true,
    secrets: arrayOf(value['secrets']).map(secretOf),
    createdAt: needed(countOf(value['createdAt'])),
    revokedAt: timeOf(value, 'revokedAt'),
  };
}

function secretOf(value: unknown): KeySecret {
  if (!isObject(value)) throw broken();
  const sha256 = needed(textOf(value['sha256']));
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw broken();
  return {
    sha256,
    shown: needed(textOf(value['shown'])),
    createdAt: needed(countOf(value['createdAt'])),
    endsAt: timeOf(value, 'endsAt'),
  };
}

/** A limit that is there and cannot be read is no reason to go without it. */
function textsOf(value: unknown): readonly string[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string')) throw broken();
  return value;
}

function timeOf(value: JsonObject, name: string): number | undefined {
  return value[name] === undefined ? undefined : needed(countOf(value[name]));
}

function isScope(text: string): text is Scope {
  return (scopes as readonly string[]).includes(text);
}

function needed<Value>(value: Value | undefined): Value {
  if (value === undefined) throw broken();
  return value;
}

function broken(): Error {
  return storeFault(
    'A record in the store of the keys cannot be read; restore the store from a copy.',
  );
}
