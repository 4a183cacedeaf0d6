import { describe, expect, it } from 'vitest';
import { textOf, type JsonObject } from '../../kernel/json.ts';
import { pricedCacheRules } from '../../ledger/cache-terms.ts';
import { costOf } from '../../ledger/cost.ts';
import { prefixRules } from '../../ledger/prefix-rules.ts';
import { createPriceBook } from '../../ledger/price-book.ts';
import { asModel } from '../as-model.ts';
import { loadTokenizer } from '../provider/tokenizer.ts';
import type { RecordedCall } from '../recorded.ts';
import type { Session } from '../traffic.ts';
import { diagnose } from './diagnose.ts';
import { doctorReport } from './report.ts';

const book = createPriceBook();
const tokenizer = await loadTokenizer();
const turnsOfEach = 8;
const conversations = 6;

const words = (count: number, seed: number): string =>
  Array.from({ length: count }, (_, index) => `w${(index * 13 + seed * 7) % 89}`).join(' ');

const tools = ['alpha', 'beta', 'gamma'].map((name) => ({
  type: 'function',
  function: {
    name,
    description: words(200, name.length),
    parameters: { type: 'object', properties: { a: { type: 'string' }, b: { type: 'number' } } },
  },
}));

type Fault = (request: JsonObject, call: number) => JsonObject;

function traffic(model: string, fault: Fault): Session[] {
  let call = 0;
  return Array.from({ length: conversations }, (_, number) => {
    const messages: JsonObject[] = [{ role: 'system', content: `Be good.\n${words(900, 1)}` }];
    const calls = Array.from({ length: turnsOfEach }, (_turn, turn): RecordedCall => {
      messages.push({
        role: 'user',
        content: `question ${number} ${turn} ${words(80, turn + number)}`,
      });
      const request = fault({ model: 'gpt-4o', messages: messages.slice(), tools }, ++call);
      const message = { role: 'assistant', content: words(40, turn) };
      messages.push(message);
      const answer = { choices: [{ index: 0, message, finish_reason: 'stop' }] };
      const recorded = {
        atMs: undefined,
        dialect: 'openai-chat',
        model: 'gpt-4o',
        request,
        answer,
      } as const;
      return asModel(recorded, model);
    });
    const startsMs = calls.map((_each, turn) => (number * turnsOfEach + turn) * 4000);
    return {
      tenant: 'default',
      agent: 'a',
      session: `s${number}`,
      chained: false,
      calls,
      startsMs,
    };
  });
}

/** Sessions with each call changed. */
function withCalls(
  sessions: Session[],
  change: (call: RecordedCall, index: number) => RecordedCall,
): Session[] {
  return sessions.map((session) =>
    Object.assign({}, session, { calls: session.calls.map(change) }),
  );
}

const examine = (sessions: Session[]) =>
  doctorReport(
    diagnose({
      sessions,
      tokenizer,
      rulesOf: prefixRules,
      terms: (question) => pricedCacheRules(book, question),
      price: ({ usage, ...question }) => {
        const price = book.find(question);
        return price && costOf(usage, price);
      },
      startMs: Date.UTC(2026, 10, 25),
      trustsUsage: true,
    }),
  );

const inSystem = (request: JsonObject, text: string): JsonObject => {
  const [first, ...rest] = request['messages'] as JsonObject[];
  return {
    ...request,
    messages: [{ ...first, content: `${text}\n${textOf(first!['content'])}` }, ...rest],
  };
};
const rotated = <Item>(items: readonly Item[], by: number): Item[] => [
  ...items.slice(by % items.length),
  ...items.slice(0, by % items.length),
];
const faults: Record<string, Fault> = {
  'timestamp-in-system': (request, call) =>
    inSystem(request, `Now: ${new Date(Date.UTC(2026, 0, 1) + call * 61_007).toISOString()}`),
  'id-in-system': (request, call) =>
    inSystem(request, `Trace: ${((call * 2654435761) >>> 0).toString(16).padStart(8, '0')}f1`),
  'tools-reordered': (request, call) => ({ ...request, tools: rotated(tools, call) }),
  'tools-reserialised': (request, call) => ({
    ...request,
    tools: tools.map((tool) => ({
      type: tool.type,
      function: Object.fromEntries(rotated(Object.entries(tool.function), call)),
    })),
  }),
};

describe('the doctor of recorded traffic', () => {
  const clean: Fault = (request) => request;

  it.each(
    Object.keys(faults).flatMap((cause) =>
      ['gpt-4o', 'gpt-6.1-sol'].map((model) => [cause, model] as const),
    ),
  )('names %s on %s, and what it costs within two percent', (cause, model) => {
    const healthy = examine(traffic(model, clean));
    const ill = examine(traffic(model, faults[cause]!));
    const truth = ill.paid.usd - healthy.paid.usd;
    expect(ill.culprits[0]?.cause).toBe(cause);
    // The injected line itself costs a little, which is no loss of prefix.
    expect(Math.abs(ill.lost.by[cause]! / truth - 1)).toBeLessThan(0.02);
  });

  it('finds nothing on traffic that reads all it can', () => {
    expect(examine(traffic('gpt-4o', clean)).lost).toEqual({ usd: 0, by: {} });
  });

  it('finds missing breakpoints where the provider caches nothing without', () => {
    const report = examine(traffic('claude-sonnet-5-5', clean));
    expect(Object.keys(report.lost.by)).toEqual(['no-breakpoint']);
  });

  it('finds edited histories and other models', () => {
    const edited = examine(
      traffic('gpt-4o', (request, call) =>
        call % turnsOfEach === 6
          ? { ...request, messages: (request['messages'] as JsonObject[]).toSpliced(2, 1) }
          : request,
      ),
    );
    expect(Object.keys(edited.lost.by)).toEqual(['history-edited']);
    const sessions = withCalls(traffic('gpt-4o', clean), (call, index) =>
      index === 4 ? asModel(call, 'gpt-4.1') : call,
    );
    expect(examine(sessions).culprits.map(({ cause }) => cause)).toContain('model-switched');
  });

  it('holds what the provider says it read against its rules', () => {
    const usage = {
      prompt_tokens: 3000,
      completion_tokens: 10,
      prompt_tokens_details: { cached_tokens: 0 },
    };
    const sessions = withCalls(traffic('gpt-4o', clean), (call) => ({
      ...call,
      answer: { ...call.answer, usage },
    }));
    const { lost } = examine(sessions);
    expect(Object.keys(lost.by)).toEqual(['provider-eviction']);
  });
});
