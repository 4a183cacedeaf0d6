import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { SqlValue } from './sqlite-rows.ts';
import {
  callColumnNames,
  hourMs,
  rollupKeys,
  rollupSums,
  type CallColumn,
} from './sqlite-schema.ts';

const position = Object.fromEntries(callColumnNames.map((name, index) => [name, index])) as Record<
  CallColumn,
  number
>;

interface Group {
  readonly keys: readonly SqlValue[];
  readonly sums: number[];
}

/** Sums booked rows by hour and group in memory, and adds them to `calls_hourly` with one statement a group. */
export class Rollup {
  readonly #upsert: StatementSync;
  readonly #groups = new Map<string, Group>();

  constructor(database: DatabaseSync) {
    const columns = [...rollupKeys, ...rollupSums];
    this.#upsert = database.prepare(`
      INSERT INTO calls_hourly (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
      ON CONFLICT DO UPDATE SET ${rollupSums.map((sum) => `${sum} = ${sum} + excluded.${sum}`).join(', ')}`);
  }

  /** Takes the values of one row of `calls`, in column order. */
  add(values: readonly SqlValue[]): void {
    const text = (name: CallColumn): string => (values[position[name]] as string | null) ?? '';
    const number = (name: CallColumn): number => (values[position[name]] as number | null) ?? 0;
    const isNull = (name: CallColumn): boolean => values[position[name]] === null;
    const at = number('at_ms');
    const keys = [
      at - (((at % hourMs) + hourMs) % hourMs),
      text('tenant'),
      text('provider'),
      isNull('model_served') ? text('model_asked') : text('model_served'),
      text('agent'),
      text('outcome'),
      text('saved_by'),
      text('team'),
      text('key_id'),
    ];
    const name = keys.join('\n');
    const group = this.#groups.get(name) ?? { keys, sums: rollupSums.map(() => 0) };
    this.#groups.set(name, group);
    const source = text('source');
    const saved = number('saved_nanos');
    const basis = text('saved_basis');
    const sums = [
      1,
      source === 'upstream' || source === 'none' ? 0 : 1,
      number('cost_nanos'),
      isNull('cost_nanos') ? 1 : 0,
      number('without_cost_nanos'),
      isNull('without_cost_nanos') ? 1 : 0,
      basis === 'measured' ? saved : 0,
      basis === 'estimated' ? saved : 0,
      number('saved_ms'),
      number('fresh') + number('audio_input'),
      number('cache_read'),
      number('cache_write_5m') + number('cache_write_1h'),
      number('output') + number('reasoning') + number('audio_output'),
      number('lost_nanos'),
      isNull('charged_nanos') ? number('cost_nanos') : number('charged_nanos'),
    ];
    for (let index = 0; index < sums.length; index++) group.sums[index]! += sums[index]!;
  }

  /** Writes the sums within the transaction that is open, and begins anew. */
  write(): void {
    for (const { keys, sums } of this.#groups.values()) this.#upsert.run(...keys, ...sums);
    this.#groups.clear();
  }

  /** Forgets what was added, for a transaction that is rolled back. */
  forget(): void {
    this.#groups.clear();
  }
}
