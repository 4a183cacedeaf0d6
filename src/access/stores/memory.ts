import { keyTaken, noKey } from '../faults.ts';
import type { KeyName, KeyStore, StoredKey } from '../store.ts';

interface Entry {
  readonly key: StoredKey;
  readonly changed: number;
}

/** Keys in this process's memory: for tests, and for those who make keys themselves. */
export function createMemoryKeyStore(): KeyStore {
  const entries = new Map<string, Entry>();
  let mark = 0;
  const put = (key: StoredKey): void => {
    entries.set(nameOf(key), { key, changed: ++mark });
  };
  return {
    name: 'memory',
    changes(since) {
      const changed = [...entries.values()].filter((entry) => entry.changed > since);
      return { all: since === 0, keys: changed.map(({ key }) => key), mark };
    },
    list: () => [...entries.values()].map(({ key }) => key).toSorted(byName),
    insert(key) {
      if (entries.has(nameOf(key))) throw keyTaken(key);
      put(key);
    },
    update(name, change) {
      const entry = entries.get(nameOf(name));
      if (entry === undefined) throw noKey(name);
      const changed = change(entry.key);
      put(changed);
      return changed;
    },
    close() {},
  };
}

/** Names have no control characters. */
function nameOf({ tenant, id }: KeyName): string {
  return `${tenant}\n${id}`;
}

function byName(one: KeyName, other: KeyName): number {
  return compare(one.tenant, other.tenant) || compare(one.id, other.id);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
