import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Signals } from '../kernel/signals.ts';
import { SimulatedClock } from '../kernel/simulated-clock.ts';
import { ledgerStoreConformance } from './conformance.ts';
import { sampleReuse, sampleRow } from './sample-row.ts';
import { journalDirectory } from './journal.ts';
import { createLedger, type Ledger, type LedgerOptions } from './ledger.ts';
import { journalLine } from './stores/sqlite-rows.ts';
import { createSqliteLedgerStore } from './stores/sqlite.ts';

const directories: string[] = [];
const newPath = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'economizer-ledger-'));
  directories.push(directory);
  return join(directory, 'ledger.sqlite');
};
afterEach(() => {
  for (const directory of directories.splice(0))
    rmSync(directory, { recursive: true, force: true });
});

const open = (
  options: Partial<LedgerOptions> = {},
): {
  path: string;
  ledger: Ledger;
  clock: SimulatedClock;
  failures: string[];
  notices: string[];
} => {
  const clock = new SimulatedClock();
  const signals = new Signals();
  const failures: string[] = [];
  const notices: string[] = [];
  signals.on('part-failed', ({ operation }) => failures.push(operation));
  signals.on('notice', ({ text }) => notices.push(text));
  const path = options.path ?? newPath();
  return {
    path,
    clock,
    failures,
    notices,
    ledger: createLedger({ path, clock, signals, ...options }),
  };
};

describe('the SQLite store', () => {
  const create = async () => createSqliteLedgerStore({ path: newPath() });
  for (const each of ledgerStoreConformance({ create })) it(each.name, () => each.run());
});

describe('the ledger as a store', () => {
  const create = async () => {
    const { ledger } = open();
    return {
      append: async (rows: readonly ReturnType<typeof sampleRow>[]) => {
        await Promise.all(rows.map((row) => ledger.book(row)));
      },
      report: ledger.report.bind(ledger),
      spend: ledger.spend.bind(ledger),
      charges: ledger.charges.bind(ledger),
      recent: ledger.recent.bind(ledger),
      close: ledger.close.bind(ledger),
    };
  };
  for (const each of ledgerStoreConformance({ create })) it(each.name, () => each.run());
});

describe('the journal of the ledger', () => {
  it('is empty after a close, and the rows are in the database', async () => {
    const { path, ledger } = open();
    await ledger.book(sampleRow());
    expect(
      readdirSync(journalDirectory(path)).filter((name) => name.endsWith('.jsonl')),
    ).toHaveLength(1);
    await ledger.close();
    expect(readdirSync(journalDirectory(path))).toEqual([]);
    const again = open({ path });
    expect(await again.ledger.recent(5)).toEqual([sampleRow()]);
    await again.ledger.close();
  });

  it('loses nothing when it changes segments', async () => {
    const { ledger, path } = open({ segmentBytes: 1000 });
    for (let index = 0; index < 50; index++) await ledger.book(sampleRow({ id: `row-${index}` }));
    expect((await ledger.report({ by: 'model' }))[0]?.calls).toBe(50);
    expect(readdirSync(journalDirectory(path)).length).toBeLessThan(4);
    await ledger.close();
  });

  it('is replayed after a crash but for its torn last line', async () => {
    const path = newPath();
    const directory = journalDirectory(path);
    mkdirSync(directory, { recursive: true });
    const whole = journalLine(sampleRow()) + journalLine(sampleReuse());
    writeFileSync(join(directory, 'journal-v1-1-dead-0.jsonl'), `${whole}["row-3",17`);
    writeFileSync(
      join(directory, 'journal-v1-1-dead-1.jsonl'),
      `{"not":"ours"}\n${journalLine(sampleRow())}`,
    );
    const { ledger, notices } = open({ path });
    expect((await ledger.report({ by: 'model' }))[0]).toMatchObject({
      calls: 2,
      savedMeasuredNanos: 1000,
    });
    expect(notices.join(' ')).toMatch(/unreadable line/);
    await ledger.close();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('leaves alone what a living process writes', async () => {
    const { path, ledger } = open();
    await ledger.book(sampleRow());
    const other = open({ path });
    expect(await other.ledger.recent(5)).toEqual([]);
    await other.ledger.book(sampleRow({ id: 'row-2' }));
    await other.ledger.close();
    expect((await ledger.recent(5)).length).toBe(2);
    await ledger.close();
  });

  it('takes over in time what a process has left that died later', async () => {
    const { path, ledger, clock } = open();
    await ledger.book(sampleRow());
    writeFileSync(
      join(journalDirectory(path), 'journal-v1-1-dead-0.jsonl'),
      journalLine(sampleRow({ id: 'row-2' })),
    );
    expect(await ledger.recent(5)).toHaveLength(1);
    clock.advance(60_000);
    expect(await ledger.recent(5)).toHaveLength(2);
    await ledger.close();
  });

  it('keeps rows in memory while it cannot be written, and books them when it can', async () => {
    const path = newPath();
    writeFileSync(journalDirectory(path), 'in the way');
    const { ledger, clock, failures, notices } = open({ path, waitingRows: 3 });
    for (let index = 0; index < 5; index++) await ledger.book(sampleRow({ id: `row-${index}` }));
    expect(failures).toContain('journal');
    rmSync(journalDirectory(path));
    clock.advance(2000);
    expect((await ledger.recent(9)).map(({ id }) => id)).toEqual(['row-4', 'row-3', 'row-2']);
    expect(notices.join(' ')).toMatch(/2 call\(s\) are missing/);
    await ledger.close();
  });

  it('outlives a database that cannot be opened', async () => {
    const path = newPath();
    mkdirSync(path);
    const { ledger, failures } = open({ path });
    await ledger.book(sampleRow());
    await expect(ledger.report({ by: 'model' })).rejects.toMatchObject({ code: 'ECO_LEDGER' });
    await ledger.close();
    expect(failures).toContain('close');
    rmSync(path, { recursive: true });
    const again = open({ path });
    expect(await again.ledger.recent(5)).toHaveLength(1);
    await again.ledger.close();
  });
});

describe('retention', () => {
  it('deletes old calls and keeps their sums', async () => {
    const { ledger, clock } = open({ retentionMs: 86_400_000 });
    await ledger.book(sampleRow({ at: clock.now() - 60_000 }));
    await ledger.flush();
    clock.advance(86_400_000);
    await ledger.book(sampleRow({ id: 'row-2', at: clock.now() }));
    expect((await ledger.recent(5)).map(({ id }) => id)).toEqual(['row-2']);
    expect((await ledger.report({ by: 'model' }))[0]?.calls).toBe(2);
    await ledger.close();
  });
});
