import { noUsage, type Usage } from '../../exchange/usage.ts';
import type { Arrival, BillingBrain } from './billing-brain.ts';
import type { RulesOf } from './prefix-cache.ts';
import { HotPrefixes } from './hot-prefixes.ts';
import { holdsAtBreakpoints, partPrefixes, stepPrefixes } from './prefix-cache.ts';
import { promptTokens } from './prompt.ts';

/**
 * The bill of a perfect prompt cache: every prefix that was ever sent before, in whatever conversation, is read;
 * the rest is written where the model charges for writing. What no care for prefixes can beat; only not calling can.
 */
export class IdealBill {
  readonly #brain: BillingBrain;
  readonly #rulesOf: RulesOf;
  readonly #seen = new HotPrefixes();

  constructor(options: { brain: BillingBrain; rulesOf: RulesOf }) {
    this.#brain = options.brain;
    this.#rulesOf = options.rulesOf;
  }

  /** Calls must come in the order in which they were made. */
  usage(arrival: Arrival): Usage {
    const { provider, model, answer, at } = arrival;
    const scope = `${arrival.scope}\n${model}`;
    const rules = this.#rulesOf(provider, model);
    const prompt = this.#brain.prompt(arrival);
    const total = promptTokens(prompt);
    if (rules.mode === 'none' || total < rules.minTokens) {
      return { ...noUsage, ...answer, fresh: total };
    }
    const prefixes = holdsAtBreakpoints(rules)
      ? partPrefixes({ prompt, rules, scope }, [...prompt.parts.keys()])
      : stepPrefixes(prompt, rules, scope);
    const read = prefixes.findLast(({ name }) => this.#seen.isHot(name, at))?.tokens ?? 0;
    for (const { name } of prefixes) this.#seen.keep(name, { at, readyAt: at, ttlMs: Infinity });
    const rest = total - read;
    return {
      ...noUsage,
      ...answer,
      fresh: rules.writeCharged ? 0 : rest,
      cacheRead: read,
      cacheWrite5m: rules.writeCharged ? rest : 0,
    };
  }
}
