import type { PicoUsdPerToken } from '../../../kernel/money.ts';

/** What a token costs by the way it goes. */
export interface TokenRates {
  /** Without a prompt cache. */
  readonly fresh: PicoUsdPerToken;
  /** Found in the provider's prompt cache. */
  readonly read: PicoUsdPerToken;
  /** Sent anew: written to the cache where writing has a price, else plain input. */
  readonly write: PicoUsdPerToken;
  readonly output: PicoUsdPerToken;
}

/** Rates for requests of more than so many input tokens: the whole request pays them. */
export interface PriceCliff {
  readonly above: number;
  readonly rates: TokenRates;
}

/** What the gate must know of a model. Where any of it is not known for certain there are no economics, and no edit. */
export interface Economics {
  readonly base: TokenRates;
  /** The highest first. */
  readonly cliffs: readonly PriceCliff[];
  /** How long an unused prefix stays in the provider's cache, in milliseconds; 0 where it has none. */
  readonly ttlMs: number;
  /** The longer time that a request may ask for, and how many times as much writing costs then; undefined where there is none. */
  readonly long?: { readonly ttlMs: number; readonly writeTimes: number } | undefined;
  /** The cache must be asked for, by marks in the request. */
  readonly asks: boolean;
  /** Input tokens that the model takes at most; undefined where that is not known. */
  readonly window: number | undefined;
}

/** The rates of a request of so many input tokens. */
export function ratesAt({ base, cliffs }: Economics, tokens: number): TokenRates {
  for (const { above, rates } of cliffs) if (tokens > above) return rates;
  return base;
}

/** The same model where its prompt cache is not used: every token is sent anew. */
export function withoutCache(economics: Economics): Economics {
  return {
    ...economics,
    ttlMs: 0,
    base: plain(economics.base),
    cliffs: economics.cliffs.map(({ above, rates }) => ({ above, rates: plain(rates) })),
  };
}

/** The same model for requests that ask for its longer time. */
export function heldLong(economics: Economics): Economics {
  const { long } = economics;
  if (long === undefined) return economics;
  const dearer = (rates: TokenRates): TokenRates => ({
    ...rates,
    write: rates.write * long.writeTimes,
  });
  return {
    ...economics,
    ttlMs: long.ttlMs,
    base: dearer(economics.base),
    cliffs: economics.cliffs.map(({ above, rates }) => ({ above, rates: dearer(rates) })),
  };
}

function plain({ fresh, output }: TokenRates): TokenRates {
  return { fresh, read: fresh, write: fresh, output };
}
