import type { ErrorCode } from '../kernel/error-codes.ts';
import { EconomizerError } from '../kernel/errors.ts';
import type { KeyStore, StoredKey } from './store.ts';

/** One thing that every store of keys must do. `run` rejects with what is wrong. */
export interface KeyStoreCase {
  readonly name: string;
  run(): Promise<void>;
}

/** A key for tests, with what `changes` says instead. */
export function sampleKey(changes: Partial<StoredKey> = {}): StoredKey {
  return {
    id: 'ci',
    tenant: 'red',
    team: 'research',
    agent: 'planner',
    tags: ['nightly', 'ü"\\'],
    models: ['gpt-*'],
    providers: ['openai'],
    scopes: ['call', 'admin'],
    expiresAt: 2_000_000_000_000,
    overridable: true,
    secrets: [
      { sha256: 'a'.repeat(64), shown: 'eco-aaaa…aaaa', createdAt: 5, endsAt: 9 },
      { sha256: 'b'.repeat(64), shown: 'eco-bbbb…bbbb', createdAt: 7, endsAt: undefined },
    ],
    createdAt: 5,
    revokedAt: undefined,
    ...changes,
  };
}

/** What every store of keys must do. `create` makes an empty one for each case; `again` opens another view of the same, where several can share it. */
export function keyStoreConformance(options: {
  readonly create: () => { readonly store: KeyStore; readonly again: () => KeyStore };
}): readonly KeyStoreCase[] {
  return Object.entries(cases).map(([name, check]) => ({
    name,
    async run() {
      const { store, again } = options.create();
      const other = again();
      try {
        await check(store, other);
      } finally {
        await store.close();
        if (other !== store) await other.close();
      }
    },
  }));
}

/** The least that a key can be. */
const bare = sampleKey({
  id: 'bare',
  team: undefined,
  agent: undefined,
  tags: [],
  models: undefined,
  providers: undefined,
  expiresAt: undefined,
  overridable: false,
  secrets: [],
  revokedAt: 8,
});

const cases: Record<string, (store: KeyStore, other: KeyStore) => Promise<void>> = {
  async 'gives keys back as they were, by tenant and name'(store, other) {
    same(await store.list(), []);
    await store.insert(sampleKey({ tenant: 'z' }));
    await store.insert(sampleKey());
    await store.insert(bare);
    const all = [bare, sampleKey(), sampleKey({ tenant: 'z' })];
    same(await store.list(), all);
    same(await other.list(), all);
  },

  async 'has a name once in a tenant'(store, other) {
    await store.insert(sampleKey());
    await refusal('ECO_KEY_TAKEN', () => store.insert(sampleKey({ team: 'other' })));
    await refusal('ECO_KEY_TAKEN', () => other.insert(sampleKey({ revokedAt: 9 })));
    await store.insert(sampleKey({ tenant: 'blue' }));
    same((await store.list()).length, 2);
  },

  async 'tells what changed since it was asked before, whoever changed it'(store, other) {
    const first = store.changes(0);
    same([first.all, first.keys], [true, []]);
    await other.insert(sampleKey());
    const second = store.changes(first.mark);
    same(second.keys, [sampleKey()]);
    same(store.changes(second.mark).keys, []);
    await other.insert(bare);
    const revoked = await other.update(sampleKey(), (key) => ({ ...key, revokedAt: 10 }));
    const third = store.changes(second.mark);
    same(ids(third.keys), ['bare', 'ci']);
    same(
      third.keys.find(({ id }) => id === 'ci'),
      revoked,
    );
    same(store.changes(third.mark), { all: false, keys: [], mark: third.mark });
    same(ids(store.changes(0).keys), ['bare', 'ci']);
    same(store.changes(0).all, true);
  },

  async 'changes a key from what it is now'(store, other) {
    await store.insert(sampleKey({ tags: [] }));
    for (let round = 0; round < 10; round++) {
      const each = round % 2 === 0 ? store : other;
      await each.update(sampleKey(), (key) => ({ ...key, tags: [...key.tags, `t${round}`] }));
    }
    same((await store.list())[0]?.tags.length, 10);
  },

  async 'leaves a key as it was where the change fails'(store) {
    await store.insert(sampleKey());
    const { mark } = store.changes(0);
    await refusal('ECO_NOT_ALLOWED', () =>
      store.update(sampleKey(), () => {
        throw new EconomizerError('ECO_NOT_ALLOWED', 'no');
      }),
    );
    same(await store.list(), [sampleKey()]);
    same(store.changes(mark).keys, []);
    await store.insert(bare);
  },

  async 'says so where there is no such key'(store) {
    await refusal('ECO_NO_KEY', () => store.update(sampleKey(), (key) => key));
    await store.insert(sampleKey());
    await refusal('ECO_NO_KEY', () => store.update({ tenant: 'blue', id: 'ci' }, (key) => key));
  },
};

function ids(keys: readonly StoredKey[]): readonly string[] {
  return keys.map(({ id }) => id).toSorted();
}

async function refusal(code: ErrorCode, act: () => unknown): Promise<void> {
  let error: unknown;
  try {
    await act();
  } catch (thrown) {
    error = thrown;
  }
  same(EconomizerError.is(error) ? error.code : 'no refusal', code);
}

function same(found: unknown, expected: unknown): void {
  const [one, other] = [JSON.stringify(found), JSON.stringify(expected)];
  if (one === other) return;
  throw new EconomizerError('ECO_INTERNAL', `The store gave ${one} where it should give ${other}.`);
}
