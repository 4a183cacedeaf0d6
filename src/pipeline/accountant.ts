import type { Counterfactual } from '../exchange/account.ts';
import type { Call, Harvest } from '../exchange/call.ts';
import type { AnswerFacts } from '../exchange/dialect.ts';
import { isWhole } from '../exchange/reply.ts';
import { noteCounted } from '../exchange/spend.ts';
import { inputTokens, noUsage, type Usage, type UsageSource } from '../exchange/usage.ts';
import type { NanoUsd } from '../kernel/money.ts';

/** What a usage costs; undefined where the price is not known. */
export type PriceUsage = (question: {
  readonly provider: string;
  readonly model: string;
  readonly serviceTier: string | undefined;
  /** Milliseconds since the epoch; prices change. */
  readonly at: number;
  readonly usage: Usage;
}) => NanoUsd | undefined;

/** Counts tokens where the provider does not. */
export interface Tokens {
  /** About how many tokens a text is for a model. */
  estimate(model: string, text: string): Promise<number>;
  /** Takes note of a text that the provider has counted. */
  learn(model: string, text: string, tokens: number): void;
}

/** Books to a call's account what its answer says of itself. */
export class Accountant {
  readonly #price: PriceUsage;
  readonly #tokens: Tokens;

  constructor(ports: { readonly price: PriceUsage; readonly tokens: Tokens }) {
    this.#price = ports.price;
    this.#tokens = ports.tokens;
  }

  /** Usage and cost of a whole answer. Counts where the provider did not. */
  book(call: Call, facts: AnswerFacts): Promise<void> | void {
    call.account.modelServed = facts.model;
    call.account.serviceTier = facts.serviceTier;
    if (facts.usage !== undefined && call.cut !== true && isCounted(facts, facts.usage)) {
      this.#enter(call, facts.usage, 'provider');
      noteInput(call, facts.usage);
      // Reasoning is counted but often not shown, so only an answer without any teaches what a token is.
      if (facts.model !== undefined && facts.usage.reasoning === 0) {
        this.#tokens.learn(facts.model, facts.outputText, facts.usage.output);
      }
      return undefined;
    }
    if (facts.unfit === 'error' && facts.outputText === '') {
      this.#enter(call, noUsage, 'provider'); // it failed before it wrote; nothing is billed
      return undefined;
    }
    return this.#count(call, facts);
  }

  /** Usage and cost of an answer that broke off: what the provider said before, completed by counting what it wrote. */
  async bookPartial(call: Call, { facts, final }: Harvest): Promise<void> {
    if (final !== undefined) return this.book(call, facts);
    call.account.modelServed = facts.model;
    call.account.serviceTier = facts.serviceTier;
    await this.#count(call, facts);
  }

  async #count(call: Call, facts: AnswerFacts): Promise<void> {
    const model = facts.model ?? call.facts?.model ?? '';
    const said = facts.usage;
    const written =
      facts.outputText === '' ? 0 : await this.#tokens.estimate(model, facts.outputText);
    const output = Math.max(written, said?.output ?? 0);
    if (said !== undefined && inputTokens(said) > 0) {
      this.#enter(call, { ...said, output }, 'estimated');
      return;
    }
    const fresh = await this.#tokens.estimate(model, requestText(call));
    this.#enter(call, { ...noUsage, fresh, output }, 'estimated');
  }

  #enter(call: Call, usage: Usage, source: UsageSource): void {
    const { account } = call;
    account.usage = usage;
    account.usageSource = source;
    account.costNanos = this.price(call, usage);
  }

  /** What `usage` would cost on another model, at the call's provider and time. */
  priceOf(call: Call, model: string, usage: Usage): NanoUsd | undefined {
    const { serviceTier } = call.account;
    return this.#price({
      provider: call.provider.priceId,
      at: call.startedAt,
      serviceTier,
      usage,
      model,
    });
  }

  /** What `usage` costs on the model that served the call. */
  price(call: Call, usage: Usage): NanoUsd | undefined {
    if (call.dialect?.name === 'anthropic-count-tokens') return 0; // free at the provider
    const asked = call.facts?.model;
    const { modelServed, serviceTier } = call.account;
    const question = { provider: call.provider.priceId, at: call.startedAt, serviceTier, usage };
    const served =
      modelServed === undefined ? undefined : this.#price({ ...question, model: modelServed });
    if (served !== undefined || asked === undefined) return served;
    // A provider may answer under a name that no price list knows, such as a deployment's.
    return this.#price({ ...question, model: asked });
  }
}

/** A provider that has written and says that it has not, or that read nothing, has not counted. */
function isCounted({ outputText }: AnswerFacts, usage: Usage): boolean {
  if (outputText === '') return true;
  return inputTokens(usage) > 0 && usage.output + usage.reasoning + usage.audioOutput > 0;
}

/** What the provider counted bounds the next request that goes on from this one. A body that edits made shorter is another one. */
function noteInput({ facts, body }: Call, usage: Usage): void {
  const spend = facts?.spend;
  if (spend === undefined || body === undefined || !isWhole(body)) return;
  if (body.length >= spend.bytes) noteCounted(spend, inputTokens(usage));
}

/** The counterfactual of a call that went to the provider as it came: itself. */
export function asItWas(call: Call): Counterfactual | undefined {
  const { usage, costNanos, usageSource, endedTick } = call.account;
  if (usage === undefined) return undefined;
  return {
    usage,
    costNanos,
    totalMs: endedTick === undefined ? undefined : endedTick - call.startedTick,
    basis: usageSource === 'estimated' ? 'estimated' : 'measured',
  };
}

/** All text of a request, for counting; names and punctuation are left out, as templates bring about as much of their own. */
function requestText(call: Call): string {
  if (call.body === undefined || !isWhole(call.body)) return '';
  const texts: string[] = [];
  try {
    JSON.parse(Buffer.from(call.body).toString('utf8'), (_name, value: unknown) => {
      if (typeof value === 'string') texts.push(value);
      return value;
    });
  } catch {
    return ''; // not reached for a dialect's body, which was parsed before
  }
  return texts.join('\n');
}
