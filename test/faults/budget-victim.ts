import { writeSync } from 'node:fs';
import { createSqliteBudgetStore } from '../../src/budget/stores/sqlite.ts';
import { systemClock } from '../../src/kernel/clock.ts';

/** Calls at once: what they ask shares acts. */
const lanes = 4;

/** Holds without end, settles every second hold, and prints what became of each. To be killed, or to run out of room. */
const [path, owner] = process.argv.slice(2) as [string, string];
const store = createSqliteBudgetStore({ path, owner, clock: systemClock, leaseMs: 300 });
const lines = [
  { account: 'a', limit: 1e12, hard: true, endsAt: undefined },
  { account: 'b', limit: 1e12, hard: true, endsAt: undefined },
];

async function lane(number: number): Promise<void> {
  for (let call = number; call < 100_000; call += lanes) {
    const id = `${owner}.${call} ${'long '.repeat(40)}`;
    try {
      const verdict = await store.hold({ id, amount: 10, lines });
      if (!verdict.held) throw new Error('refused');
      // Synchronously: what is printed is in the pipe when the kill comes.
      writeSync(1, 'held\n');
      if (call % (2 * lanes) >= lanes) continue;
      await store.settle(id, 7);
      writeSync(1, 'settled\n');
    } catch (error) {
      writeSync(1, `failed ${(error as { code?: string }).code}\n`);
    }
  }
}

await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)));
