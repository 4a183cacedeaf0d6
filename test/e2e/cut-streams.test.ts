import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { all, balance, charged, walled } from './budget-house.ts';
import { chat, send, until } from './harness.ts';

const words = (count: number): string => 'Words of an answer. '.repeat(count / 4);
const messages = [{ role: 'user' as const, content: 'Write.' }];

/** A house whose provider writes 4000 words whatever cap it is sent. */
function heedless() {
  return walled([all(1)], {
    config: { cache: { enabled: true } },
    provider: { answer: () => ({ text: words(4000) }), gapMs: 1 },
  });
}

type House = Awaited<ReturnType<typeof heedless>>;

/** What each call of a cut stream must have left behind. */
async function judge(house: House, calls: number): Promise<void> {
  await until(() => house.rows.length === calls && house.provider.inFlight === 0);
  expect(house.provider.calls).toHaveLength(calls);
  expect(house.provider.aborted).toBe(calls);
  for (const row of house.rows) {
    expect(row).toMatchObject({ outcome: 'ok', usageSource: 'estimated' });
    expect(row.usage!.output + row.usage!.reasoning).toBeGreaterThan(50);
  }
  const { spent, held } = await balance(house);
  expect([spent, held]).toEqual([charged(house), 0]);
}

describe('a stream whose provider ignores its cap', () => {
  it('of chat is cut for the SDK, never kept, and left at the provider', async () => {
    const house = await heedless();
    const client = new OpenAI({ apiKey: 'k', baseURL: `${house.url}/v1`, maxRetries: 0 });
    for (let call = 0; call < 2; call++) {
      const stream = client.chat.completions.stream({
        model: 'gpt-4o',
        messages,
        max_tokens: 50,
        temperature: 0,
        stream_options: { include_usage: true },
      });
      const final = await stream.finalChatCompletion();
      expect(final.choices[0]!.finish_reason).toBe('length');
      expect(final.choices[0]!.message.content!.length).toBeLessThan(1000);
      expect(final.usage!.completion_tokens).toBeGreaterThanOrEqual(50);
    }
    await judge(house, 2);
  });

  it('of responses is cut for the SDK', async () => {
    const house = await heedless();
    const client = new OpenAI({ apiKey: 'k', baseURL: `${house.url}/v1`, maxRetries: 0 });
    const stream = client.responses.stream({
      model: 'gpt-4o',
      input: 'Write.',
      max_output_tokens: 50,
      temperature: 0,
    });
    const final = await stream.finalResponse();
    expect(final.incomplete_details).toEqual({ reason: 'max_output_tokens' });
    expect(final.output_text.length).toBeLessThan(1000);
    await judge(house, 1);
  });

  it('of messages is cut for the SDK', async () => {
    const house = await heedless();
    const client = new Anthropic({ apiKey: 'k', baseURL: house.url, maxRetries: 0 });
    const stream = client.messages.stream({
      model: 'claude-sonnet-5-5',
      max_tokens: 50,
      messages,
      temperature: 0,
    });
    const final = await stream.finalMessage();
    expect(final.stop_reason).toBe('max_tokens');
    expect(JSON.stringify(final.content).length).toBeLessThan(1100);
    await judge(house, 1);
  });

  it('is asked for uncompressed, so that it can be counted', async () => {
    const house = await heedless();
    const headers = { 'accept-encoding': 'gzip, br' };
    await send(
      `${house.url}/v1/chat/completions`,
      chat({ stream: true, max_tokens: 50, stream_options: { include_usage: true } }),
      { headers },
    );
    await send(`${house.url}/v1/chat/completions`, chat({ max_tokens: 50 }), { headers });
    const asked = house.provider.calls.map(({ rawHeaders }) => {
      const at = rawHeaders.findIndex((name) => name.toLowerCase() === 'accept-encoding');
      return rawHeaders[at + 1];
    });
    expect(asked).toEqual(['identity', 'gzip, br']);
  });
});
