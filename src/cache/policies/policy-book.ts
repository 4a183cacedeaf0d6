import type { Call } from '../../exchange/call.ts';
import type { CachePolicy } from '../policy.ts';
import { compileRule, createShape, type CompiledRule, type PolicyRule } from './policy-rule.ts';

export interface PolicyBookOptions {
  /** Each under its own name. */
  readonly policies: readonly CachePolicy[];
  /** The first that fits a call decides. */
  readonly rules: readonly PolicyRule[];
  /** For calls that no rule fits. */
  readonly usual: string;
}

/** Choices remembered; callers choose agents, models and tags, so it must not grow with them. */
const rememberedMax = 10_000;

/** The policies by name, and which of them holds for a call. */
export class PolicyBook {
  readonly #policies: ReadonlyMap<string, CachePolicy>;
  readonly #rules: readonly CompiledRule[];
  readonly #usual: CachePolicy;
  readonly #shapeOf: (call: Call) => string;
  readonly #known = new Map<string, CachePolicy>();

  /** @throws Error where a rule or `usual` names no policy; the configuration is checked before. */
  constructor({ policies, rules, usual }: PolicyBookOptions) {
    this.#policies = new Map(policies.map((policy) => [policy.name, policy]));
    this.#usual = this.named(usual);
    for (const { policy } of rules) this.named(policy);
    this.#rules = rules.map(compileRule);
    this.#shapeOf = createShape(rules);
  }

  /** One policy for all calls. */
  static of(policy: CachePolicy): PolicyBook {
    return new PolicyBook({ policies: [policy], rules: [], usual: policy.name });
  }

  /** @throws Error where there is none of that name. */
  named(name: string): CachePolicy {
    const policy = this.#policies.get(name);
    if (policy === undefined) throw new Error(`There is no cache policy "${name}".`);
    return policy;
  }

  /** The policy for a call; some hundred nanoseconds for one of a kind that was met before. */
  choose(call: Call): CachePolicy {
    if (this.#rules.length === 0) return this.#usual;
    const shape = this.#shapeOf(call);
    let policy = this.#known.get(shape);
    if (policy === undefined) {
      policy = this.#decide(call);
      if (this.#known.size >= rememberedMax) this.#known.clear();
      this.#known.set(shape, policy);
    }
    return policy;
  }

  #decide(call: Call): CachePolicy {
    const rule = this.#rules.find((each) => each.fits(call));
    return rule === undefined ? this.#usual : this.named(rule.policy);
  }
}
