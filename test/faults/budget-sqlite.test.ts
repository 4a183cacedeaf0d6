import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createSqliteBudgetStore } from '../../src/budget/stores/sqlite.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { temporaryFolder } from '../e2e/harness.ts';

const victim = new URL('./budget-victim.ts', import.meta.url).pathname;
const lines = [{ account: 'a', limit: 1000, hard: true, endsAt: undefined }];
const ask = (id: string) => ({ id, amount: 10, lines });

function open(path: string, more: { owner?: string; busyMs?: number; leaseMs?: number } = {}) {
  const store = createSqliteBudgetStore({ path, clock: systemClock, owner: 'test', ...more });
  onTestFinished(() => store.close());
  return store;
}

describe('budgets in a file', { timeout: 30_000 }, () => {
  it('waits while another process is writing, and stops nobody else meanwhile', async () => {
    const path = join(temporaryFolder(), 'budgets.sqlite');
    const store = open(path);
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    const verdict = store.hold(ask('1'));
    expect(verdict).toBeInstanceOf(Promise);
    let turns = 0;
    const turning = setInterval(() => turns++, 1);
    await delay(60);
    clearInterval(turning);
    expect(turns).toBeGreaterThan(10);
    other.exec('COMMIT');
    expect((await verdict).held).toBe(true);
    expect(store.hold(ask('2'))).not.toBeInstanceOf(Promise);
    other.close();
  });

  it('gives up where the file stays locked', async () => {
    const path = join(temporaryFolder(), 'budgets.sqlite');
    const store = open(path, { busyMs: 100 });
    await store.hold(ask('before'));
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    const began = performance.now();
    for (const act of [store.hold(ask('1')), store.settle('before', 1), store.heartbeat()]) {
      await expect(act).rejects.toMatchObject({ code: 'ECO_BUDGET_STORE' });
    }
    expect(performance.now() - began).toBeLessThan(2000);
    // Reading goes on.
    expect(await store.read(['a'])).toEqual([{ account: 'a', spent: 0, held: 10 }]);
    other.exec('ROLLBACK');
    other.close();
    expect((await store.settle('before', 1)).state).toBe('settled');
  });

  it('says what is wrong with a file that it cannot use', () => {
    const folder = temporaryFolder();
    const text = join(folder, 'text');
    writeFileSync(text, 'not a database, but long enough to be looked at '.repeat(100));
    const foreign = join(folder, 'foreign');
    const database = new DatabaseSync(foreign);
    database.exec('CREATE TABLE ours (id INTEGER)');
    database.close();
    mkdirSync(join(folder, 'directory'));
    const newer = join(folder, 'newer');
    void open(newer).close();
    const changed = new DatabaseSync(newer);
    changed.exec('PRAGMA user_version = 99');
    changed.close();
    for (const path of [text, foreign, join(folder, 'directory'), newer, '/proc/budgets']) {
      expect(() => open(path), path).toThrow(expect.objectContaining({ code: 'ECO_BUDGET_FILE' }));
    }
  });

  it('refuses where the disk is full, and keeps what it has', async () => {
    const path = join(temporaryFolder(), 'budgets.sqlite');
    await open(path).close();
    // A limit on the size of files stands for a full disk: in blocks of a kilobyte.
    const command = `ulimit -f 400; trap '' XFSZ; exec "${process.execPath}" "${victim}" "${path}" full`;
    const child = spawn('bash', ['-c', command], { stdio: ['ignore', 'pipe', 'ignore'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    let printed = '';
    for await (const chunk of child.stdout) {
      printed += String(chunk);
      if (printed.includes('failed')) break;
    }
    child.kill('SIGKILL');
    expect(printed).toContain('failed ECO_BUDGET_STORE');
    isWhole(path);
    const store = open(path, { owner: 'next', leaseMs: 300 });
    const [balance] = await store.read(['a']);
    const before = printed.slice(0, printed.indexOf('failed'));
    expect(balance!.spent + balance!.held).toBeGreaterThanOrEqual(7 * count(before, 'held'));
    expect((await store.hold(ask('after'))).held).toBe(true);
  });

  it('kill -9 of a process that holds loses nothing, and its holds are charged', async () => {
    const path = join(temporaryFolder(), 'budgets.sqlite');
    const store = open(path, { owner: 'survivor', leaseMs: 300 });
    let [held, settled] = [0, 0];
    for (let round = 0; round < 3; round++) {
      const child = spawn(process.execPath, [victim, path, `victim ${round}`]);
      const exited = once(child, 'close');
      onTestFinished(() => void child.kill('SIGKILL'));
      let printed = '';
      child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
      while (count(printed, 'held') < 200) await delay(5);
      child.kill('SIGKILL');
      await exited;
      held += count(printed, 'held');
      settled += count(printed, 'settled');
    }
    await delay(350);
    await store.heartbeat();
    const open_ = await store.openHolds();
    expect(open_.every(({ state }) => state === 'charged')).toBe(true);
    // What was done in the moment of a kill may not have been printed.
    const unsure = 3;
    expect(open_.length).toBeGreaterThanOrEqual(held - settled - unsure);
    expect(open_.length).toBeLessThanOrEqual(held - settled + unsure);
    const [a, b] = await store.read(['a', 'b']);
    expect(a).toEqual({ ...b, account: 'a' });
    expect(a!.held).toBe(0);
    const charged = 10 * open_.length;
    expect((a!.spent - charged) % 7).toBe(0);
    expect(Math.abs((a!.spent - charged) / 7 - settled)).toBeLessThanOrEqual(unsure);
    isWhole(path);
  });
});

function count(text: string, word: string): number {
  return text.split(`${word}\n`).length - 1;
}

function isWhole(path: string): void {
  const database = new DatabaseSync(path, { readOnly: true });
  expect(database.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
  database.close();
}
