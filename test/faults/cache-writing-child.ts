import { createSqliteTier } from '../../src/cache/tiers/sqlite.ts';
import { sampleEntry } from '../../src/cache/sample-entry.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { Signals } from '../../src/kernel/signals.ts';

/** Writes to the cache file it is given, without end, until it is killed. Says `flushed N` when the first N rounds are in the file. */
const tier = createSqliteTier({
  path: process.argv[2]!,
  maxBytes: 8 * 1024 * 1024,
  clock: systemClock,
  signals: new Signals(),
});
for (let round = 0; ; round++) {
  for (let index = 0; index < 40; index++) {
    const seed = round * 40 + index;
    const key = `k${seed % 2000}`;
    const now = systemClock.now();
    tier.set(
      sampleEntry({ key, now, bytes: 500 + (seed % 7) * 1500, framesBytes: 300, seed: seed % 500 }),
    );
    if (index % 9 === 0) tier.get(`k${(seed * 31) % 2000}`);
  }
  tier.set(sampleEntry({ key: `round ${round}`, now: systemClock.now(), seed: round }));
  if (round % 5 === 0) {
    await tier.flush();
    process.stdout.write(`flushed ${round}\n`);
  }
  await new Promise(setImmediate);
}
