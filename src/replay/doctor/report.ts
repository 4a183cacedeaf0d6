import { causes, type Cause } from '../../context/doctor/cause.ts';
import { usd } from '../../kernel/money.ts';
import type { Diagnosis } from './diagnose.ts';
import type { CauseSums } from './losses.ts';

export interface CulpritReport {
  readonly cause: Cause;
  /** In people's words. */
  readonly what: string;
  readonly usd: number;
  readonly calls: number;
  readonly conversations: number;
  /** Where it was seen first; empty where there is no place. */
  readonly place: string;
  readonly example: string;
  readonly remedy: string;
  /** What `care.repair` would do there. */
  readonly repair: readonly string[];
}

/** What `doctor --json` prints. The names are a contract: other people's scripts read them. */
export interface DoctorReport {
  readonly calls: number;
  readonly sessions: number;
  readonly paid: { readonly usd: number };
  readonly lost: { readonly usd: number; readonly by: Readonly<Record<string, number>> };
  readonly culprits: readonly CulpritReport[];
}

const remedies: Readonly<Record<Cause, string>> = {
  'timestamp-in-system': 'put it into the last message, or switch on care.repair',
  'id-in-system': 'put it into the last message, or switch on care.repair',
  'system-edited': 'keep the system prompt as it is within a conversation',
  'tools-reordered': 'send tools in one order, or switch on care.order',
  'tools-reserialised': 'write tools with their keys in one order, or switch on care.order',
  'tool-set-changed':
    'send all tools from the beginning, and say in the messages which may be used',
  'history-reserialised': 'write messages with their keys in one order, or switch on care.order',
  'history-edited': 'append only; edit in batches, or when a pause has cost the prefix anyhow',
  'model-switched': 'stay on one model within a conversation',
  'provider-switched': 'stay on one provider within a conversation',
  'ttl-gone': 'ask for the longer time (care.breakpoints does where it pays)',
  'no-breakpoint': 'set breakpoints, or switch on care.breakpoints',
  'provider-eviction': 'nothing on this side',
};

export function doctorReport(diagnosis: Diagnosis): DoctorReport {
  const sums = [...diagnosis.causes].filter(([, { nanos }]) => nanos > 0);
  return {
    calls: diagnosis.calls,
    sessions: diagnosis.conversations,
    paid: { usd: usd(diagnosis.paidNanos) },
    lost: {
      usd: usd(sums.reduce((sum, [, { nanos }]) => sum + nanos, 0)),
      by: Object.fromEntries(sums.map(([cause, { nanos }]) => [cause, usd(nanos)])),
    },
    culprits: sums.map(([cause, each]) => culpritReport(cause, each)),
  };
}

function culpritReport(cause: Cause, { nanos, calls, threads, first, repair }: CauseSums) {
  return {
    cause,
    what: causes[cause],
    usd: usd(nanos),
    calls,
    conversations: threads.size,
    place: first?.place ?? '',
    example: first?.example ?? '',
    remedy: remedies[cause],
    repair: repair.slice(0, 4),
  };
}
