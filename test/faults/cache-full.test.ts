import { spawnSync } from 'node:child_process';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createSqliteTier } from '../../src/cache/tiers/sqlite.ts';
import { sampleEntry } from '../../src/cache/sample-entry.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { Signals } from '../../src/kernel/signals.ts';
import { temporaryFolder } from '../e2e/harness.ts';

const child = new URL('./cache-full-child.ts', import.meta.url).pathname;

it('a cache file on a disk that is full serves what it has, tells, and takes more when there is room', async () => {
  const path = join(temporaryFolder(), 'cache.sqlite');
  // A limit on the size of files stands for a full disk: in blocks of a kilobyte.
  const command = `ulimit -f 1500; trap '' XFSZ; exec "${process.execPath}" "${child}" "${path}"`;
  const { stdout } = spawnSync('bash', ['-c', command], { encoding: 'utf8', timeout: 60_000 });
  expect(stdout).toMatch(/^failed set ECO_CACHE_WRITE\nfound true of \d+\n$/);

  const signals = new Signals();
  const told: unknown[] = [];
  signals.on('part-failed', (failure) => told.push(failure));
  const maxBytes = 64 * 1024 * 1024;
  const tier = createSqliteTier({ path, maxBytes, clock: systemClock, signals });
  expect(tier.get('k0')).toMatchObject({ key: 'k0' });
  tier.set(sampleEntry({ key: 'after', now: systemClock.now(), bytes: 5000, seed: 1 }));
  await tier.flush();
  await tier.close();
  expect(told).toEqual([]);

  const database = new DatabaseSync(path, { readOnly: true });
  expect(database.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
  const adrift = `SELECT (SELECT count(*) FROM entries WHERE body NOT IN (SELECT id FROM bodies)) +
    (SELECT count(*) FROM bodies b WHERE refs <> (SELECT count(*) FROM entries WHERE body = b.id)) AS n`;
  expect(database.prepare(adrift).get()).toEqual({ n: 0 });
  expect(database.prepare('SELECT count(*) AS n FROM bodies').get()!['n']).toBeLessThan(101);
  database.close();
}, 90_000);
