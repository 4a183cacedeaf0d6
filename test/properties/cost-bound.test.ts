import { findProvider } from '@pydantic/genai-prices';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBounds } from '../../src/budget/bounds.ts';
import { amountAt } from '../../src/budget/cost-bound.ts';
import type { Call } from '../../src/exchange/call.ts';
import { firstSpend, noteCounted } from '../../src/exchange/spend.ts';
import { noUsage, type Usage } from '../../src/exchange/usage.ts';
import { dialects } from '../../src/exchange/wire/index.ts';
import type { DialectName } from '../../src/exchange/dialect.ts';
import { dearestRates } from '../../src/ledger/dearest-rates.ts';
import { outputLimit } from '../../src/ledger/output-limits.ts';
import { ownPrices } from '../../src/ledger/own-prices.ts';
import { createPriceBook } from '../../src/ledger/price-book.ts';
import { usagePricer } from '../../src/ledger/usage-pricer.ts';
import { Recogniser } from '../../src/cache/recognise.ts';
import type { JsonObject } from '../../src/kernel/json.ts';
import { anthropicPrompt } from '../../src/replay/provider/anthropic-prompt.ts';
import { openaiPrompt } from '../../src/replay/provider/openai-prompt.ts';
import { promptTokens } from '../../src/replay/provider/prompt.ts';
import { loadTokenizer } from '../../src/replay/provider/tokenizer.ts';
import { readCall } from '../budget/read-call.ts';
import { jsonOf, listFixtures } from '../wire/fixtures.ts';

const tokenizer = await loadTokenizer();
const book = createPriceBook();
const price = usagePricer(book);
const bounds = createBounds({ rates: dearestRates(book), outputLimit, outputTokens: 32_768 });

const providers =
  'openai anthropic google aws azure openrouter together groq mistral deepseek x-ai fireworks cohere perplexity cerebras moonshotai novita'.split(
    ' ',
  );

/** Every model of the price book, by provider. */
const models: readonly (readonly [provider: string, model: string])[] = [
  ...providers.flatMap((provider) => {
    const found = findProvider({ providerId: provider });
    return (found?.models ?? []).map(({ id }) => [provider, id] as const);
  }),
  ...ownPrices.flatMap(({ provider, names }) => names.map((name) => [provider, name] as const)),
];

/** Parts of a whole, in fractions. */
const shares = (count: number) => fc.array(fc.nat(1000), { minLength: count, maxLength: count });

/** A number of tokens, handed out by shares. */
function dealt(tokens: number, parts: readonly number[]): number[] {
  const sum = Math.max(
    1,
    parts.reduce((total, part) => total + part, 0),
  );
  const given = parts.map((part) => Math.floor((tokens * part) / sum));
  given[0]! += tokens - given.reduce((total, part) => total + part, 0);
  return given;
}

/** How much of a bound is used: often all of it. */
const part = fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true }));

const tiers = [undefined, 'default', 'auto', 'priority', 'flex', 'batch', 'standard_only'] as const;

interface Asked {
  readonly provider: string;
  readonly model: string;
  readonly tier: string | undefined;
  readonly at: number;
  readonly bytes: number;
  readonly long: boolean;
  readonly answers: number;
  readonly cap: number | undefined;
}

/** A call with a body of so many bytes, of which the little that decides its cost is read. */
function callOf({ provider, model, tier, at, bytes, long, answers, cap }: Asked): Call {
  const body = {
    model,
    messages: [],
    ...(tier === undefined ? {} : { service_tier: tier }),
    ...(cap === undefined ? {} : { max_tokens: cap }),
    ...(long ? { prompt_cache_retention: '24h' } : {}),
    n: answers,
  };
  const call = readCall('openai-chat', body, { provider });
  const { terms } = call.facts!.spend!;
  const facts = { ...call.facts!, spend: firstSpend(terms, bytes) };
  return { ...call, startedAt: at, body: ofSize(bytes), facts };
}

const sizes = new Map<number, Buffer>();

function ofSize(bytes: number): Buffer {
  const known = sizes.get(bytes) ?? Buffer.alloc(bytes);
  sizes.set(bytes, known);
  return known;
}

