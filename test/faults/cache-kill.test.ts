import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSqliteTier } from '../../src/cache/tiers/sqlite.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { Signals } from '../../src/kernel/signals.ts';

const child = new URL('./cache-writing-child.ts', import.meta.url).pathname;
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'economizer-kill-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Lets a process write and kills it in the middle, once it has said `flushed` so often. Returns the last round that it flushed. */
async function writeUntilKilled(path: string, flushes: number): Promise<number> {
  const writer = spawn(process.execPath, [child, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  let last = -1;
  let heard = 0;
  for await (const line of createInterface({ input: writer.stdout })) {
    last = Number(line.split(' ')[1]);
    // What comes after the signal was said before it.
    if (++heard === flushes) writer.kill('SIGKILL');
  }
  if (writer.exitCode === null && writer.signalCode === null) await once(writer, 'exit');
  expect(writer.signalCode).toBe('SIGKILL');
  return last;
}

function numbers(path: string, sql: string): unknown {
  const database = new DatabaseSync(path);
  try {
    return Object.values(database.prepare(sql).get() ?? {})[0];
  } finally {
    database.close();
  }
}

describe('a cache file whose process was killed while writing', () => {
  it.each([2, 5, 11, 20])('is whole after %d flushes', async (flushes) => {
    const path = join(directory, 'cache.db');
    const last = await writeUntilKilled(path, flushes);

    const signals = new Signals();
    const failures: unknown[] = [];
    signals.on('part-failed', (failure) => failures.push(failure));
    const options = { path, maxBytes: 8 * 1024 * 1024, clock: systemClock, signals };
    const tier = createSqliteTier(options);
    // What was flushed last is there, as it is by far not the oldest.
    expect(tier.get(`round ${last}`)).toMatchObject({ key: `round ${last}` });
    const { entries } = await tier.stats();
    let found = 0;
    for (let index = 0; index < 2000; index++) if (tier.get(`k${index}`)) found++;
    for (let round = 0; round <= last + 100; round++) if (tier.get(`round ${round}`)) found++;
    expect(found).toBe(entries);
    expect(failures).toEqual([]);
    await tier.close();

    expect(numbers(path, 'PRAGMA integrity_check')).toBe('ok');
    const adrift = `SELECT (SELECT count(*) FROM entries WHERE body NOT IN (SELECT id FROM bodies))
      + (SELECT count(*) FROM bodies b WHERE refs <> (SELECT count(*) FROM entries WHERE body = b.id))`;
    expect(numbers(path, adrift)).toBe(0);
  });
});
