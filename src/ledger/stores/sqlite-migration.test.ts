import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sampleRow } from '../sample-row.ts';
import { LedgerDatabase } from './sqlite-database.ts';
import { journalLine } from './sqlite-rows.ts';
import { rollupSums } from './sqlite-schema.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ledger-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const later = [
  'lost_cause',
  'lost_tokens',
  'lost_nanos',
  'predicted_nanos',
  'team',
  'key_id',
  'charged_nanos',
];

/** A ledger as its first version made it, with one row. */
function firstVersion(): string {
  const path = join(folder, 'ledger.sqlite');
  const ledger = new LedgerDatabase({ path });
  ledger.insertLines(journalLine(sampleRow({ id: 'old' })));
  ledger.close();
  const database = new DatabaseSync(path);
  database.exec('DROP VIEW calls_usd');
  for (const column of later) database.exec(`ALTER TABLE calls DROP COLUMN ${column}`);
  const keys = 'hour_ms, tenant, provider, model, agent, outcome, saved_by';
  const sums = rollupSums.slice(0, -2).join(', ');
  database.exec(`
    CREATE TABLE narrow (${keys}, ${sums}, PRIMARY KEY (${keys})) WITHOUT ROWID;
    INSERT INTO narrow (${keys}, ${sums}) SELECT ${keys}, ${sums} FROM calls_hourly;
    DROP TABLE calls_hourly;
    ALTER TABLE narrow RENAME TO calls_hourly;
    CREATE VIEW calls_usd AS SELECT tenant FROM calls;
    PRAGMA user_version = 1;
  `);
  database.close();
  return path;
}

/** A row as the first version wrote it to its journal. */
function oldLine(id: string): string {
  const values = JSON.parse(journalLine(sampleRow({ id }))) as unknown[];
  return `${JSON.stringify(values.slice(0, -later.length))}\n`;
}

describe('a ledger of the first version', () => {
  it('is read without being changed', () => {
    const path = firstVersion();
    const ledger = new LedgerDatabase({ path, readOnly: true });
    expect(ledger.recent(10).map(({ id, lostCause }) => [id, lostCause])).toEqual([
      ['old', undefined],
    ]);
    expect(ledger.report({ by: 'cause' })[0]).toMatchObject({ group: '', calls: 1, lostNanos: 0 });
    expect(ledger.report({ by: 'model' })[0]).toMatchObject({ calls: 1, lostNanos: 0 });
    expect(ledger.countMissing(oldLine('old') + oldLine('new'))).toBe(1);
    ledger.close();
    const database = new DatabaseSync(path, { readOnly: true });
    expect(database.prepare('PRAGMA user_version').get()).toEqual({ user_version: 1 });
    database.close();
  });

  it('is brought up to date, with the rows that wait in its journal', () => {
    const path = firstVersion();
    const ledger = new LedgerDatabase({ path });
    const lost = { lostCause: 'ttl-gone', lostTokens: 9, lostNanos: 3 };
    const predicted = { predictedNanos: 7 };
    const who = { team: 'red', key: 'k1', chargedNanos: 5000 };
    const lines = [
      oldLine('waiting'),
      journalLine(sampleRow({ id: 'new', ...lost, ...predicted, ...who })),
    ];
    expect(ledger.insertLines(lines.join(''))).toBe(0);
    expect(ledger.report({ by: 'model' })[0]).toMatchObject({ calls: 3, lostNanos: 3 });
    expect(ledger.recent(1)[0]).toMatchObject({ ...lost, ...predicted, ...who });
    const byTeam = ledger.report({ by: 'team' });
    expect(byTeam.map(({ group, calls, chargedNanos }) => [group, calls, chargedNanos])).toEqual([
      ['', 2, 2000],
      ['red', 1, 5000],
    ]);
    ledger.close();
    const database = new DatabaseSync(path, { readOnly: true });
    const view = database.prepare('SELECT count(charged_usd) AS n FROM calls_usd').get();
    expect(view).toEqual({ n: 3 });
    database.close();
  });
});
