import { mkdtempSync, rmSync, statSync, writeFileSync, existsSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keyStoreConformance, sampleKey } from './conformance.ts';
import { createMemoryKeyStore } from './stores/memory.ts';
import { createSqliteKeyStore } from './stores/sqlite.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keys-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const pathIn = (name = 'data'): string => join(folder, name, 'keys.sqlite');

describe('keys in memory', () => {
  const create = () => {
    const store = createMemoryKeyStore();
    return { store, again: () => store };
  };
  for (const each of keyStoreConformance({ create })) it(each.name, () => each.run());
});

describe('keys in SQLite', () => {
  const create = () => ({
    store: createSqliteKeyStore({ path: pathIn() }),
    again: () => createSqliteKeyStore({ path: pathIn() }),
  });
  for (const each of keyStoreConformance({ create })) it(each.name, () => each.run());

  it('make no file before the first key, and one that only its owner reads', async () => {
    const store = createSqliteKeyStore({ path: pathIn() });
    expect([store.changes(0).keys, await store.list()]).toEqual([[], []]);
    expect(existsSync(pathIn())).toBe(false);
    await store.insert(sampleKey());
    expect(statSync(pathIn()).mode & 0o777).toBe(0o600);
    await store.close();
  });

  it('are read anew where another file was put in their place', async () => {
    const store = createSqliteKeyStore({ path: pathIn() });
    await store.insert(sampleKey());
    const { mark } = store.changes(0);
    const other = createSqliteKeyStore({ path: pathIn('other') });
    await other.insert(sampleKey({ id: 'new' }));
    await other.close();
    renameSync(join(folder, 'data'), join(folder, 'moved'));
    expect(() => store.changes(mark)).toThrow(/is gone/);
    renameSync(join(folder, 'other'), join(folder, 'data'));
    const changes = store.changes(mark);
    expect([changes.all, changes.keys.map(({ id }) => id)]).toEqual([true, ['new']]);
    await store.close();
  });

  it('are refused where the file is none of keys, is of a later version, or holds nonsense', async () => {
    const first = createSqliteKeyStore({ path: pathIn() });
    await first.insert(sampleKey());
    await first.close();
    const database = new DatabaseSync(pathIn());
    const nonsense = [
      'nonsense',
      '[]',
      '{}',
      JSON.stringify({ ...sampleKey(), models: 'gpt-4o' }),
      JSON.stringify({ ...sampleKey(), expiresAt: 'soon' }),
      JSON.stringify({ ...sampleKey(), secrets: [{ sha256: 'x' }] }),
    ];
    for (const record of nonsense) {
      database.prepare('UPDATE keys SET record = ?').run(record);
      const store = createSqliteKeyStore({ path: pathIn() });
      expect(() => store.changes(0), record).toThrow(/ECO_KEY_STORE|cannot be read/);
      await store.close();
    }
    database.exec('PRAGMA user_version = 99');
    database.close();
    const later = createSqliteKeyStore({ path: pathIn() });
    expect(() => later.changes(0)).toThrow(/newer Economizer/);
    writeFileSync(join(folder, 'text'), 'this is no database, only a text that is long enough');
    const text = createSqliteKeyStore({ path: join(folder, 'text') });
    expect(() => text.changes(0)).toThrow(/cannot be read or written/);
  });
});
