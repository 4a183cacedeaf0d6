import { noUsage, type Usage } from '../../exchange/usage.ts';
import type { Arrival, BillingBrain, OutputTokens } from './billing-brain.ts';
import type { RulesOf } from './prefix-cache.ts';
import { HotPrefixes } from './hot-prefixes.ts';
import { holdsAtBreakpoints, partPrefixes, stepPrefixes } from './prefix-cache.ts';
import { promptTokens } from './prompt.ts';

/** A call of which it is not yet known how much of it later calls will read. */
interface Visit {
  readonly answer: OutputTokens;
  readonly total: number;
  readonly read: number;
  /** Tokens from the beginning on that a later call reads, and that this one must therefore write, where that has a price. */
  wanted: number;
}

/**
 * The bill of a perfect prompt cache that knows the future: whatever was sent before, in whatever conversation and however long ago, is
 * read; what has a price to write is written once, by the call that sends it first, and only where a later call reads it. A lower bound of
 * what care for prefixes alone can reach: none reads more, and none can do with fewer writes for it. Answering without the provider can cost less.
 */
export class IdealBill {
  readonly #brain: BillingBrain;
  readonly #rulesOf: RulesOf;
  readonly #seen = new HotPrefixes();
  /** Who sent a prefix first, where writing has a price. */
  readonly #firstSenders = new Map<number, Visit>();
  readonly #visits: Visit[] = [];

  constructor(options: { brain: BillingBrain; rulesOf: RulesOf }) {
    this.#brain = options.brain;
    this.#rulesOf = options.rulesOf;
  }

  /** Takes the next call; calls must come in the order in which they were made. */
  add(arrival: Arrival): void {
    const { provider, model, answer, at } = arrival;
    const scope = `${arrival.scope}\n${model}`;
    const rules = this.#rulesOf(provider, model);
    const prompt = this.#brain.prompt(arrival);
    const total = promptTokens(prompt);
    if (rules.mode === 'none' || total < rules.minTokens) {
      this.#visits.push({ answer, total, read: 0, wanted: 0 });
      return;
    }
    const prefixes = holdsAtBreakpoints(rules)
      ? partPrefixes({ prompt, rules, scope }, [...prompt.parts.keys()])
      : stepPrefixes(prompt, rules, scope);
    const longest = prefixes.findLast(({ name }) => this.#seen.isHot(name, at));
    const read = longest?.tokens ?? 0;
    const visit: Visit = { answer, total, read, wanted: read };
    this.#visits.push(visit);
    for (const { name } of prefixes) this.#seen.keep(name, { at, readyAt: at, ttlMs: Infinity });
    if (!rules.writeCharged) return;
    const sender = longest === undefined ? undefined : this.#firstSenders.get(longest.name);
    if (sender !== undefined) sender.wanted = Math.max(sender.wanted, read);
    for (const { name } of prefixes) {
      if (!this.#firstSenders.has(name)) this.#firstSenders.set(name, visit);
    }
  }

  /** What each call would have used, in the order in which they came. */
  usages(): Usage[] {
    return this.#visits.map(({ answer, total, read, wanted }) => ({
      ...noUsage,
      ...answer,
      fresh: total - wanted,
      cacheRead: read,
      cacheWrite5m: wanted - read,
    }));
  }
}
