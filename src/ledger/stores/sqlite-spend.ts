import type { DatabaseSync } from 'node:sqlite';
import type { Spend, SpendField, SpendQuery } from '../store.ts';
import { rangesOf } from './sqlite-report.ts';

/** The column of each field in the hourly sums, where they know it, and in single calls. */
const columns: Record<
  Exclude<SpendField, 'tag'>,
  { readonly hourly: string | undefined; readonly calls: string }
> = {
  tenant: { hourly: 'tenant', calls: 'tenant' },
  team: { hourly: 'team', calls: 'team' },
  key: { hourly: 'key_id', calls: 'key_id' },
  agent: { hourly: 'agent', calls: 'agent' },
  session: { hourly: undefined, calls: 'session' },
};

/**
 * What was charged to a scope, and to each value of some fields in it. Whole hours come from the hourly sums, unless sessions or tags are asked for,
 * which only single calls know; those retention shortens.
 */
export function spendFrom(database: DatabaseSync, query: SpendQuery): readonly Spend[] {
  const { scope, per = [] } = query;
  const fields = Object.entries(scope).filter(([, value]) => value !== undefined) as [
    SpendField,
    string,
  ][];
  const usesHours = ![...per, ...fields.map(([field]) => field)].some(
    (field) => field === 'tag' || field === 'session',
  );
  const parts = [callsPart(fields, per, 'at_ms >= :from AND at_ms < :headEnd')];
  parts.push(callsPart(fields, per, 'at_ms >= :tailStart AND at_ms < :to'));
  if (usesHours) parts.push(hoursPart(fields, per));
  const { fromHour, toHour, ...ends } = rangesOf(query, usesHours);
  const given = Object.fromEntries(fields.map(([field, value]) => [`v_${field}`, value]));
  const names = per.map((_, index) => `value_${index}`);
  const groups = names.length === 0 ? '' : `GROUP BY ${names.join(', ')}`;
  const records = database
    .prepare(
      `SELECT ${[...names, 'sum(charged) AS charged'].join(', ')} FROM (${parts.join(' UNION ALL ')})
       ${groups} HAVING count(*) > 0 ${names.length === 0 ? '' : `ORDER BY ${names.join(', ')}`}`,
    )
    .all({ ...ends, ...given, ...(usesHours ? { fromHour, toHour } : {}) });
  return records.map((record) => ({
    values: names.map((name) => record[name] as string),
    chargedNanos: record['charged'] as number,
  }));
}

function hoursPart(
  fields: readonly (readonly [SpendField, string])[],
  per: readonly SpendField[],
): string {
  const column = (field: SpendField): string =>
    columns[field as Exclude<SpendField, 'tag'>].hourly!;
  const where = fields.map(([field]) => `AND ${column(field)} = :v_${field}`).join(' ');
  return `SELECT ${valuesOf(per.map(column))}charged_nanos AS charged FROM calls_hourly
    WHERE hour_ms >= :fromHour AND hour_ms < :toHour ${where}`;
}

function callsPart(
  fields: readonly (readonly [SpendField, string])[],
  per: readonly SpendField[],
  range: string,
): string {
  const where = fields.map(([field]) =>
    field === 'tag'
      ? 'AND EXISTS (SELECT 1 FROM json_each(tags) WHERE json_each.value = :v_tag)'
      : `AND ${columns[field].calls} = :v_${field}`,
  );
  const values = per.map((field) => (field === 'tag' ? 'tag.value' : columns[field].calls));
  const perTag = per.includes('tag');
  return `SELECT ${valuesOf(values)}coalesce(charged_nanos, cost_nanos, 0) AS charged
    FROM calls ${perTag ? 'LEFT JOIN json_each(calls.tags) AS tag' : ''}
    WHERE ${range} ${where.join(' ')} ${perTag ? firstOfItsName : ''}`;
}

/** What is not known is an empty text, as in the hourly sums. */
function valuesOf(columns: readonly string[]): string {
  return columns.map((column, index) => `coalesce(${column}, '') AS value_${index}, `).join('');
}

/** A tag that a call names twice counts once. */
const firstOfItsName = `AND NOT EXISTS (
  SELECT 1 FROM json_each(calls.tags) AS earlier WHERE earlier.value = tag.value AND earlier.key < tag.key)`;

/** What these calls were charged, as far as they are booked and it is known. */
export function chargesFrom(
  database: DatabaseSync,
  ids: readonly string[],
): ReadonlyMap<string, number> {
  const find = database.prepare(
    'SELECT coalesce(charged_nanos, cost_nanos) AS charged FROM calls WHERE id = ?',
  );
  const charges = new Map<string, number>();
  for (const id of ids) {
    const charged = find.get(id)?.['charged'] as number | null | undefined;
    if (charged !== undefined && charged !== null) charges.set(id, charged);
  }
  return charges;
}
