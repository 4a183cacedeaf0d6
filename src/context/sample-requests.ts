import type { DialectName } from '../exchange/dialect.ts';
import type { CareRequest } from './care-plan.ts';
import type { CacheTerms } from './terms.ts';

/** For tests: terms like those of a Claude model, in pico-dollars. */
export const claudeTerms: CacheTerms = {
  mode: 'explicit',
  minTokens: 1024,
  ttlMs: 300_000,
  ttlLongMs: 3_600_000,
  maxBreakpoints: 4,
  rates: { fresh: 2e6, read: 1e5, write: 2.5e6, writeLong: 4e6 },
};

/** For tests: terms like those of OpenAI's from GPT-5.6 on. */
export const gptTerms: CacheTerms = {
  ...claudeTerms,
  mode: 'automatic',
  ttlMs: 1_800_000,
  ttlLongMs: undefined,
};

/** For tests: text of about so many tokens. */
export function prose(tokens: number, seed = 0): string {
  return Array.from({ length: tokens }, (_, index) => `w${(index * 7 + seed) % 97}`).join(' ');
}

/** For tests: a call of an agent. */
export function sampleRequest(
  body: object,
  changes: Partial<CareRequest> = {},
  dialect: DialectName = 'anthropic-messages',
): CareRequest {
  const isAnthropic = dialect === 'anthropic-messages';
  return {
    tenant: 'default',
    agent: 'agent',
    session: 'session',
    provider: isAnthropic ? 'anthropic' : 'openai',
    priceId: isAnthropic ? 'anthropic' : 'openai',
    model: isAnthropic ? 'claude-sonnet-5' : 'gpt-6.1-sol',
    dialect,
    body: Buffer.from(JSON.stringify(body)),
    at: Date.UTC(2026, 10, 25),
    ...changes,
  };
}

const tool = (name: string) => ({
  name,
  description: `${name}: ${prose(300)}`,
  input_schema: { type: 'object', properties: { a: { type: 'string' }, b: { type: 'number' } } },
});

/** For tests: a conversation of so many turns of the user's, as Anthropic takes it. */
export function claudeBody(turns: number, changes: object = {}) {
  const messages = Array.from({ length: 2 * turns - 1 }, (_, index) => ({
    role: index % 2 === 0 ? 'user' : 'assistant',
    content: `turn ${index}: ${prose(50, index)}`,
  }));
  return {
    model: 'claude-sonnet-5',
    max_tokens: 100,
    system: `You are careful.\n${prose(1500)}`,
    tools: [tool('alpha'), tool('beta'), tool('gamma')],
    messages,
    ...changes,
  };
}

/** For tests: the same as OpenAI takes it. */
export function gptBody(turns: number, changes: object = {}) {
  const { messages, system, tools } = claudeBody(turns);
  return {
    model: 'gpt-6.1-sol',
    messages: [{ role: 'system', content: system }, ...messages],
    tools: tools.map(({ name, description, input_schema: parameters }) => ({
      type: 'function',
      function: { name, description, parameters },
    })),
    ...changes,
  };
}
