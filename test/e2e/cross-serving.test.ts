import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { listFixtures, type Fixture } from '../wire/fixtures.ts';
import { startHouse, type House } from './harness.ts';

/** One question, asked plain and streamed through the vendor's own client, whose accumulator puts the stream together. */
interface Asker {
  readonly plain: (house: House) => Promise<unknown>;
  readonly streamed: (house: House) => Promise<unknown>;
}

const messages = [{ role: 'user' as const, content: 'What is it?' }];
const openaiOf = ({ url }: House): OpenAI =>
  new OpenAI({ apiKey: 'k', baseURL: `${url}/v1`, maxRetries: 0 });
const anthropicOf = ({ url }: House): Anthropic =>
  new Anthropic({ apiKey: 'k', baseURL: url, maxRetries: 0 });

const chat = {
  model: 'gpt-4o',
  messages,
  tools: [{ type: 'function' as const, function: { name: 'look', parameters: {} } }],
};
const claude = {
  model: 'claude-sonnet-5-5',
  max_tokens: 100,
  messages,
  tools: [{ name: 'look', input_schema: { type: 'object' as const } }],
};

const askers: Record<string, Asker> = {
  'openai-chat': {
    plain: (house) => openaiOf(house).chat.completions.create(chat),
    streamed: (house) =>
      openaiOf(house)
        .chat.completions.stream({ ...chat, stream_options: { include_usage: true } })
        .finalChatCompletion(),
  },
  'openai-responses': {
    plain: (house) => openaiOf(house).responses.create({ model: 'gpt-5', input: 'What?' }),
    streamed: (house) =>
      openaiOf(house).responses.stream({ model: 'gpt-5', input: 'What?' }).finalResponse(),
  },
  'openai-completions': {
    plain: (house) => openaiOf(house).completions.create({ model: 'davinci', prompt: 'a', n: 2 }),
    // This API's streams have no accumulator in the client; this is what users write.
    async streamed(house) {
      const stream = await openaiOf(house).completions.create({
        model: 'davinci',
        prompt: 'a',
        n: 2,
        stream: true,
        stream_options: { include_usage: true },
      });
      let whole: OpenAI.Completion | undefined;
      for await (const chunk of stream) {
        whole ??= { ...chunk, choices: [] };
        if (chunk.usage) whole.usage = chunk.usage;
        for (const part of chunk.choices) {
          const choice = (whole.choices[part.index] ??= { ...part, text: '' });
          choice.text += part.text;
          choice.finish_reason = part.finish_reason;
        }
      }
      return whole;
    },
  },
  'anthropic-messages': {
    plain: (house) => anthropicOf(house).messages.create(claude),
    streamed: (house) => anthropicOf(house).messages.stream(claude).finalMessage(),
  },
};

const answer = () => ({
  text: 'It saves heat: Grüße 🌍, "quoted" \\ and\nlined.',
  reasoning: 'Think of a boiler.',
  toolCalls: [
    { name: 'look', arguments: { at: 'boiler', deep: { list: [1, 2.5, null] } } },
    { name: 'look', arguments: {} },
  ],
});

/** What the clients add for their users' convenience is no part of the answer. */
const added = /^(?:parsed|parsed_arguments|parsed_output|output_parsed|output_text|_request_id)$/;
/** What vendors add to OpenAI's chat is lost in its client's accumulator; the tests of our own assembler look at it. */
const foreign = /^reasoning/;

function bare(message: unknown): unknown {
  return JSON.parse(JSON.stringify(message), (name, value: unknown) =>
    added.test(name) || foreign.test(name) || value === null ? undefined : value,
  );
}

async function twice(house: House, asker: Asker, order: readonly (keyof Asker)[]) {
  const found: unknown[] = [];
  for (const how of order) found.push(bare(await asker[how](house)));
  expect(house.provider.calls).toHaveLength(1);
  expect(house.rows.map(({ source }) => source)).toEqual(['upstream', 'l1']);
  return found;
}

describe.each(Object.entries(askers))(
  '%s: the vendor’s client gets the same message',
  (_name, asker) => {
    it('streamed from a stored plain answer', async () => {
      const house = await startHouse({ provider: { answer } });
      const [plain, streamed] = await twice(house, asker, ['plain', 'streamed']);
      expect(streamed).toEqual(plain);
    });

    it('plain from a stored stream', async () => {
      const house = await startHouse({ provider: { answer } });
      const [streamed, plain] = await twice(house, asker, ['streamed', 'plain']);
      expect(plain).toEqual(streamed);
    });
  },
);

const recorded = Object.keys(askers).flatMap((name) =>
  listFixtures(name as Fixture['dialect'])
    .filter(({ streamed }) => streamed)
    .map((fixture) => [`${fixture.dialect}/${fixture.name}`, fixture] as const),
);

describe('a recorded stream that may be kept', () => {
  it.each(recorded)(
    '%s is the same message plain, to the vendor’s client',
    async (_name, fixture) => {
      const bytes = { bytes: fixture.response, contentType: 'text/event-stream; charset=utf-8' };
      const house = await startHouse({ provider: { answer: () => bytes } });
      const asker = askers[fixture.dialect]!;
      const streamed = await asker.streamed(house).then(bare, () => undefined);
      if (streamed === undefined) return; // an error in the stream; the fault tests look at those
      house.provider.failNext({ kind: 'status', status: 404 });
      const plain = await asker.plain(house).then(bare, () => undefined);
      if (plain === undefined) return; // not kept
      expect(plain).toEqual(streamed);
    },
  );
});

it('embeddings come from the store as they came', async () => {
  const house = await startHouse();
  const ask = () =>
    openaiOf(house).embeddings.create({ model: 'text-embedding-3-small', input: ['a', 'b'] });
  const [first, again] = [await ask(), await ask()];
  expect(bare(again)).toEqual(bare(first));
  expect(house.provider.calls).toHaveLength(1);
});
