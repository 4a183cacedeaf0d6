import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/clock.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import { Signals } from '../../src/kernel/signals.ts';
import { journalDirectory } from '../../src/ledger/journal.ts';
import { createLedger } from '../../src/ledger/ledger.ts';

const directory = mkdtempSync(join(tmpdir(), 'economizer-kill-'));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Runs the victim until it has booked `count` rows, kills it, and gives every id that it claimed. */
function killedAfter(path: string, round: number, count: number): Promise<readonly string[]> {
  const victim = fileURLToPath(new URL('ledger-victim.ts', import.meta.url));
  const child = spawn(process.execPath, [victim, path, String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    let text = '';
    child.on('error', reject);
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.split('\n').length > count) child.kill('SIGKILL');
    });
    // The last line may be torn by the kill; what is not printed whole was not claimed.
    child.on('close', () => resolve(text.split('\n').slice(0, -1)));
  });
}

it('loses no booked row and books none twice when it is killed', async () => {
  const path = join(directory, 'ledger.sqlite');
  const random = seededRandom(7);
  const claimed: string[] = [];
  for (let round = 0; round < 6; round++) {
    claimed.push(...(await killedAfter(path, round, 1 + Math.floor(random.next() * 2000))));
  }
  const ledger = createLedger({ path, clock: systemClock, signals: new Signals() });
  const found = (await ledger.recent(1_000_000)).map(({ id }) => id);
  const booked = new Set(found);
  expect(claimed.filter((id) => !booked.has(id))).toEqual([]);
  expect(found).toHaveLength(booked.size);
  // The hourly sums were kept in step through every crash.
  const calls = (await ledger.report({ by: 'provider' })).reduce(
    (sum, line) => sum + line.calls,
    0,
  );
  expect(calls).toBe(booked.size);
  await ledger.close();
  expect(readdirSync(journalDirectory(path)).filter((name) => name.endsWith('.jsonl'))).toEqual([]);
});
