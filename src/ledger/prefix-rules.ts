import { undated } from './model-names.ts';

/** How a model's provider caches the beginnings of prompts. */
export interface PrefixRules {
  /** `automatic`: without being asked; `explicit`: up to the breakpoints that the request marks. */
  readonly mode: 'automatic' | 'explicit' | 'none';
  /** A prompt with fewer tokens is not cached, silently. */
  readonly minTokens: number;
  /** Cached prefixes are a multiple of so many tokens long. */
  readonly granularity: number;
  /** How long an unused prefix stays, in milliseconds; each use begins it anew. */
  readonly ttlMs: number;
  /** The longer time that a request may ask for. */
  readonly ttlLongMs?: number;
  /** Breakpoints that one request may mark. */
  readonly maxBreakpoints?: number;
  /** Writing has a price of its own; otherwise what is written costs what fresh input does. */
  readonly writeCharged: boolean;
}

const minute = 60_000;
const hour = 60 * minute;

const none: PrefixRules = {
  mode: 'none',
  minTokens: 0,
  granularity: 1,
  ttlMs: 0,
  writeCharged: false,
};

/** Source: platform.claude.com, prompt caching. Five minutes or an hour, four breakpoints. */
const claude = (minTokens: number): PrefixRules => ({
  mode: 'explicit',
  minTokens,
  granularity: 1,
  ttlMs: 5 * minute,
  ttlLongMs: hour,
  maxBreakpoints: 4,
  writeCharged: true,
});

/** Source: developers.openai.com, prompt caching. Five to ten minutes idle; retention of a day can be asked for. */
const gpt: PrefixRules = {
  mode: 'automatic',
  minTokens: 1024,
  granularity: 128,
  ttlMs: 10 * minute,
  ttlLongMs: 24 * hour,
  writeCharged: false,
};

/** From GPT-5.6 on: an implicit breakpoint at the newest message, four explicit ones, at least half an hour. Same source. */
const gptWithWrites: PrefixRules = {
  mode: 'automatic',
  minTokens: 1024,
  granularity: 1,
  ttlMs: 30 * minute,
  maxBreakpoints: 4,
  writeCharged: true,
};

/** Source: ai.google.dev, caching. The time is not published; five minutes is our assumption. */
const gemini = (minTokens: number): PrefixRules => ({
  mode: 'automatic',
  minTokens,
  granularity: 1,
  ttlMs: 5 * minute,
  writeCharged: false,
});

/** Source: api-docs.deepseek.com, context caching: units of 64 tokens, kept for some hours. */
const deepseek: PrefixRules = {
  mode: 'automatic',
  minTokens: 64,
  granularity: 64,
  ttlMs: 3 * hour,
  writeCharged: false,
};

/**
 * The first that fits holds. A model without a published minimum takes that of the model before it in its family
 * (Opus 4.7 of 4.6; Opus, Sonnet and Haiku 5.5 of 5, 5 and 4.5).
 */
const families: readonly { readonly name: RegExp; readonly rules: PrefixRules }[] = [
  { name: /claude-(?:fable|mythos)-5/, rules: claude(512) },
  { name: /claude-opus-5/, rules: claude(512) },
  { name: /claude-opus-4[-.][567]/, rules: claude(4096) },
  { name: /claude-haiku-[45]/, rules: claude(4096) },
  { name: /claude-3(?:[-.]5)?-haiku/, rules: claude(2048) },
  { name: /claude-(?:v|2|instant)/, rules: none },
  { name: /claude-/, rules: claude(1024) },
  { name: /^(?:gpt-5[-.](?:[6-9]|\d\d)|gpt-(?:[6-9]|\d\d))/, rules: gptWithWrites },
  {
    name: /^(?:gpt-4o-(?:transcribe|mini-tts)|gpt-image|gpt-oss|gpt-4-|gpt-4$|gpt-3)/,
    rules: none,
  },
  { name: /^(?:gpt-4o|gpt-4[-.][15]|gpt-5|chatgpt-4o|o[134](?:-|$)|codex)/, rules: gpt },
  { name: /^gemini-.*flash/, rules: gemini(1024) },
  { name: /^gemini-(?:2\.5|[3-9])/, rules: gemini(4096) },
  { name: /^deepseek-/, rules: deepseek },
];

/** Those who serve the models above under rules of their own, or without any. */
const providersWithout = new Set(['groq', 'together', 'fireworks', 'mistral', 'cohere']);

/** The rules of a model at a provider, both by their names in the price book; mode `none` where we know of no cache. */
export function prefixRules(provider: string, model: string): PrefixRules {
  if (providersWithout.has(provider)) return none;
  const name = undated(model);
  // Brokers put the maker before the name: `anthropic/claude-sonnet-5`.
  const bare = name.slice(name.lastIndexOf('/') + 1);
  return families.find((family) => family.name.test(bare))?.rules ?? none;
}
