import type { Usage } from '../exchange/usage.ts';
import type { NanoUsd } from '../kernel/money.ts';
import type { PriceUsage } from '../pipeline/accountant.ts';
import type { Agenda } from './agenda.ts';
import type { PlannedCall } from './planned-call.ts';
import { priceOf } from './prices.ts';
import { BillingBrain } from './provider/billing-brain.ts';
import type { RulesOf } from './provider/prefix-cache.ts';
import { IdealBill } from './provider/ideal.ts';
import type { Tokenizer } from './provider/tokenizer.ts';
import { providerOf } from './provider-of.ts';
import type { RecordedCall } from './recorded.ts';

/** What one call costs without us. */
export interface PlainCost {
  readonly usage: Usage;
  readonly nanos: NanoUsd;
  readonly waitedMs: number;
}

/** The same traffic straight to an equal provider. */
export interface WithoutUs {
  readonly costs: ReadonlyMap<string, PlainCost>;
  /** The bill with every prefix that could be hot, hot: the least that care for prefixes alone can reach. */
  readonly idealNanos: NanoUsd;
}

/**
 * Bills the traffic as a provider bills it that is asked directly.
 * @throws EconomizerError `ECO_NO_PRICE` where a model has no known price.
 */
export function billWithoutUs(
  agenda: Agenda<PlannedCall>,
  options: { readonly tokenizer: Tokenizer; readonly rulesOf: RulesOf; readonly price: PriceUsage },
): WithoutUs {
  const { rulesOf, price } = options;
  const brain = new BillingBrain(options);
  const ideal = new IdealBill({ brain, rulesOf });
  const costs = new Map<string, PlainCost>();
  const asked: { readonly recorded: RecordedCall; readonly at: number }[] = [];
  for (let due = agenda.take(); due !== undefined; due = agenda.take()) {
    const { at, item: planned } = due;
    const { recorded, session, next } = planned;
    const arrival = {
      provider: providerOf(recorded.model, recorded.dialect).priceId,
      model: recorded.model,
      dialect: recorded.dialect,
      body: recorded.request,
      scope: session.tenant,
      at,
      answer: planned.answer,
    };
    const { usage, totalMs } = brain.bill(arrival);
    const nanos = priceOf(price, recorded, usage, at);
    costs.set(planned.id, { usage, nanos, waitedMs: totalMs });
    ideal.add(arrival);
    asked.push({ recorded, at });
    if (next !== undefined) {
      agenda.add(session.chained ? Math.max(next.dueAt, at + totalMs) : next.dueAt, next);
    }
  }
  const idealNanos = ideal.usages().reduce((sum, usage, index) => {
    const { recorded, at } = asked[index]!;
    return sum + priceOf(price, recorded, usage, at);
  }, 0);
  return { costs, idealNanos };
}
