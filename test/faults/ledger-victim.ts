import { systemClock } from '../../src/kernel/clock.ts';
import { Signals } from '../../src/kernel/signals.ts';
import { sampleRow } from '../../src/ledger/sample-row.ts';
import { createLedger } from '../../src/ledger/ledger.ts';

/** Books rows without end, some in the same turn, and prints each id once it is booked. To be killed. */
const [path, round] = process.argv.slice(2) as [string, string];
const ledger = createLedger({
  path,
  clock: systemClock,
  signals: new Signals(),
  segmentBytes: 20_000,
});

for (let turn = 0; ; turn++) {
  const ids = Array.from({ length: 1 + (turn % 7) }, (_, index) => `${round}-${turn}-${index}`);
  await Promise.all(
    ids.map(async (id) => {
      await ledger.book(sampleRow({ id, at: Date.now() }));
      // Synchronously, so that what is printed was booked at that moment and not lost in a buffer.
      process.stdout.write(`${id}\n`);
    }),
  );
}
