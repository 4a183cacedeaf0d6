import type { DatabaseSync } from 'node:sqlite';
import type { GroupBy, ReportLine, ReportQuery } from '../store.ts';
import { hourMs, rollupSums } from './sqlite-schema.ts';

/** The sums of `calls_hourly`, taken from single calls. */
const sumsOfCalls: Record<(typeof rollupSums)[number], string> = {
  calls: '1',
  reused: "source NOT IN ('upstream', 'none')",
  cost_nanos: 'coalesce(cost_nanos, 0)',
  unpriced: 'cost_nanos IS NULL',
  without_cost_nanos: 'coalesce(without_cost_nanos, 0)',
  without_unknown: 'without_cost_nanos IS NULL',
  saved_measured_nanos: "iif(saved_basis = 'measured', coalesce(saved_nanos, 0), 0)",
  saved_estimated_nanos: "iif(saved_basis = 'estimated', coalesce(saved_nanos, 0), 0)",
  saved_ms: 'coalesce(saved_ms, 0)',
  fresh: 'coalesce(fresh + audio_input, 0)',
  cache_read: 'coalesce(cache_read, 0)',
  cache_write: 'coalesce(cache_write_5m + cache_write_1h, 0)',
  output: 'coalesce(output + reasoning + audio_output, 0)',
  lost_nanos: 'coalesce(lost_nanos, 0)',
  charged_nanos: 'coalesce(charged_nanos, cost_nanos, 0)',
};

/** How a group is named: in the hourly sums, where they know it, and in single calls. */
const groups: Record<GroupBy, { readonly hourly: string | undefined; readonly calls: string }> = {
  model: { hourly: 'model', calls: "coalesce(model_served, model_asked, '')" },
  agent: { hourly: 'agent', calls: "coalesce(agent, '')" },
  tenant: { hourly: 'tenant', calls: 'tenant' },
  team: { hourly: 'team', calls: "coalesce(team, '')" },
  key: { hourly: 'key_id', calls: "coalesce(key_id, '')" },
  provider: { hourly: 'provider', calls: 'provider' },
  outcome: { hourly: 'outcome', calls: 'outcome' },
  mechanism: { hourly: 'saved_by', calls: "coalesce(saved_by, '')" },
  cause: { hourly: undefined, calls: "coalesce(lost_cause, '')" },
  session: { hourly: undefined, calls: "coalesce(session, '')" },
  day: { hourly: dayOf('hour_ms'), calls: dayOf('at_ms') },
};

type Filter = 'tenant' | 'team' | 'key';

/** Columns that can be asked to have one value. */
const filters: Readonly<Record<Filter, string>> = {
  tenant: 'tenant',
  team: 'team',
  key: 'key_id',
};

/** Where what a call would have cost does not tell which group comes first. */
const orders: Partial<Record<GroupBy, string>> = {
  day: 'name',
  cause: 'lost_nanos DESC, calls DESC, name',
};

function dayOf(column: string): string {
  return `strftime('%Y-%m-%d', ${column} / 1000, 'unixepoch')`;
}

/**
 * Sums by group. Whole hours come from the hourly sums, what is left at both ends from single calls; so does everything
 * by session, which retention therefore shortens. Days are those of UTC and come in order, other groups by what they would have cost.
 */
export function reportFrom(database: DatabaseSync, query: ReportQuery): readonly ReportLine[] {
  const { hourly, calls } = groups[query.by];
  const range = rangesOf(query, hourly !== undefined);
  const only = Object.entries(filters).filter(([name]) => query[name as Filter] !== undefined);
  const where = only.map(([name, column]) => `AND ${column} = :${name}`).join(' ');
  const sums = Object.entries(sumsOfCalls).map(([name, sql]) => `${sql} AS ${name}`);
  const records = database
    .prepare(
      `SELECT name, ${rollupSums.map((sum) => `sum(${sum}) AS ${sum}`).join(', ')} FROM (
        SELECT ${hourly ?? "''"} AS name, ${rollupSums.join(', ')} FROM calls_hourly
        WHERE hour_ms >= :fromHour AND hour_ms < :toHour ${where}
        UNION ALL
        SELECT ${calls} AS name, ${sums.join(', ')} FROM calls
        WHERE at_ms >= :from AND at_ms < :headEnd ${where}
        UNION ALL
        SELECT ${calls} AS name, ${sums.join(', ')} FROM calls
        WHERE at_ms >= :tailStart AND at_ms < :to ${where}
      ) GROUP BY name ORDER BY ${orders[query.by] ?? 'without_cost_nanos DESC, calls DESC, name'}`,
    )
    .all({
      ...range,
      ...Object.fromEntries(only.map(([name]) => [name, query[name as Filter]!])),
    });
  return records.map((record) => lineOf(record as unknown as SumsRecord));
}

interface Ranges extends Record<string, number> {
  readonly fromHour: number;
  readonly toHour: number;
  readonly from: number;
  readonly headEnd: number;
  readonly tailStart: number;
  readonly to: number;
}

/** The asked range as hours in the middle and calls before and after them. */
export function rangesOf(query: Pick<ReportQuery, 'from' | 'to'>, usesHours: boolean): Ranges {
  const from = query.from ?? 0;
  const to = query.to ?? Number.MAX_SAFE_INTEGER;
  const fromHour = Math.ceil(from / hourMs) * hourMs;
  const toHour = Math.floor(to / hourMs) * hourMs;
  if (!usesHours || fromHour >= toHour) {
    return { from, headEnd: to, fromHour: 0, toHour: 0, tailStart: to, to };
  }
  return { from, headEnd: fromHour, fromHour, toHour, tailStart: toHour, to };
}

type SumsRecord = Record<(typeof rollupSums)[number], number> & { readonly name: string };

function lineOf(record: SumsRecord): ReportLine {
  return {
    group: record.name,
    calls: record.calls,
    reused: record.reused,
    costNanos: record.cost_nanos,
    unpriced: record.unpriced,
    withoutCostNanos: record.without_cost_nanos,
    withoutUnknown: record.without_unknown,
    savedMeasuredNanos: record.saved_measured_nanos,
    savedEstimatedNanos: record.saved_estimated_nanos,
    savedMs: record.saved_ms,
    lostNanos: record.lost_nanos,
    chargedNanos: record.charged_nanos,
    tokens: {
      fresh: record.fresh,
      cacheRead: record.cache_read,
      cacheWrite: record.cache_write,
      output: record.output,
    },
  };
}
