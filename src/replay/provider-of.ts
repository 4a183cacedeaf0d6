import type { ProviderRef } from '../exchange/call.ts';
import type { DialectName } from '../exchange/dialect.ts';

/** Providers by how their models are called; whoever serves OpenAI's dialect under another name is priced as OpenAI. */
const byModel: readonly (readonly [RegExp, string])[] = [
  [/^claude/i, 'anthropic'],
  [/^gemini/i, 'google'],
  [/^(mistral|mixtral|codestral|devstral|magistral|ministral)/i, 'mistral'],
  [/^deepseek/i, 'deepseek'],
  [/^grok/i, 'x-ai'],
];

/** Who would serve a model: what decides price and cache rules. */
export function providerOf(model: string, dialect: DialectName): ProviderRef {
  const found = byModel.find(([pattern]) => pattern.test(model))?.[1];
  const name = found ?? (dialect === 'anthropic-messages' ? 'anthropic' : 'openai');
  return { name, priceId: name, asksStreamUsage: name !== 'anthropic' };
}
