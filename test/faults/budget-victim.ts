import { createSqliteBudgetStore } from '../../src/budget/stores/sqlite.ts';
import { systemClock } from '../../src/kernel/clock.ts';

/** Holds without end, settles every second hold, and prints what became of each. To be killed, or to run out of room. */
const [path, owner] = process.argv.slice(2) as [string, string];
const store = createSqliteBudgetStore({ path, owner, clock: systemClock, leaseMs: 300 });
const lines = [
  { account: 'a', limit: 1e12, hard: true, endsAt: undefined },
  { account: 'b', limit: 1e12, hard: true, endsAt: undefined },
];

for (let call = 0; ; call++) {
  const id = `${owner}.${call} ${'long '.repeat(40)}`;
  try {
    const verdict = await store.hold({ id, amount: 10, lines });
    if (!verdict.held) throw new Error('refused');
    // Synchronously, so that what is printed was done at that moment and not lost in a buffer.
    process.stdout.write('held\n');
    if (call % 2 === 1) continue;
    await store.settle(id, 7);
    process.stdout.write('settled\n');
  } catch (error) {
    process.stdout.write(`failed ${(error as { code?: string }).code}\n`);
    if (call > 100_000) break;
  }
}
