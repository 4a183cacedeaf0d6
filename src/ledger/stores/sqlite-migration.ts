import type { DatabaseSync } from 'node:sqlite';
import { callColumnNames, hourlyTable, type SqlColumn } from './sqlite-schema.ts';

/** What each version of the schema added, from the second on: columns at the end, empty in older rows. */
const additions: readonly (readonly SqlColumn[])[] = [
  [
    { table: 'calls', name: 'lost_cause', type: 'TEXT', older: 'NULL' },
    { table: 'calls', name: 'lost_tokens', type: 'INTEGER', older: 'NULL' },
    { table: 'calls', name: 'lost_nanos', type: 'INTEGER', older: 'NULL' },
    { table: 'calls_hourly', name: 'lost_nanos', type: 'INTEGER NOT NULL DEFAULT 0', older: '0' },
  ],
  [{ table: 'calls', name: 'predicted_nanos', type: 'INTEGER', older: 'NULL' }],
  [
    { table: 'calls', name: 'team', type: 'TEXT', older: 'NULL' },
    { table: 'calls', name: 'key_id', type: 'TEXT', older: 'NULL' },
    { table: 'calls', name: 'charged_nanos', type: 'INTEGER', older: 'NULL' },
    { table: 'calls_hourly', name: 'team', type: "TEXT NOT NULL DEFAULT ''", older: "''" },
    { table: 'calls_hourly', name: 'key_id', type: "TEXT NOT NULL DEFAULT ''", older: "''" },
    {
      table: 'calls_hourly',
      name: 'charged_nanos',
      type: 'INTEGER NOT NULL DEFAULT 0',
      // Before there were budgets, what a call cost was all that could be charged for it.
      older: 'cost_nanos',
    },
  ],
];

/** From this version on lines of the roll-up are told apart by more. */
const widerKeysVersion = 4;

function since(version: number): readonly SqlColumn[] {
  // A ledger that has just been made has version 0 and no tables.
  return version === 0 ? [] : additions.slice(version - 1).flat();
}

/** Brings the tables of an older version up to this one, within the transaction that is open. */
export function migrate(database: DatabaseSync, version: number): void {
  for (const { table, name, type } of since(version)) {
    database.exec(`ALTER TABLE ${table} ADD COLUMN ${name} ${type}`);
  }
  if (version === 0 || version >= widerKeysVersion) return;
  rebuildHourly(database);
}

/** A primary key cannot be changed, so the roll-up moves into a new table. The view is made anew with the columns that it lacks. */
function rebuildHourly(database: DatabaseSync): void {
  const columns = database.prepare('PRAGMA table_info(calls_hourly)').all();
  const names = columns.map(({ name }) => String(name)).join(', ');
  database.exec(`
    ALTER TABLE calls_hourly RENAME TO calls_hourly_before;
    ${hourlyTable};
    INSERT INTO calls_hourly (${names}) SELECT ${names} FROM calls_hourly_before;
    UPDATE calls_hourly SET charged_nanos = cost_nanos;
    DROP TABLE calls_hourly_before;
    DROP VIEW IF EXISTS calls_usd;
  `);
}

/** Lets a ledger of an older version be read as one of this version, without changing it. */
export function readAsPresent(database: DatabaseSync, version: number): void {
  for (const table of ['calls', 'calls_hourly'] as const) {
    const added = since(version).filter((column) => column.table === table);
    if (added.length === 0) continue;
    const columns = added.map(({ name, older }) => `${older} AS ${name}`);
    // A temporary view goes before the table of its name.
    const source = table === 'calls' ? 'rowid, *' : '*';
    database.exec(
      `CREATE TEMP VIEW ${table} AS SELECT ${source}, ${columns.join(', ')} FROM main.${table}`,
    );
  }
}

/** How many values a row of each version has in the journal; older rows may wait there when a new version starts. */
export const rowLengths: ReadonlySet<number> = new Set(
  [...additions.keys(), additions.length].map((version) => {
    const later = additions.slice(version).flat();
    return callColumnNames.length - later.filter(({ table }) => table === 'calls').length;
  }),
);
