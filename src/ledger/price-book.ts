import { listedPrices } from './genai-prices.ts';
import type { ModelPrice } from './model-price.ts';
import { ownPrices } from './own-prices.ts';
import { compileOverrides, type CompiledOverride, type PriceOverride } from './price-overrides.ts';
import type { DatedPrice } from './price-source.ts';
import { timesFactor } from './rates.ts';
import { tierFactor, type TierFactor } from './service-tiers.ts';

export interface PriceQuestion {
  /** The provider's name in the price book, such as `openai`. */
  readonly provider: string;
  readonly model: string;
  /** When the call was made: wall time in milliseconds since the epoch. */
  readonly at: number;
  /** The tier that served, as the provider names it. Undefined: the standard one. */
  readonly serviceTier?: string | undefined;
}

export interface PriceBook {
  /** Undefined where the model, or its price in that service tier, is not known. Such a call costs unknown, never zero. */
  find(question: PriceQuestion): ModelPrice | undefined;
}

/** Callers choose model names, so what is remembered about them needs a limit. */
const rememberedLimit = 4096;

const ownOverrides: readonly PriceOverride[] = ownPrices.flatMap(({ names, ...price }) =>
  names.map((model) => Object.assign({ model }, price)),
);

/**
 * Prices from three sources, each going before the next: the configuration, the list that we keep ourselves, and the
 * bundled list of `@pydantic/genai-prices`.
 */
export function createPriceBook(
  options: { readonly overrides?: readonly PriceOverride[] } = {},
): PriceBook {
  const configured = compileOverrides(options.overrides ?? []);
  const own = compileOverrides(ownOverrides);
  const remembered = new Map<string, readonly DatedPrice[]>();
  return {
    find({ provider, model, at, serviceTier }) {
      const key = `${provider}\n${serviceTier ?? ''}\n${model}`;
      let candidates = remembered.get(key);
      if (candidates === undefined) {
        candidates = candidatesFor({ provider, model, serviceTier, configured, own });
        if (remembered.size >= rememberedLimit) remembered.clear();
        remembered.set(key, candidates);
      }
      for (const candidate of candidates) if (candidate.holds(at)) return candidate.price;
      return undefined;
    },
  };
}

interface Sources {
  readonly provider: string;
  readonly model: string;
  readonly serviceTier: string | undefined;
  readonly configured: readonly CompiledOverride[];
  readonly own: readonly CompiledOverride[];
}

/** All prices that may hold, the one to prefer first. */
function candidatesFor(sources: Sources): readonly DatedPrice[] {
  const { provider, model, serviceTier, configured, own } = sources;
  const mine = (list: readonly CompiledOverride[]): readonly CompiledOverride[] =>
    list.filter((each) => each.matches(provider, model));
  const negotiated = mine(configured);
  const forTier = negotiated.filter(
    (each) => each.serviceTier !== undefined && each.serviceTier === serviceTier,
  );
  const factor = tierFactor(provider, serviceTier);
  if (factor === undefined) return forTier;
  const ours = mine(own);
  const standard = [
    ...negotiated.filter((each) => each.serviceTier === undefined),
    // Our own entry knows a model better than the list, at every date.
    ...(ours.length > 0 ? ours : (listedPrices(provider, model) ?? [])),
  ];
  return [...forTier, ...standard.map((each) => inTier(each, factor))];
}

function inTier(dated: DatedPrice, tier: TierFactor): DatedPrice {
  if (tier.factor === 1) return dated;
  const { price } = dated;
  return {
    holds: (at) => dated.holds(at),
    price: {
      ...price,
      provenance: `${price.provenance}; ${tier.provenance}`,
      base: timesFactor(price.base, tier.factor),
      longContext: price.longContext.map(({ above, rates }) => ({
        above,
        rates: timesFactor(rates, tier.factor),
      })),
      assumed:
        tier.assumed === true
          ? [...new Set([...price.assumed, 'fresh', 'output'] as const)]
          : price.assumed,
    },
  };
}
