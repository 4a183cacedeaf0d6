import { describe, expect, it } from 'vitest';
import { randomBytes } from 'node:crypto';
import { EconomizerError } from '../kernel/errors.ts';
import { Signals } from '../kernel/signals.ts';
import { SimulatedClock } from '../kernel/simulated-clock.ts';
import { keyHash, looksLikeKey, newKeyText } from './key-text.ts';
import { Keyring } from './keyring.ts';
import { createKey, revokeKey, rotateKey, type KeyMaker } from './lifecycle.ts';
import { newTerms } from './read-terms.ts';
import type { KeyStore } from './store.ts';
import { createMemoryKeyStore } from './stores/memory.ts';
import type { KeyTerms } from './terms.ts';

function setUp() {
  const clock = new SimulatedClock();
  const store = createMemoryKeyStore();
  const signals = new Signals();
  const maker: KeyMaker = { store, clock, random: randomBytes };
  const keyring = new Keyring({ configured: [], store, clock, signals });
  const make = (changes: Partial<KeyTerms> = {}) =>
    createKey(maker, { ...newTerms('red', randomBytes), id: 'ci', ...changes });
  const look = (text: string): string => {
    try {
      return keyring.find(text).id;
    } catch (error) {
      return EconomizerError.from(error).code;
    }
  };
  return { clock, store, signals, maker, keyring, make, look };
}

describe('the text of a key', () => {
  it('has 256 random bits behind a prefix, and only a hash of it is kept', async () => {
    const { make, store } = setUp();
    const { text, key } = await make();
    expect(text).toMatch(/^eco-[\w-]{43}$/);
    expect(key.secrets[0]).toMatchObject({ sha256: keyHash(text) });
    expect(key.secrets[0]!.shown).toBe(`${text.slice(0, 8)}…${text.slice(-4)}`);
    expect(JSON.stringify(await store.list())).not.toContain(text.slice(8, -4));
    expect(looksLikeKey(text)).toBe(true);
    expect(newKeyText(randomBytes)).not.toBe(newKeyText(randomBytes));
  });
});

describe('a key of the store', () => {
  it('is needed and found from the moment that it is there', async () => {
    const { keyring, make, clock, look } = setUp();
    expect(keyring.isNeeded).toBe(false);
    const { text } = await make();
    clock.advance(250);
    expect(keyring.isNeeded).toBe(true);
    expect(look(text)).toBe('ci');
    expect(look(`${text}x`)).toBe('ECO_UNAUTHORISED');
    expect(look('')).toBe('ECO_UNAUTHORISED');
  });

  it('stops within a second of being revoked, and others are still needed then', async () => {
    const { keyring, maker, make, clock, look } = setUp();
    const { text } = await make();
    clock.advance(1000);
    expect(look(text)).toBe('ci');
    await revokeKey(maker, { tenant: 'red', id: 'ci' });
    clock.advance(1000);
    expect(look(text)).toBe('ECO_KEY_ENDED');
    expect(keyring.isNeeded).toBe(true);
  });

  it('expires to the millisecond', async () => {
    const { make, clock, look } = setUp();
    const { text } = await make({ expiresAt: clock.now() + 5000 });
    clock.advance(4999);
    expect(look(text)).toBe('ci');
    clock.advance(1);
    expect(look(text)).toBe('ECO_KEY_ENDED');
  });

  it('opens with both texts while it is rotated, then with the new one only', async () => {
    const { maker, make, clock, look } = setUp();
    const name = { tenant: 'red', id: 'ci' };
    const { text: first } = await make();
    const { text: second } = await rotateKey(maker, name, 60_000);
    clock.advance(1000);
    expect([look(first), look(second)]).toEqual(['ci', 'ci']);
    const { text: third } = await rotateKey(maker, name, 60_000);
    clock.advance(58_999);
    expect([first, second, third].map(look)).toEqual(['ci', 'ci', 'ci']);
    clock.advance(1);
    expect([first, second, third].map(look)).toEqual(['ECO_KEY_ENDED', 'ci', 'ci']);
    await rotateKey(maker, name, 0);
    clock.advance(1000);
    expect([second, third].map(look)).toEqual(['ECO_UNAUTHORISED', 'ECO_UNAUTHORISED']);
  });

  it('keeps few texts, however often it is rotated, and none once it is revoked', async () => {
    const { maker, make, store } = setUp();
    const name = { tenant: 'red', id: 'ci' };
    await make();
    for (let round = 0; round < 20; round++) await rotateKey(maker, name, 60_000);
    expect((await store.list())[0]!.secrets).toHaveLength(4);
    await revokeKey(maker, name);
    await expect(rotateKey(maker, name, 0)).rejects.toThrow(/was revoked/);
  });
});

