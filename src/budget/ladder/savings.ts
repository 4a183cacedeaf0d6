import type { NanoUsd } from '../../kernel/money.ts';
import type { Standpoint } from '../budget.ts';
import type { CheaperOf } from './cheaper-models.ts';
import type { IsKin } from './kinship.ts';

/** A call of the past, as the ledger has it. */
export interface PastCall extends Standpoint {
  readonly at: number;
  readonly provider: string;
  readonly model: string | undefined;
  /** The provider was asked. */
  readonly wasSent: boolean;
  /** Undefined where it is not known. */
  readonly cost: NanoUsd | undefined;
  /** What it would have cost on another model; undefined where that is not known. */
  costOn(model: string): NanoUsd | undefined;
  /** The same for calls that probably asked the same; undefined where nothing can be said. */
  readonly likeness: string | undefined;
}

/** What the emergency switch would save, a day, going by the last days. */
export interface SavingEstimate {
  /** Days that were looked at, at most seven; the calls of a day are never fewer than what is known. */
  readonly days: number;
  readonly calls: number;
  /** Only the newest calls were looked at; sums are drawn from those. */
  readonly isSample: boolean;
  /** Nano-dollars a day, all of them. */
  readonly spend: NanoUsd;
  /** Of it, calls of agents that are not essential, which stop. */
  readonly shutdown: NanoUsd;
  /** What the cheaper models would save of the calls that may get them, were they to go on. */
  readonly cheaperModels: NanoUsd;
  /** What longer times would save at most: calls that look like one of the time before, and came too late for it. */
  readonly cacheMoreAtMost: NanoUsd;
}

export interface EstimateOptions {
  readonly essential: IsKin;
  readonly cheaper: CheaperOf;
  readonly cheaperForEssential: boolean;
  readonly ttlMs: number;
  readonly ttlFactor: number;
  readonly now: number;
  readonly isSample: boolean;
}

const dayMs = 86_400_000;

/** Adds up what would have been saved. @param calls the newest first, no older than a week. */
export function estimateSaving(
  calls: readonly PastCall[],
  options: EstimateOptions,
): SavingEstimate {
  const oldest = calls.at(-1)?.at ?? options.now;
  const days = Math.max(1, Math.min(7, (options.now - oldest) / dayMs));
  const sums = { spend: 0, shutdown: 0, cheaper: 0, cache: 0 };
  const seen = new Map<string, number>();
  for (const call of calls.toReversed()) {
    if (!call.wasSent || call.cost === undefined) continue;
    sums.spend += call.cost;
    const isEssential = options.essential(call);
    if (!isEssential) sums.shutdown += call.cost;
    if (!isEssential || options.cheaperForEssential) sums.cheaper += cheaperSaving(call, options);
    if (cameTooLate(call, seen, options)) sums.cache += call.cost;
  }
  const daily = (sum: number): NanoUsd => Math.round(sum / days);
  return {
    days: Math.round(days * 10) / 10,
    calls: calls.length,
    isSample: options.isSample,
    spend: daily(sums.spend),
    shutdown: daily(sums.shutdown),
    cheaperModels: daily(sums.cheaper),
    cacheMoreAtMost: daily(sums.cache),
  };
}

function cheaperSaving(call: PastCall, { cheaper }: EstimateOptions): NanoUsd {
  const model = call.model === undefined ? undefined : cheaper(call.provider, call.model);
  const cost = model === undefined ? undefined : call.costOn(model);
  return cost === undefined ? 0 : Math.max(0, call.cost! - cost);
}

/** An answer was stored for it, had it been kept for longer. */
function cameTooLate(
  { likeness, at }: PastCall,
  seen: Map<string, number>,
  { ttlMs, ttlFactor }: EstimateOptions,
): boolean {
  if (likeness === undefined) return false;
  const before = seen.get(likeness);
  seen.set(likeness, at);
  return before !== undefined && at - before > ttlMs && at - before <= ttlMs * ttlFactor;
}
