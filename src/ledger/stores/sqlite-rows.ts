import { noUsage, usageClasses, type Usage } from '../../exchange/usage.ts';
import type { LedgerRow } from '../row.ts';
import type { CallColumn } from './sqlite-schema.ts';

/** What a column can hold. */
export type SqlValue = string | number | null;

/** Stands in `without_usage` for the same usage as the call's own, which is so for every call that went to the provider. */
const sameUsage = 'same';

/** A row as one line of the journal: its column values as a JSON array. */
export function journalLine(row: LedgerRow): string {
  return `${JSON.stringify(valuesOf(row))}\n`;
}

/** The values of a row in the order of `callColumns`. */
function valuesOf(row: LedgerRow): SqlValue[] {
  const { usage } = row;
  return [
    row.id,
    row.at,
    row.tenant,
    row.agent ?? null,
    row.session ?? null,
    row.tags.length === 0 ? '[]' : JSON.stringify(row.tags),
    row.provider,
    row.dialect ?? null,
    row.path,
    row.modelAsked ?? null,
    row.modelServed ?? null,
    row.serviceTier ?? null,
    row.streamed ? 1 : 0,
    row.outcome,
    row.errorCode ?? null,
    row.status ?? null,
    row.source,
    usage?.fresh ?? null,
    usage?.cacheRead ?? null,
    usage?.cacheWrite5m ?? null,
    usage?.cacheWrite1h ?? null,
    usage?.output ?? null,
    usage?.reasoning ?? null,
    usage?.audioInput ?? null,
    usage?.audioOutput ?? null,
    usage?.webSearches ?? null,
    row.usageSource ?? null,
    row.costNanos ?? null,
    withoutUsageText(row),
    row.withoutCostNanos ?? null,
    milliseconds(row.withoutMs),
    row.savedNanos ?? null,
    milliseconds(row.savedMs),
    row.savedBy ?? null,
    row.savedBasis ?? null,
    milliseconds(row.firstByteMs),
    milliseconds(row.totalMs),
    milliseconds(row.ownMs),
    row.lostCause ?? null,
    row.lostTokens ?? null,
    row.lostNanos ?? null,
    row.predictedNanos ?? null,
    row.team ?? null,
    row.key ?? null,
    row.chargedNanos ?? null,
  ];
}

function withoutUsageText({ usage, withoutUsage }: LedgerRow): string | null {
  if (withoutUsage === undefined) return null;
  return withoutUsage === usage ? sameUsage : usageText(withoutUsage);
}

/** Usage in a few letters: its classes in their order, with commas between. */
function usageText(usage: Usage): string {
  let text = String(usage.fresh);
  for (let index = 1; index < usageClasses.length; index++)
    text += `,${usage[usageClasses[index]!]}`;
  return text;
}

function usageIn(text: string): Usage {
  const usage: Record<keyof Usage, number> = { ...noUsage };
  for (const [index, count] of text.split(',').entries())
    usage[usageClasses[index]!] = Number(count);
  return usage;
}

/** Microseconds are as fine as anybody looks; more digits are most of a row's text. */
function milliseconds(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(value * 1000) / 1000;
}

/** The row of a record of `calls`. */
export function rowOf(record: Record<CallColumn, SqlValue>): LedgerRow {
  const text = (name: CallColumn): string | undefined =>
    (record[name] as string | null) ?? undefined;
  const number = (name: CallColumn): number | undefined =>
    (record[name] as number | null) ?? undefined;
  const usage = usageOf(record);
  return {
    id: record.id as string,
    at: record.at_ms as number,
    tenant: record.tenant as string,
    team: text('team'),
    key: text('key_id'),
    agent: text('agent'),
    session: text('session'),
    tags: JSON.parse(record.tags as string) as string[],
    provider: record.provider as string,
    dialect: text('dialect') as LedgerRow['dialect'],
    path: record.path as string,
    modelAsked: text('model_asked'),
    modelServed: text('model_served'),
    serviceTier: text('service_tier'),
    streamed: record.streamed === 1,
    outcome: record.outcome as LedgerRow['outcome'],
    errorCode: text('error_code'),
    status: number('status'),
    source: record.source as LedgerRow['source'],
    usage,
    usageSource: text('usage_source') as LedgerRow['usageSource'],
    costNanos: number('cost_nanos'),
    chargedNanos: number('charged_nanos'),
    withoutUsage: withoutUsageOf(text('without_usage'), usage),
    withoutCostNanos: number('without_cost_nanos'),
    withoutMs: number('without_ms'),
    savedNanos: number('saved_nanos'),
    savedMs: number('saved_ms'),
    savedBy: text('saved_by') as LedgerRow['savedBy'],
    savedBasis: text('saved_basis') as LedgerRow['savedBasis'],
    firstByteMs: number('first_byte_ms'),
    totalMs: record.total_ms as number,
    ownMs: record.own_ms as number,
    lostCause: text('lost_cause'),
    lostTokens: number('lost_tokens'),
    lostNanos: number('lost_nanos'),
    predictedNanos: number('predicted_nanos'),
  };
}

function usageOf(record: Record<CallColumn, SqlValue>): Usage | undefined {
  if (record.fresh === null) return undefined;
  return {
    fresh: record.fresh as number,
    cacheRead: record.cache_read as number,
    cacheWrite5m: record.cache_write_5m as number,
    cacheWrite1h: record.cache_write_1h as number,
    output: record.output as number,
    reasoning: record.reasoning as number,
    audioInput: record.audio_input as number,
    audioOutput: record.audio_output as number,
    webSearches: record.web_searches as number,
  };
}

function withoutUsageOf(text: string | undefined, usage: Usage | undefined): Usage | undefined {
  if (text === undefined) return undefined;
  return text === sameUsage ? usage : usageIn(text);
}
