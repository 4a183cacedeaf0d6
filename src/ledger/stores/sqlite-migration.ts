import type { DatabaseSync } from 'node:sqlite';
import { callColumnNames, type SqlColumn } from './sqlite-schema.ts';

/** What each version of the schema added, from the second on: columns at the end, empty in older rows. */
const additions: readonly (readonly SqlColumn[])[] = [
  [
    { table: 'calls', name: 'lost_cause', type: 'TEXT', older: 'NULL' },
    { table: 'calls', name: 'lost_tokens', type: 'INTEGER', older: 'NULL' },
    { table: 'calls', name: 'lost_nanos', type: 'INTEGER', older: 'NULL' },
    { table: 'calls_hourly', name: 'lost_nanos', type: 'INTEGER NOT NULL DEFAULT 0', older: '0' },
  ],
  [{ table: 'calls', name: 'predicted_nanos', type: 'INTEGER', older: 'NULL' }],
];

function since(version: number): readonly SqlColumn[] {
  // A ledger that has just been made has version 0 and no tables.
  return version === 0 ? [] : additions.slice(version - 1).flat();
}

/** Brings the tables of an older version up to this one, within the transaction that is open. */
export function migrate(database: DatabaseSync, version: number): void {
  for (const { table, name, type } of since(version)) {
    database.exec(`ALTER TABLE ${table} ADD COLUMN ${name} ${type}`);
  }
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
