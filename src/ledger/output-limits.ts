import { undated } from './model-names.ts';

/**
 * The most output tokens that models write where the caller sets no cap, reasoning included. A successor without a published figure takes that of
 * the model before it in its family, which is then sent upstream as a cap and so holds. Checked in November 2026 against
 * developers.openai.com/api/docs/models, platform.claude.com (models overview), ai.google.dev (models) and api-docs.deepseek.com.
 * The first that fits holds.
 */
const limits: readonly { readonly name: RegExp; readonly tokens: number }[] = [
  { name: /^gpt-3\.5/, tokens: 4096 },
  { name: /^gpt-4o-2024-05-13/, tokens: 4096 },
  {
    name: /^(?:gpt-4o-audio|gpt-audio|gpt-4o-mini-audio|gpt-4o|chatgpt-4o|gpt-4\.5)/,
    tokens: 16_384,
  },
  { name: /^gpt-4\.1/, tokens: 32_768 },
  { name: /^gpt-4-(?:turbo|1106|0125|vision)/, tokens: 4096 },
  { name: /^gpt-4(?:$|-)/, tokens: 8192 },
  { name: /^gpt-5(?:[.-]\d+)?-chat/, tokens: 16_384 },
  { name: /^gpt-5-pro/, tokens: 272_000 },
  { name: /^gpt-(?:5|6)/, tokens: 128_000 },
  { name: /^gpt-oss/, tokens: 131_072 },
  { name: /^codex-mini/, tokens: 100_000 },
  { name: /^o1-preview/, tokens: 32_768 },
  { name: /^o1-mini/, tokens: 65_536 },
  { name: /^o[134](?:$|-)/, tokens: 100_000 },
  { name: /^claude-3-(?:opus|sonnet|haiku)/, tokens: 4096 },
  { name: /^claude-3[-.]5/, tokens: 8192 },
  { name: /^claude-3[-.]7/, tokens: 128_000 },
  { name: /^claude-(?:opus-4|opus-4[-.]1|4-opus)$/, tokens: 32_000 },
  { name: /^claude-(?:sonnet-4|(?:sonnet|haiku|opus)-4[-.]5|4-sonnet)$/, tokens: 64_000 },
  { name: /^claude-/, tokens: 128_000 },
  { name: /^gemini-(?:1|2\.0)/, tokens: 8192 },
  { name: /^gemini-/, tokens: 65_536 },
  { name: /^deepseek-(?:chat|v3)/, tokens: 8192 },
  { name: /^deepseek-(?:reasoner|r1)/, tokens: 65_536 },
];

/** Undefined where no list says. Brokers put the maker before the name: `openai/gpt-5`. */
export function outputLimit(model: string): number | undefined {
  const dated = model.trim().toLowerCase();
  const bare = dated.slice(dated.lastIndexOf('/') + 1);
  const name = undated(bare);
  return limits.find((limit) => limit.name.test(bare) || limit.name.test(name))?.tokens;
}