const inputClasses = ['fresh', 'cacheRead', 'cacheWrite5m', 'audioInput', 'cacheWrite1h'] as const;
const outputClasses = ['output', 'reasoning', 'audioOutput'] as const;
const ways = ['default', 'asked', 'project', undefined] as const;

/** Bound and price of a call with a usage; true where the bound holds, or there is no bound or no price. */
function holds(asked: Asked, served: (typeof ways)[number], usageOf: UsageOf): boolean | undefined {
  const call = callOf(asked);
  const bound = bounds.boundOf(call);
  if (bound.kind !== 'bounded') return undefined;
  const { tokens } = call.facts!.spend!;
  const usage = usageOf(tokens, bound.outputCap * asked.answers);
  const { provider, model, at } = asked;
  const serviceTier = tierServed(served, asked.tier, provider);
  const cost = price({ provider, model, at, serviceTier, usage });
  return cost === undefined ? undefined : cost <= amountAt(bound, bound.outputCap);
}

type UsageOf = (inputMost: number, outputMost: number) => Usage;

describe('what a call costs', () => {
  it(`is never more than its bound: all of ${models.length} models, tiers and classes at their most`, () => {
    const at = Date.UTC(2026, 10, 20, 2);
    let priced = 0;
    for (const [provider, model] of models) {
      for (const tier of tiers) {
        for (const bytes of [2000, 300_000]) {
          // Long writes only where they are asked for.
          for (const [index, input] of inputClasses.entries()) {
            const long = input === 'cacheWrite1h';
            const asked = { provider, model, tier, at, bytes, long, answers: 2, cap: 100_000 };
            const output = outputClasses[index % outputClasses.length]!;
            for (const served of ways) {
              const held = holds(asked, served, (most, outputMost) => ({
                ...noUsage,
                [input]: most,
                [output]: outputMost,
              }));
              if (held === undefined) continue;
              priced++;
              if (!held) expect.unreachable(JSON.stringify({ asked, served, input, output }));
            }
          }
        }
      }
    }
    expect(priced).toBeGreaterThan(100_000);
  }, 30_000);

  it('is never more than its bound at any time, whatever is used', () => {
    const given = fc.record({
      place: fc.constantFrom(...models),
      tier: fc.constantFrom(...tiers),
      served: fc.constantFrom(...ways),
      at: fc.integer({ min: Date.UTC(2025, 0, 1), max: Date.UTC(2027, 0, 1) }),
      bytes: fc.constantFrom(100, 3000, 150_000, 300_000),
      long: fc.boolean(),
      answers: fc.integer({ min: 1, max: 4 }),
      cap: fc.option(fc.integer({ min: 0, max: 200_000 }), { nil: undefined }),
      spent: fc.tuple(part, part),
      input: shares(5),
      output: shares(3),
    });
    fc.assert(
      fc.property(given, ({ place: [provider, model], served, ...asked }) => {
        const usageOf: UsageOf = (inputMost, outputMost) =>
          usageWithin(asked, inputMost, outputMost);
        return holds({ provider, model, ...asked }, served, usageOf) !== false;
      }),
      { numRuns: 2000 },
    );
  });
});

/** A provider serves as it was asked, falls back to its standard, or does as the project is set where nobody asked. */
function tierServed(
  served: 'default' | 'asked' | 'project' | undefined,
  asked: string | undefined,
  provider: string,
): string | undefined {
  if (served === 'asked') return asked;
  if (served !== 'project') return served;
  return provider === 'openai' && (asked === undefined || asked === 'auto')
    ? 'priority'
    : undefined;
}

function usageWithin(
  given: {
    readonly long: boolean;
    readonly spent: readonly [number, number];
    readonly input: readonly number[];
    readonly output: readonly number[];
  },
  inputMost: number,
  outputMost: number,
): Usage {
  const written = given.long ? given.input : given.input.with(4, 0);
  const [fresh, cacheRead, cacheWrite5m, audioInput, cacheWrite1h] = dealt(
    Math.floor(inputMost * given.spent[0]),
    written,
  );
  const [output, reasoning, audioOutput] = dealt(
    Math.floor(outputMost * given.spent[1]),
    given.output,
  );
  return {
    ...noUsage,
    fresh: fresh!,
    cacheRead: cacheRead!,
    cacheWrite5m: cacheWrite5m!,
    cacheWrite1h: cacheWrite1h!,
    audioInput: audioInput!,
    output: output!,
    reasoning: reasoning!,
    audioOutput: audioOutput!,
  };
}

