import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Signals } from '../../kernel/signals.ts';
import { SimulatedClock } from '../../kernel/simulated-clock.ts';
import { sampleEntry, type SampleOptions } from '../sample-entry.ts';
import { queueBytesMax } from './write-queue.ts';
import { createSqliteTier, type SqliteTier } from './sqlite.ts';

let directory: string;
let path: string;
let clock: SimulatedClock;
let told: string[];
let notices: string[];
let open: SqliteTier[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'economizer-sqlite-'));
  path = join(directory, 'inner', 'cache.db');
  clock = new SimulatedClock();
  told = [];
  notices = [];
  open = [];
});

afterEach(async () => {
  await Promise.all(open.map((tier) => tier.close()));
  rmSync(directory, { recursive: true, force: true });
});

function openTier(maxBytes = 16 * 1024 * 1024): SqliteTier {
  const signals = new Signals();
  signals.on('part-failed', ({ operation, error }) => {
    told.push(`${operation} ${(error as { code: string }).code}`);
  });
  signals.on('part-healed', () => told.push('healed'));
  signals.on('notice', ({ text }) => notices.push(text));
  const tier = createSqliteTier({ path, maxBytes, clock, signals });
  open.push(tier);
  return tier;
}

function entry(key: string, options: Partial<SampleOptions> = {}) {
  return sampleEntry({ key, now: clock.now(), ...options });
}

function rows(sql: string): unknown[] {
  const database = new DatabaseSync(path);
  try {
    return database
      .prepare(sql)
      .all()
      .map((row) => Object.assign({}, row));
  } finally {
    database.close();
  }
}

/** Changes the file behind the tier's back. */
function tamper(sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

describe('the SQLite tier', () => {
  it('makes its folder and its file for the owner alone', () => {
    openTier();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, 'inner')).mode & 0o777).toBe(0o700);
  });

  it('says what to do where the file cannot be opened', () => {
    writeFileSync(join(directory, 'inner'), 'a file where the folder should be');
    expect(() => openTier()).toThrow(expect.objectContaining({ code: 'ECO_CACHE_FILE' }));
  });

  it('sees within a tenth of a second what another process wrote, and meanwhile spares the file the question', async () => {
    const tier = openTier();
    const other = openTier();
    await tier.stats(); // the writer has opened the file, and made the filter
    expect(tier.get('k')).toBeUndefined();
    await tier.stats(); // the writer has looked for what others wrote, as the question made it
    other.set(entry('k'));
    await other.flush();
    expect(tier.get('k')).toBeUndefined();
    clock.advance(100);
    expect(tier.get('k')).toMatchObject({ key: 'k' });
  });

  it('writes after a moment without being told', async () => {
    const tier = openTier();
    tier.set(entry('k'));
    clock.advance(50);
    await tier.stats();
    expect(rows('SELECT key FROM entries')).toEqual([{ key: 'k' }]);
  });

  it('keeps equal bodies once, and each as long as an entry bears it', async () => {
    const tier = openTier();
    for (const key of ['a', 'b', 'c']) tier.set(entry(key, { seed: 1 }));
    tier.set(entry('d', { seed: 2 }));
    await tier.flush();
    expect(rows('SELECT refs FROM bodies ORDER BY id')).toEqual([{ refs: 3 }, { refs: 1 }]);
    await tier.delete('a');
    tier.set(entry('b', { seed: 2 }));
    await tier.flush();
    expect(rows('SELECT refs FROM bodies ORDER BY id')).toEqual([{ refs: 1 }, { refs: 2 }]);
    await tier.delete('c');
    expect(rows('SELECT refs FROM bodies')).toEqual([{ refs: 2 }]);
    expect(tier.get('b')).toMatchObject(entry('b', { seed: 2 }));
  });

  it('packs long bodies where that helps', async () => {
    const tier = openTier();
    const plain = entry('noise', { bytes: 20_000 });
    const text = Buffer.from('{"role":"assistant","content":"yes"}'.repeat(1000));
    const packed = { ...entry('text'), answer: { ...entry('text').answer, final: text } };
    tier.set(plain);
    tier.set(packed);
    await tier.flush();
    expect(rows('SELECT packed FROM bodies ORDER BY id')).toEqual([{ packed: 0 }, { packed: 1 }]);
    expect(Buffer.compare(tier.get('text')!.answer.final, text)).toBe(0);
  });

  it('evicts what was not used for longest', async () => {
    const tier = openTier(2 * 1024 * 1024);
    for (let index = 0; index < 100; index++) {
      tier.set(entry(`old ${index}`, { bytes: 10_000, seed: index }));
    }
    await tier.flush();
    clock.advance(600_000);
    for (let index = 0; index < 20; index++) expect(tier.get(`old ${index}`)).toBeDefined();
    clock.advance(60_000);
    for (let index = 0; index < 120; index++) {
      tier.set(entry(`new ${index}`, { bytes: 10_000, seed: 1000 + index }));
      if (index % 20 === 0) await tier.flush();
    }
    await tier.flush();
    const kept = (keys: string[]) => keys.filter((key) => tier.get(key) !== undefined).length;
    const names = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, index) => `old ${from + index}`);
    expect(kept(names(0, 20))).toBe(20);
    expect(kept(names(20, 84))).toBe(0);
  });

  it('drops what has expired and shrinks the file again', async () => {
    const tier = openTier(4 * 1024 * 1024);
    for (let index = 0; index < 200; index++) {
      tier.set(entry(`k${index}`, { bytes: 10_000, seed: index, ttlMs: 1000 }));
    }
    await tier.flush();
    clock.advance(6000);
    tier.set(entry('after'));
    clock.advance(5100);
    expect(await tier.stats()).toMatchObject({ entries: 1 });
    expect(statSync(path).size).toBeLessThan(200_000);
  });

  it('drops new answers with a signal while the queue is full, and tells when it is free again', async () => {
    const tier = openTier(2 ** 30);
    const count = Math.ceil(queueBytesMax / 1_000_000) + 10;
    const shared = entry('template', { bytes: 1_000_000 });
    tier.set(entry('renewed', { seed: 1 }));
    await tier.flush();
    for (let index = 0; index < count; index++) tier.set({ ...shared, key: `k${index}` });
    expect(told).toEqual(['set ECO_CACHE_OVERLOAD']);
    // What cannot be renewed must not be served as it was.
    tier.set({ ...shared, key: 'renewed' });
    expect(tier.get('renewed')).toBeUndefined();
    await tier.flush();
    expect(told).toEqual(['set ECO_CACHE_OVERLOAD', 'healed']);
    expect((await tier.stats()).entries).toBeLessThan(count);
    expect(tier.get('k0')).toBeDefined();
  });

  it('shares its file with other processes', async () => {
    const [first, second] = [openTier(), openTier()];
    await Promise.all(
      [first, second].map(async (tier, number) => {
        for (let index = 0; index < 100; index++) {
          tier.set(entry(`${number} ${index}`, { seed: index }));
          if (index % 20 === 0) await tier.flush();
        }
        await tier.flush();
      }),
    );
    expect(first.get('1 99')).toMatchObject(entry('1 99', { seed: 99 }));
    expect(second.get('0 99')).toMatchObject(entry('0 99', { seed: 99 }));
    expect(await first.stats()).toMatchObject({ entries: 200 });
    expect(told).toEqual([]);
  });
});

