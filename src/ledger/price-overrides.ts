import type { ModelPrice } from './model-price.ts';
import { namePattern, undated } from './model-names.ts';
import type { DatedPrice } from './price-source.ts';
import { ratesOf, type DollarRates } from './rates.ts';
import { isStandardTier } from './service-tiers.ts';

/** A price from the configuration: one negotiated, or that of a model which no list has. Dollars per million tokens. */
export interface PriceOverride extends DollarRates {
  /** Undefined: whichever provider. */
  readonly provider?: string | undefined;
  /** The model as the provider names it; `*` stands for anything. */
  readonly model: string;
  /** Wall time in milliseconds since the epoch, inclusive. */
  readonly from?: number | undefined;
  /** Exclusive. */
  readonly to?: number | undefined;
  /** Undefined: the standard tier. */
  readonly serviceTier?: string | undefined;
  /** Dearer rates for requests with more input than so many tokens. */
  readonly longContext?: (DollarRates & { readonly aboveTokens: number }) | undefined;
  /** Where the price comes from. Default: the configuration. */
  readonly provenance?: string | undefined;
}

/** An override that is ready to be asked. */
export interface CompiledOverride extends DatedPrice {
  /** Undefined for the standard tier. */
  readonly serviceTier: string | undefined;
  matches(provider: string, model: string): boolean;
}

/** Ready-made overrides in the order in which they are to be asked: the most specific first, then the latest. */
export function compileOverrides(overrides: readonly PriceOverride[]): readonly CompiledOverride[] {
  return overrides
    .map((override, index) => ({ override, index }))
    .sort(
      (first, second) =>
        specificity(second.override) - specificity(first.override) ||
        (second.override.from ?? -Infinity) - (first.override.from ?? -Infinity) ||
        first.index - second.index,
    )
    .map(({ override }) => compile(override));
}

/** An exact name goes before a pattern, a longer pattern before a shorter, a named provider before any. */
function specificity({ model, provider }: PriceOverride): number {
  const exact = model.includes('*') ? 0 : 1e6;
  return exact + model.length * 2 + (provider === undefined ? 0 : 1);
}

function compile(override: PriceOverride): CompiledOverride {
  const isName = namePattern(override.model);
  const from = override.from ?? -Infinity;
  const to = override.to ?? Infinity;
  return {
    serviceTier: isStandardTier(override.serviceTier) ? undefined : override.serviceTier,
    matches: (provider, model) =>
      (override.provider === undefined || override.provider === provider) &&
      (isName(model.trim().toLowerCase()) || isName(undated(model))),
    holds: (at) => at >= from && at < to,
    price: priceOf(override),
  };
}

function priceOf(override: PriceOverride): ModelPrice {
  const { rates, assumed } = ratesOf(override);
  const long = override.longContext;
  return {
    model: override.model,
    provenance: override.provenance ?? 'configuration',
    base: rates,
    longContext:
      long === undefined ? [] : [{ above: long.aboveTokens, rates: ratesOf(long).rates }],
    assumed,
  };
}
