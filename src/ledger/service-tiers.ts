/** What a service tier does to the token prices of a provider. */
export interface TierFactor {
  readonly factor: number;
  readonly provenance: string;
  /** The provider's factor differs from model to model and this is its usual or dearest one. */
  readonly assumed?: true;
}

/** Names under which providers report their standard price. */
const standard = new Set(['default', 'standard', 'auto', 'on_demand', 'standard_only']);

const standardFactor: TierFactor = { factor: 1, provenance: 'standard tier' };

const half = (source: string): TierFactor => ({ factor: 0.5, provenance: source });

const factors: Readonly<Record<string, Readonly<Record<string, TierFactor>>>> = {
  openai: {
    batch: half('batch at half price (platform.openai.com/docs/guides/batch)'),
    flex: half('flex at batch prices (platform.openai.com/docs/guides/flex-processing)'),
    priority: {
      factor: 2,
      provenance: 'priority at twice the price (LiteLLM price map, July 2026)',
      assumed: true,
    },
  },
  // Anthropic's `priority` is capacity paid for in advance: no price per token, so it is not here.
  anthropic: { batch: half('batch at half price (platform.claude.com, pricing)') },
  google: {
    batch: half('batch at half price (ai.google.dev/gemini-api/docs/pricing)'),
    flex: half('flex at half price (ai.google.dev/gemini-api/docs/pricing)'),
    priority: {
      factor: 2,
      provenance: 'priority at 1.75 to 2 times the price (ai.google.dev)',
      assumed: true,
    },
  },
  aws: {
    batch: half('batch at half price (aws.amazon.com/bedrock/pricing)'),
    flex: half('flex at half price (aws.amazon.com/bedrock/pricing)'),
  },
  azure: { batch: half('batch at half price (Azure OpenAI pricing)') },
  groq: { batch: half('batch at half price (console.groq.com)') },
  mistral: { batch: half('batch at half price (docs.mistral.ai)') },
  fireworks: { batch: half('batch at half price (docs.fireworks.ai)') },
};

/**
 * The factor of a service tier as the provider names it in its answer. Undefined for a tier that we have no price for:
 * its calls cost unknown, as a guess could be wrong by a factor of four.
 */
export function tierFactor(
  provider: string,
  serviceTier: string | undefined,
): TierFactor | undefined {
  if (serviceTier === undefined || isStandardTier(serviceTier)) return standardFactor;
  return factors[provider]?.[serviceTier];
}

/** True for every name of the standard price, and for none. */
export function isStandardTier(serviceTier: string | undefined): boolean {
  return serviceTier === undefined || standard.has(serviceTier);
}