it('tells who watches of keys that are made, changed and ended, those of a store that is another now too', async () => {
  const { clock, keyring, maker, make, store, signals } = setUp();
  await make({ id: 'old' });
  clock.advance(250);
  keyring.look();
  const told: string[] = [];
  keyring.watch(({ tenant, id }) => void told.push(`${tenant} ${id}`));
  keyring.look();
  await make();
  await revokeKey(maker, { tenant: 'red', id: 'old' });
  expect(told).toEqual([]);
  clock.advance(250);
  keyring.look();
  expect(told.toSorted()).toEqual(['red ci', 'red old']);

  told.length = 0;
  let isReplaced = false;
  const other: KeyStore = {
    ...store,
    changes: (mark) => (isReplaced ? { all: true, keys: [], mark: 1 } : store.changes(mark)),
  };
  const next = new Keyring({ configured: [], store: other, clock, signals });
  next.watch(({ id }) => void told.push(id));
  isReplaced = true;
  clock.advance(250);
  next.look();
  expect(told.toSorted()).toEqual(['ci', 'old']);
});

it('says when a text stops opening its key: when the key expires, or sooner where it was rotated', async () => {
  const { clock, keyring, maker, make } = setUp();
  const now = clock.now();
  const { text } = await make({ expiresAt: now + 100_000 });
  const { text: lasting } = await make({ id: 'lasting' });
  clock.advance(250);
  keyring.look();
  expect([text, lasting, 'x', undefined].map((each) => keyring.endOf(each))).toEqual([
    now + 100_000,
    undefined,
    undefined,
    undefined,
  ]);
  await rotateKey(maker, { tenant: 'red', id: 'ci' }, 60_000);
  clock.advance(250);
  keyring.look();
  expect(keyring.endOf(text)).toBe(now + 60_250);
});

it('keys of the configuration work beside those of the store', async () => {
  const { clock, store, signals, make } = setUp();
  const configured = { ...newTerms('blue', randomBytes), id: 'file', sha256: keyHash('hand-made') };
  const { text } = await make();
  const keyring = new Keyring({ configured: [configured], store, clock, signals });
  expect(keyring.find('hand-made').tenant).toBe('blue');
  expect(keyring.find(text).tenant).toBe('red');
});

it('a store that fails is told of once, and the keys that are known go on working', async () => {
  const { clock, signals, make, store } = setUp();
  const { text } = await make();
  let isBroken = false;
  const flaky: KeyStore = {
    ...store,
    changes(mark) {
      if (isBroken) throw new Error('disk');
      return store.changes(mark);
    },
  };
  const told: string[] = [];
  signals.on('part-failed', ({ part }) => told.push(`${part} failed`));
  signals.on('part-healed', ({ part }) => told.push(`${part} healed`));
  const keyring = new Keyring({ configured: [], store: flaky, clock, signals });
  isBroken = true;
  for (let second = 0; second < 3; second++) {
    clock.advance(1000);
    expect(keyring.find(text).id).toBe('ci');
  }
  isBroken = false;
  clock.advance(1000);
  expect(keyring.find(text).id).toBe('ci');
  expect(told).toEqual(['keys failed', 'keys healed']);
  isBroken = true;
  expect(() => new Keyring({ configured: [], store: flaky, clock, signals })).toThrow('disk');
});
