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
 * What was charged to a scope, and to each value of one field in it. Whole hours come from the hourly sums, unless sessions or tags are asked for,
 * which only single calls know; those retention shortens.
 */
export function spendFrom(database: DatabaseSync, query: SpendQuery): readonly Spend[] {
  const { scope, per } = query;
  const fields = Object.entries(scope).filter(([, value]) => value !== undefined) as [
    SpendField,
    string,
  ][];
  const usesHours = ![per, ...fields.map(([field]) => field)].some(
    (field) => field === 'tag' || field === 'session',
  );
  const parts = [callsPart(fields, per, 'at_ms >= :from AND at_ms < :headEnd')];
  parts.push(callsPart(fields, per, 'at_ms >= :tailStart AND at_ms < :to'));
  if (usesHours) parts.push(hoursPart(fields, per));
  const { fromHour, toHour, ...ends } = rangesOf(query, usesHours);
  const given = Object.fromEntries(fields.map(([field, value]) => [`v_${field}`, value]));
  const records = database
    .prepare(
      `SELECT value, sum(charged) AS charged FROM (${parts.join(' UNION ALL ')})
       WHERE value IS NOT NULL ${per === undefined ? '' : "AND value <> ''"} GROUP BY value ORDER BY value`,
    )
    .all({ ...ends, ...given, ...(usesHours ? { fromHour, toHour } : {}) });
  return records.map(({ value, charged }) => ({
    value: value as string,
    chargedNanos: charged as number,
  }));
}

function hoursPart(
  fields: readonly (readonly [SpendField, string])[],
  per: SpendField | undefined,
): string {
  const column = (field: SpendField): string =>
    columns[field as Exclude<SpendField, 'tag'>].hourly!;
  const value = per === undefined ? "''" : column(per);
  const where = fields.map(([field]) => `AND ${column(field)} = :v_${field}`).join(' ');
  return `SELECT ${value} AS value, charged_nanos AS charged FROM calls_hourly
    WHERE hour_ms >= :fromHour AND hour_ms < :toHour ${where}`;
}

function callsPart(
  fields: readonly (readonly [SpendField, string])[],
  per: SpendField | undefined,
  range: string,
): string {
  const where = fields.map(([field]) =>
    field === 'tag'
      ? 'AND EXISTS (SELECT 1 FROM json_each(tags) WHERE json_each.value = :v_tag)'
      : `AND ${columns[field].calls} = :v_${field}`,
  );
  const value = per === undefined ? "''" : per === 'tag' ? 'tag.value' : columns[per].calls;
  const source = per === 'tag' ? `calls, json_each(calls.tags) AS tag` : 'calls';
  return `SELECT ${value} AS value, coalesce(charged_nanos, cost_nanos, 0) AS charged
    FROM ${source} WHERE ${range} ${where.join(' ')} ${per === 'tag' ? firstOfItsName : ''}`;
}

/** A tag that a call names twice counts once. */
const firstOfItsName = `AND NOT EXISTS (
  SELECT 1 FROM json_each(calls.tags) AS earlier WHERE earlier.value = tag.value AND earlier.key < tag.key)`;
