import type { DollarRates } from './rates.ts';

/** A price that we keep ourselves, because the bundled list lacks the model or mistakes it for an older one. */
export interface OwnPrice extends DollarRates {
  readonly provider: string;
  /** Every spelling without its date. */
  readonly names: readonly string[];
  readonly longContext?: DollarRates & { readonly aboveTokens: number };
  readonly provenance: string;
}

/** Checked against @pydantic/genai-prices 0.1.8. Remove an entry when the bundled list has caught up. */
export const ownPrices: readonly OwnPrice[] = [
  {
    // The bundled list takes it for Sonnet 5, whose cache reads cost twice as much.
    provider: 'anthropic',
    names: ['claude-sonnet-5-5', 'claude-sonnet-5.5'],
    input: 2,
    cacheRead: 0.1, // 0.05 of the input since 2026-10-07
    cacheWrite5m: 2.5,
    cacheWrite1h: 4,
    output: 10,
    webSearchPerThousand: 10,
    provenance: 'platform.claude.com pricing, October 2026',
  },
  {
    provider: 'anthropic',
    names: ['claude-haiku-5-5', 'claude-haiku-5.5'],
    input: 0.1,
    cacheRead: 0.005,
    cacheWrite5m: 0.125,
    cacheWrite1h: 0.2,
    output: 0.5,
    webSearchPerThousand: 10,
    longContext: {
      aboveTokens: 100_000,
      input: 0.5,
      cacheRead: 0.025,
      cacheWrite5m: 0.625,
      cacheWrite1h: 1,
      output: 2.5,
      webSearchPerThousand: 10,
    },
    // Input and output are published; the cache rates are Anthropic's usual multiples (0.05, 1.25, 2).
    provenance:
      'platform.claude.com pricing, October 2026; cache rates by the multiples of the 5.5 family',
  },
  {
    provider: 'openai',
    names: ['gpt-6.1-sol', 'gpt-6-1-sol'],
    input: 2,
    cacheRead: 0.1,
    cacheWrite5m: 2.5,
    output: 10,
    webSearchPerThousand: 10,
    longContext: {
      aboveTokens: 272_000,
      input: 4,
      cacheRead: 0.2,
      cacheWrite5m: 5,
      output: 15,
      webSearchPerThousand: 10,
    },
    provenance: 'OpenAI price list as carried by CodexManager 0.4.7, November 2026',
  },
  {
    provider: 'openai',
    names: ['gpt-6.2-astra', 'gpt-6-2-astra'],
    input: 8,
    output: 40,
    provenance:
      'OpenAI price list of 2026-11-17 (BerriAI/litellm#52347); cache rates not published there',
  },
  {
    provider: 'openai',
    names: ['gpt-6.2-sol', 'gpt-6-2-sol'],
    input: 2,
    output: 10,
    provenance:
      'OpenAI price list of 2026-11-17 (BerriAI/litellm#52347); cache rates not published there',
  },
];
