import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SimulatedClock } from '../../kernel/simulated-clock.ts';
import { Signals } from '../../kernel/signals.ts';
import type { PurgeOrder } from './purge-store.ts';
import { everyTenant } from './purge-table.ts';
import { PurgeWatch } from './purge-watch.ts';
import { createSqlitePurges, type SqlitePurges } from './sqlite-purges.ts';

let directory: string;
let path: string;
const opened: { close(): unknown }[] = [];
const clock = new SimulatedClock();
let told: string[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'economizer-purges-'));
  path = join(directory, 'inner', 'purges.sqlite');
  told = [];
});
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
  rmSync(directory, { recursive: true, force: true });
});

function signals(): Signals {
  const found = new Signals();
  found.on('part-failed', ({ part, operation }) => told.push(`${part} ${operation}`));
  found.on('notice', ({ text }) => told.push(text));
  return found;
}

function open(): SqlitePurges {
  const store = createSqlitePurges({ path, clock, signals: signals() });
  opened.push(store);
  return store;
}

function order(selector: string, more: Partial<PurgeOrder> = {}): PurgeOrder {
  return { tenant: 'acme', selector, soft: false, before: undefined, ...more };
}

describe('the file of purges', () => {
  it('is the owner’s alone, keeps what was purged, and gives out greater and greater versions', () => {
    const [first, other] = [open(), open()];
    const [one] = first.add([order('tag:x')], 0, 1000);
    const [two] = other.add([order('tag:y', { before: 500 })], 0, 900);
    const [three] = first.add([order('tag:x', { soft: true })], 5000, 900);
    expect([one!.mark.hard, two!.mark.hardBefore, three!.mark.soft]).toEqual([1000, 500, 5001]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const again = open().load();
    expect(again).toHaveLength(2);
    expect(again.find(({ selector }) => selector === 'tag:x')!.mark).toMatchObject({
      hard: 1000,
      soft: 5001,
    });
  });

  it('takes the greater of each number, and forgets what was folded', () => {
    const store = open();
    const mark = { hard: 5, hardBefore: 9, soft: 0, softBefore: 0, softBeforeAt: 0 };
    store.keep([{ tenant: 'acme', selector: 'all', mark }]);
    store.keep([{ tenant: 'acme', selector: 'all', mark: { ...mark, hard: 7, hardBefore: 1 } }]);
    expect(store.load()[0]!.mark).toEqual({ ...mark, hard: 7 });
    store.keep([], store.load());
    expect(store.load()).toEqual([]);
  });

  it('tells once that another process has purged', () => {
    const [first, other] = [open(), open()];
    expect(first.changed()).toBe(false);
    first.add([order('tag:x')], 0, 1000);
    expect(first.changed()).toBe(false);
    expect(other.changed()).toBe(true);
    expect(other.changed()).toBe(false);
  });

  it('that is damaged counts as if everything had been purged', () => {
    const store = open();
    store.add([order('tag:x')], 0, 1000);
    store.close();
    opened.length = 0;
    writeFileSync(path, Buffer.alloc(20_000, 'not a database'));
    rmSync(`${path}-wal`, { force: true });
    const again = open();
    expect(again.load()).toMatchObject([
      { tenant: everyTenant, selector: 'all', mark: { hard: clock.now() } },
    ]);
    expect(told[0]).toBe('cache.purges open');
    expect(told[1]).toContain('all stored answers count as purged');
    expect(readdirSync(join(directory, 'inner')).some((name) => name.includes('corrupt'))).toBe(
      true,
    );
  });
});

describe('a gateway beside another process', () => {
  it('sees within a tenth of a second what that has purged, and tells who gives back the room', () => {
    const watch = new PurgeWatch({ local: open(), clock, signals: signals() });
    opened.push(watch);
    opened.shift();
    const heard: string[] = [];
    watch.onNews((lines) => heard.push(...lines.map(({ selector }) => selector)));
    const entry = { key: 'k', tags: ['tenant:acme', 'tag:x'], epoch: watch.version(), storedAt: 0 };
    expect(watch.judge(entry).kind).toBe('kept');
    open().add([order('tag:x')], 0, clock.now());
    clock.advance(100);
    expect(watch.judge(entry).kind).toBe('gone');
    expect(heard).toEqual(['tag:x']);
    expect(watch.version()).toBeGreaterThan(entry.epoch);
  });

  it('remembers after a restart, and asks under the new version', async () => {
    const before = new PurgeWatch({ local: open(), clock, signals: signals() });
    opened.pop();
    const { lines } = await before.add([order('tag:x')]);
    await before.close();
    const after = new PurgeWatch({ local: open(), clock, signals: signals() });
    expect(after.version()).toBe(lines[0]!.mark.hard);
    expect(after.judge({ key: 'k', tags: ['tenant:acme', 'tag:x'], storedAt: 0 }).kind).toBe(
      'gone',
    );
  });
});
