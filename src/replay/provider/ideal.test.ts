import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { inputTokens, type Usage } from '../../exchange/usage.ts';
import { prefixRules } from '../../ledger/prefix-rules.ts';
import { BillingBrain, type Arrival } from './billing-brain.ts';
import { IdealBill } from './ideal.ts';
import { loadTokenizer, type Tokenizer } from './tokenizer.ts';

let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = await loadTokenizer();
});

/** About 60 tokens that begin with `mark`. */
const passage = (mark: string): string =>
  `${mark} ${'the boiler gives its heat again '.repeat(10)}`;
const long = Array.from({ length: 40 }, (_, index) => passage(`${index}`)).join('\n');

function arrivalOf(model: string, body: Arrival['body'], at: number): Arrival {
  const isClaude = model.startsWith('claude');
  return {
    provider: isClaude ? 'anthropic' : 'openai',
    model,
    dialect: isClaude ? 'anthropic-messages' : 'openai-chat',
    body,
    scope: 'us',
    at,
    answer: { output: 90, reasoning: 0 },
  };
}

function idealOf(arrivals: readonly Arrival[]): Usage[] {
  const ideal = new IdealBill({
    brain: new BillingBrain({ tokenizer, rulesOf: prefixRules }),
    rulesOf: prefixRules,
  });
  for (const arrival of arrivals) ideal.add(arrival);
  return ideal.usages();
}

const asked = (question: string, at: number): Arrival =>
  arrivalOf(
    'claude-sonnet-5',
    { system: long, messages: [{ role: 'user', content: question }] },
    at,
  );

describe('the ideal bill', () => {
  it('reads every prefix that was ever sent, without marks and whenever that was', () => {
    const [first, second] = idealOf([asked('one', 0), asked('two', 86_400_000)]);
    expect([first!.cacheRead, second!.cacheWrite5m]).toEqual([0, 0]);
    expect(first!.cacheWrite5m).toBeGreaterThan(1024);
    expect(second!.cacheRead).toBe(first!.cacheWrite5m);
    expect([second!.output, inputTokens(second!)]).toEqual([90, inputTokens(first!)]);
  });

  it('pays for no write that nobody reads', () => {
    const [only] = idealOf([asked('one', 0)]);
    expect(only).toMatchObject({ cacheWrite5m: 0, cacheRead: 0, fresh: inputTokens(only!) });
  });

  /** Relative prices of Claude's and GPT's input classes. */
  const cost = (usage: Usage, charged: boolean): number =>
    usage.fresh +
    usage.cacheRead * 0.1 +
    usage.cacheWrite5m * (charged ? 1.25 : 1) +
    usage.cacheWrite1h * 2;

  const turn = fc.record({
    conversation: fc.nat(2),
    words: fc.integer({ min: 1, max: 30 }),
    gapMs: fc.constantFrom(1000, 200_000, 400_000, 4_000_000),
    mark: fc.constantFrom(undefined, '5m', '1h'),
  });

  it.each(['claude-sonnet-5', 'gpt-5.4', 'gpt-5.6'])(
    'is never above what the provider bills, however the caller marks: %s',
    (model) => {
      fc.assert(
        fc.property(fc.array(turn, { minLength: 1, maxLength: 12 }), (turns) => {
          const brain = new BillingBrain({ tokenizer, rulesOf: prefixRules });
          const sofar = new Map<number, object[]>();
          let at = 0;
          const arrivals = turns.map(({ conversation, words, gapMs, mark }, index) => {
            at += gapMs;
            const text = Array.from({ length: words }, (_, n) =>
              passage(`${conversation}.${index}.${n}`),
            );
            const marked =
              mark === undefined ? {} : { cache_control: { type: 'ephemeral', ttl: mark } };
            const content = [{ type: 'text', text: text.join(' '), ...marked }];
            const role = index % 2 === 0 ? 'user' : 'assistant';
            const earlier = sofar.get(conversation) ?? [{ role: 'user', content: long }];
            // Only the newest message is marked, as callers do: a request may have four marks at most.
            const plain = [...earlier, { role, content: [{ type: 'text', text: text.join(' ') }] }];
            sofar.set(conversation, plain);
            const body = { model, messages: [...earlier, { role, content }] };
            return arrivalOf(model, body as unknown as Arrival['body'], at);
          });
          const charged = model !== 'gpt-5.4';
          const billed = arrivals.map((arrival) => cost(brain.bill(arrival).usage, charged));
          const ideal = idealOf(arrivals).map((usage) => cost(usage, charged));
          const sum = (costs: readonly number[]): number => costs.reduce((a, b) => a + b, 0);
          expect(sum(ideal)).toBeLessThanOrEqual(sum(billed) + 1e-6);
        }),
        { numRuns: 25 },
      );
    },
  );
});
