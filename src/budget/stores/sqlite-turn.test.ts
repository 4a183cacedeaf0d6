import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../kernel/clock.ts';
import { ActOfTurn } from './sqlite-turn.ts';
import { createSqliteBudgetStore } from './sqlite.ts';

/** Commits in a write-ahead log: frames that say how large the file is then (sqlite.org/fileformat2.html, section 4.1). */
function commitsIn(log: Buffer): number {
  const frameBytes = 24 + log.readUInt32BE(8);
  let commits = 0;
  for (let at = 32; at + frameBytes <= log.length; at += frameBytes) {
    if (log.readUInt32BE(at + 4) > 0) commits++;
  }
  return commits;
}

describe('what is asked of the budget file in one turn', () => {
  it('is one transaction, done by the end of the turn', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'economizer-budget-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const path = join(directory, 'budgets.sqlite');
    const store = createSqliteBudgetStore({ path, clock: systemClock, owner: 'one' });
    const commits = () => commitsIn(readFileSync(`${path}-wal`));
    const lines = [{ account: 'a', limit: 1000, hard: true, endsAt: undefined }];
    const hold = (id: string) => store.hold({ id, amount: 10, lines });
    await hold('before');
    const before = commits();
    const done: string[] = [];
    const asked = ['1', '2', '3'].map(async (id) => done.push(`${id} ${(await hold(id)).held}`));
    const settled = store.settle('before', 4);
    expect(commits()).toBe(before);
    await nextTurn();
    expect(done).toEqual(['1 true', '2 true', '3 true']);
    expect((await settled).balances).toEqual([{ account: 'a', spent: 4, held: 30 }]);
    expect(commits()).toBe(before + 1);
    await Promise.all(asked);
    await store.close();
  });

  it('is done in the order in which it was asked, at most 200 at once', async () => {
    const acts: number[][] = [];
    const turn = new ActOfTurn((work) => {
      acts.push([]);
      work();
    });
    const asked = Array.from({ length: 450 }, (_, number) => {
      return turn.add(() => acts.at(-1)!.push(number));
    });
    await Promise.all(asked);
    expect(acts.map(({ length }) => length)).toEqual([200, 200, 50]);
    expect(acts.flat()).toEqual(Array.from({ length: 450 }, (_, number) => number));
  });

  it('waits for a file that is locked together with what is asked meanwhile', async () => {
    const done: string[] = [];
    let file = Promise.withResolvers<void>();
    const turn = new ActOfTurn(async (work) => {
      // Undone, and tried again.
      work();
      done.length = 0;
      await file.promise;
      work();
    });
    const add = (name: string) => turn.add(() => done.push(name));
    const first = add('first');
    await nextTurn();
    const second = add('second');
    file.resolve();
    expect(await Promise.all([first, second])).toEqual([1, 2]);
    expect(done).toEqual(['first', 'second']);
    file = Promise.withResolvers();
    const third = expect(add('third')).rejects.toThrow('locked for too long');
    await nextTurn();
    const fourth = expect(add('fourth')).rejects.toThrow('locked for too long');
    file.reject(new Error('locked for too long'));
    await Promise.all([third, fourth]);
    file = Promise.withResolvers();
    file.resolve();
    expect(await add('fifth')).toBe(1);
  });
});
