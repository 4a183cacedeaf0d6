import type { Clock } from '../kernel/clock.ts';
import { counterfactualOf } from '../ledger/counterfactual.ts';
import { prefixRules } from '../ledger/prefix-rules.ts';
import type { PriceBook } from '../ledger/price-book.ts';
import type { WithoutUs } from './recall.ts';

/** Keys whose last use is remembered, to tell whether the provider's own prompt cache would still be hot. */
const rememberedUses = 20_000;

/** The counterfactual of a reused answer: the usage counted when it was given, less what the provider's own prompt cache would have saved. */
export function withoutUs(clock: Clock, book: PriceBook): WithoutUs {
  const lastUses = new Map<string, number>();
  return (call, { answer, key, storedAt }) => {
    const now = clock.now();
    const ageMs = now - (lastUses.get(key) ?? storedAt);
    if (lastUses.size >= rememberedUses) lastUses.clear();
    lastUses.set(key, now);
    if (answer.usage === undefined) return undefined;
    const { priceId: provider } = call.provider;
    const model = answer.model ?? call.facts!.model;
    const question = { provider, at: call.startedAt, serviceTier: answer.serviceTier };
    return counterfactualOf({
      answerUsage: answer.usage,
      usageSource: answer.usageSource ?? 'estimated',
      rules: prefixRules(provider, model),
      ageMs,
      price:
        book.find({ ...question, model }) ?? book.find({ ...question, model: call.facts!.model }),
      totalMs: answer.totalMs,
    });
  };
}