/** The input tokens of a request as the simulated provider counts them: OpenAI's tokenizer, and what frames messages. */
function counted(dialect: DialectName, body: JsonObject): number {
  const prompt = dialect.startsWith('anthropic') ? anthropicPrompt : openaiPrompt;
  return promptTokens(prompt(body, tokenizer));
}

describe('the tokens of an input', () => {
  it.each(['openai-chat', 'openai-responses', 'anthropic-messages'] as const)(
    'of the wire fixtures of %s are within the bound',
    (dialect) => {
      for (const { name, request } of listFixtures(dialect)) {
        const body = jsonOf(request);
        const call = readCall(dialect, body, { bytes: request });
        const { terms, tokens, images } = call.facts!.spend!;
        if (terms.open.size > 0 || images > 0) continue;
        expect(counted(dialect, body), name).toBeLessThanOrEqual(tokens);
      }
    },
  );

  it('are within the bound whatever the letters, and however they are escaped', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.string({ unit: 'grapheme', maxLength: 300 }),
      // Lone surrogates.
      fc.array(fc.nat(0xff_ff), { maxLength: 100 }).map((codes) => String.fromCharCode(...codes)),
    );
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), (texts) => {
        const body = { model: 'm', messages: texts.map((content) => ({ role: 'user', content })) };
        const { tokens } = readCall('openai-chat', body).facts!.spend!;
        expect(counted('openai-chat', body)).toBeLessThanOrEqual(tokens);
      }),
    );
  });
});

describe('a conversation', () => {
  const context = {
    secret: 's',
    scope: 't',
    provider: 'p',
    dialect: 'openai-chat',
    path: '/',
    variant: '',
  };
  /** Four bytes a token and a dozen for each message. */
  const countOf = (turns: readonly string[]): number =>
    turns.reduce((sum, turn) => sum + Math.ceil(turn.length / 4) + 12, 3);

  it('is bounded by what its provider counted of it and the bytes that came since', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ minLength: 0, maxLength: 3000 }), { minLength: 2, maxLength: 6 }),
        (texts) => {
          const recogniser = new Recogniser({ depth: 64, spend: true });
          const turns = ['x'.repeat(20_000), ...texts];
          let before: number | undefined;
          for (let count = 1; count <= turns.length; count++) {
            const sent = turns.slice(0, count);
            const messages = sent.map((content) => ({ role: 'user', content }));
            const body = Buffer.from(JSON.stringify({ model: 'gpt-4o', messages, max_tokens: 9 }));
            const { facts } = recogniser.recognise(context, dialects['openai-chat'], body);
            const { tokens, bytes } = facts.spend!;
            expect(bytes).toBe(body.length);
            expect(tokens).toBeGreaterThanOrEqual(countOf(sent));
            if (before !== undefined)
              expect(tokens).toBeLessThan(before + body.length - 20_000 + 400);
            noteCounted(facts.spend!, countOf(sent));
            before = facts.spend!.tokens;
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it('keeps the images of earlier turns until they are counted', () => {
    const recogniser = new Recogniser({ depth: 64, spend: true });
    const image = {
      type: 'image_url',
      image_url: { url: `data:image/png;base64,${'A'.repeat(20_000)}` },
    };
    const messages: object[] = [{ role: 'user', content: [image] }];
    const read = () => {
      const body = Buffer.from(JSON.stringify({ model: 'gpt-4o', messages }));
      return recogniser.recognise(context, dialects['openai-chat'], body).facts.spend!;
    };
    read();
    messages.push({ role: 'user', content: [image] });
    const second = read();
    expect(second).toMatchObject({ uncounted: 2, images: 2 });
    expect(second.tokens).toBeLessThan(1000);
    noteCounted(second, 2000);
    messages.push({ role: 'user', content: 'and?' });
    expect(read()).toMatchObject({ uncounted: 0, images: 2 });
  });
});
