import { createSqliteTier } from '../../src/cache/tiers/sqlite.ts';
import { sampleEntry } from '../../src/cache/sample-entry.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { Signals } from '../../src/kernel/signals.ts';

/** Writes to the cache file it is given until the disk is full, then goes on reading and says what it finds. */
const signals = new Signals();
const failed: string[] = [];
signals.on('part-failed', ({ operation, error }) => {
  failed.push(`${operation} ${(error as { code?: string }).code ?? ''}`);
});
const tier = createSqliteTier({
  path: process.argv[2]!,
  maxBytes: 64 * 1024 * 1024,
  clock: systemClock,
  signals,
});
const entry = (index: number) =>
  // Three of a kind share a body.
  sampleEntry({ key: `k${index}`, now: systemClock.now(), bytes: 5000, seed: index % 100 });
let index = 0;
for (; failed.length === 0 && index < 20_000; index++) {
  tier.set(entry(index));
  if (index % 50 === 49) await tier.flush().catch(() => {});
}
process.stdout.write(`failed ${failed[0]}\n`);
let found = 0;
for (let key = 0; key < index; key++) if (tier.get(`k${key}`) !== undefined) found++;
process.stdout.write(`found ${found > 0} of ${index}\n`);
await tier.close().catch(() => {});
