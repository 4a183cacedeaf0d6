import { describe, expect, it } from 'vitest';
import type { FakeBytes } from '../../src/testing/fake-answer.ts';
import { chat, send, startHouse, type House } from './harness.ts';

const path = '/v1/chat/completions';
const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };

function chunk(rest: object): string {
  const head = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'gpt-4o' };
  return `data: ${JSON.stringify({ ...head, ...rest })}\n\n`;
}

/** A provider's stream, with or without its usage, whatever was asked. */
function stream(options: { usage: boolean; before?: string }): FakeBytes {
  const text = [
    options.before ?? '',
    chunk({ choices: [{ index: 0, delta: { role: 'assistant', content: 'Grüße 🌍' } }] }),
    options.before ?? '',
    chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }),
    options.usage ? chunk({ choices: [], usage }) : '',
    'data: [DONE]\n\n',
  ];
  return { bytes: Buffer.from(text.join('')), contentType: 'text/event-stream' };
}

function plain(): FakeBytes {
  const message = { role: 'assistant', content: 'Grüße 🌍' };
  const choices = [{ index: 0, message, finish_reason: 'stop' }];
  const whole = { id: 'c', object: 'chat.completion', created: 1, model: 'gpt-4o', choices, usage };
  return { bytes: Buffer.from(JSON.stringify(whole)), contentType: 'application/json' };
}

async function ask(house: House, extra: object) {
  const answer = await send(house.url + path, chat({ temperature: 0, ...extra }));
  const status = String(answer.headers['cache-status']).includes('hit') ? 'hit' : 'miss';
  return { status, text: answer.body.toString() };
}

const asking = { stream: true, stream_options: { include_usage: true } };

describe('a provider whose streams bring no usage though they are asked', () => {
  it('gives its plain callers a plain answer of its own, with usage', async () => {
    const house = await startHouse({
      provider: {
        answer: ({ json }) => (json!['stream'] === true ? stream({ usage: false }) : plain()),
      },
    });
    expect((await ask(house, { stream: true })).status).toBe('miss');
    expect((await ask(house, { stream: true })).status).toBe('hit');
    const whole = await ask(house, {});
    expect([whole.status, JSON.parse(whole.text).usage]).toEqual(['miss', usage]);
    expect(await ask(house, {})).toEqual({ ...whole, status: 'hit' });
    expect((await ask(house, asking)).text).toContain('"total_tokens":15');
  });
});

describe('a provider that must not be asked (stream_usage: estimate)', () => {
  it('gives each caller what it asked for, also from the cache and in one flight', async () => {
    const house = await startHouse({
      provider: {
        firstByteMs: 20,
        answer: ({ json }) => stream({ usage: json!['stream_options'] !== undefined }),
      },
      config: { providers: { openai: { stream_usage: 'estimate' } } as never },
    });
    for (const status of ['miss', 'hit']) {
      const [without, within] = await Promise.all([
        ask(house, { stream: true }),
        ask(house, asking),
      ]);
      expect([without.status, without.text.includes('usage')]).toEqual([status, false]);
      expect([within.status, within.text.includes('"total_tokens":15')]).toEqual([status, true]);
    }
  });
});

it('a media type in capitals is the same', async () => {
  const bytes = { ...stream({ usage: true }), contentType: 'Text/Event-Stream; Charset=UTF-8' };
  const house = await startHouse({ provider: { answer: () => bytes } });
  expect((await ask(house, asking)).status).toBe('miss');
  expect((await ask(house, asking)).status).toBe('hit');
  expect(house.rows[0]).toMatchObject({ usageSource: 'provider', outcome: 'ok' });
  const json = { ...plain(), contentType: 'Application/JSON' };
  const other = await startHouse({ provider: { answer: () => json } });
  expect((await ask(other, {})).status).toBe('miss');
  expect((await ask(other, {})).status).toBe('hit');
});

describe('comments that keep a stream open', () => {
  it.each([': OPENROUTER PROCESSING\n\n', ': ping\r\n\r\n', ':\n:\n\n'])(
    '%j pass to the caller of the call, and are not stored',
    async (before) => {
      const house = await startHouse({
        provider: { answer: () => stream({ usage: true, before }) },
      });
      const first = await ask(house, asking);
      expect(first.text).toBe(stream({ usage: true, before }).bytes.toString());
      const again = await ask(house, asking);
      expect(again).toEqual({ status: 'hit', text: stream({ usage: true }).bytes.toString() });
    },
  );
});

describe('stream options of a wrong type', () => {
  it.each(['on', 5, [], { include_usage: 'yes' }, { include_usage: 1 }])(
    '%j reach the provider as they are, which can say so',
    async (stream_options) => {
      const house = await startHouse();
      const body = chat({ stream: true, stream_options });
      await send(house.url + path, body);
      expect(house.provider.calls[0]!.body.toString()).toBe(body);
    },
  );

  it.each([
    null,
    {},
    { include_usage: false },
    { include_usage: null },
    { include_obfuscation: false },
  ])('%j are asked to bring usage, and whatever else they say stays', async (stream_options) => {
    const house = await startHouse();
    const answer = await send(house.url + path, chat({ stream: true, stream_options }));
    const { stream_options: sent } = house.provider.calls[0]!.json!;
    expect(sent).toEqual({ ...stream_options, include_usage: true });
    expect(answer.body.toString()).not.toContain('usage');
  });
});