describe('a damaged file', () => {
  const asides = () => readdirSync(join(directory, 'inner')).filter((name) => /corrupt/.test(name));

  async function fill(): Promise<void> {
    const tier = openTier();
    for (let index = 0; index < 50; index++) {
      tier.set(entry(`k${index}`, { bytes: 8000, seed: index }));
    }
    await tier.close();
  }

  it('that is none of ours is moved aside and begun anew', async () => {
    await fill();
    writeFileSync(path, Buffer.alloc(20_000, 'not a database'));
    const tier = openTier();
    expect(told).toEqual(['open ECO_CACHE_CORRUPT']);
    expect(notices[0]).toContain('.corrupt-2026-01-01T00-00-00-000Z');
    expect(asides()).toHaveLength(1);
    tier.set(entry('k'));
    await tier.flush();
    expect(tier.get('k')).toBeDefined();
  });

  it('of another program keeps its data', async () => {
    await fill();
    rmSync(path);
    tamper('CREATE TABLE accounts (name TEXT); INSERT INTO accounts VALUES (1)');
    openTier();
    expect(told).toEqual(['open ECO_CACHE_CORRUPT']);
    path = join(directory, 'inner', asides()[0]!);
    expect(rows('SELECT name FROM accounts')).toEqual([{ name: '1' }]);
  });

  it('of another version is emptied', async () => {
    await fill();
    tamper('CREATE TABLE more (x); PRAGMA user_version = 999');
    const tier = openTier();
    expect(tier.get('k1')).toBeUndefined();
    expect(rows(`SELECT name FROM sqlite_schema WHERE name = 'more'`)).toEqual([]);
    expect(await tier.stats()).toMatchObject({ entries: 0 });
    expect(told).toEqual([]);
  });

  it('whose damage shows on reading is a miss, moved aside and begun anew', async () => {
    await fill();
    const damaged = Buffer.alloc(statSync(path).size - 8192, 0xab);
    const descriptor = openSync(path, 'r+');
    writeSync(descriptor, damaged, 0, damaged.length, 8192);
    closeSync(descriptor);
    const tier = openTier();
    const found = Array.from({ length: 50 }, (_, index) => tier.get(`k${index}`));
    expect(found.filter((each) => each !== undefined)).toEqual([]);
    await tier.flush();
    expect(told[0]).toBe('get ECO_CACHE_CORRUPT');
    expect(asides()).toHaveLength(1);
    tier.set(entry('k'));
    await tier.flush();
    expect(tier.get('k')).toBeDefined();
  });

  it('with one wrong body costs that one only', async () => {
    await fill();
    tamper(`UPDATE bodies SET bytes = zeroblob(8000), packed = 0 WHERE id = 3;
            UPDATE bodies SET packed = 1 WHERE id = 4;
            UPDATE entries SET head = x'01' WHERE id = 5;`);
    const tier = openTier();
    const found = Array.from({ length: 50 }, (_, index) => tier.get(`k${index}`));
    expect(found.filter((each) => each === undefined)).toHaveLength(3);
    expect(told).toEqual(Array.from({ length: 3 }, () => 'get ECO_CACHE_CORRUPT'));
    await tier.flush();
    expect(rows('SELECT count(*) AS count FROM entries')).toEqual([{ count: 47 }]);
    expect(rows('SELECT count(*) AS count FROM bodies')).toEqual([{ count: 47 }]);
  });
});
