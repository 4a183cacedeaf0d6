import { beforeAll, describe, expect, it } from 'vitest';
import type { Call } from '../exchange/call.ts';
import { isWhole, type Reply } from '../exchange/reply.ts';
import { noUsage } from '../exchange/usage.ts';
import { dialects } from '../exchange/wire/index.ts';
import type { JsonObject } from '../kernel/json.ts';
import { costOf } from '../ledger/cost.ts';
import { prefixRules } from '../ledger/prefix-rules.ts';
import { createPriceBook } from '../ledger/price-book.ts';
import type { PriceUsage } from '../pipeline/accountant.ts';
import type { OpenPipeline } from './open-replay.ts';
import { loadTokenizer, type Tokenizer } from './provider/tokenizer.ts';
import { replay, type ReplayResult } from './replay.ts';
import { reportOf } from './report.ts';
import { readSession } from './read-session.ts';
import { asModel } from './as-model.ts';
import { Timeline } from './traffic.ts';

let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = await loadTokenizer();
});

const book = createPriceBook();
const price: PriceUsage = ({ usage, ...question }) => {
  const found = book.find(question);
  return found === undefined ? undefined : costOf(usage, found);
};

/** A pipeline of the plainest kind, with a cache that never forgets where `caches` is true. `spoil` changes what callers get. */
function plainPipeline({ caches, spoil }: { caches: boolean; spoil?: boolean }): OpenPipeline {
  return async ({ upstream, clock, signals }) => {
    const kept = new Map<string, Reply>();
    return {
      async run(call: Call) {
        const key = `${call.caller.tenant}${Buffer.from(call.body as Uint8Array).toString()}`;
        const stored = caches ? kept.get(key) : undefined;
        const reply = stored ?? (await upstream.send(call));
        const { body } = reply;
        if (!isWhole(body)) throw new Error('not for streams');
        kept.set(key, reply);
        const final = JSON.parse(Buffer.from(body).toString()) as JsonObject;
        const usage = stored === undefined ? call.dialect!.answerFacts(final).usage! : noUsage;
        const model = final['model'] as string;
        const costNanos = price({
          provider: call.provider.priceId,
          model,
          serviceTier: undefined,
          at: call.startedAt,
          usage,
        });
        const savedBy = stored === undefined ? undefined : 'exact-cache';
        signals.emit('call-ended', {
          row: { id: call.id, usage, costNanos, savedBy, totalMs: clock.tick() - call.startedTick },
        });
        if (spoil !== true) return reply;
        return {
          ...reply,
          body: Buffer.from(Buffer.from(body).toString().replace('answer', 'insult')),
        };
      },
      close: () => Promise.resolve(),
    };
  };
}

const policy = 'You help customers of an airline. Be exact and kind. '.repeat(150);

function conversation(question: string, turns: number, extra: object = {}): object {
  const messages: object[] = [{ role: 'system', content: policy }];
  for (let turn = 0; turn < turns; turn++) {
    messages.push({ role: 'user', content: `${question} ${turn}` });
    messages.push({ role: 'assistant', content: `answer to ${question} ${turn}` });
  }
  return { model: 'gpt-4o', messages, ...extra };
}

function run(
  records: readonly object[],
  options: {
    model?: string;
    openPipeline: OpenPipeline;
    onProgress?: (ended: number, calls: number) => void;
  },
): Promise<ReplayResult> {
  const sessions = records.map((record, index) => {
    const session = readSession({ file: 'test', number: index + 1, text: JSON.stringify(record) });
    return { ...session, calls: session.calls.map((call) => asModel(call, options.model)) };
  });
  return replay({
    sessions: new Timeline().place(sessions),
    tokenizer,
    rulesOf: prefixRules,
    price,
    startMs: Date.UTC(2026, 10, 1),
    ...options,
  });
}

describe.each(['gpt-4o', 'claude-sonnet-5', 'gpt-5.6-sol'])('traffic as %s', (model) => {
  it('costs the same through a pipeline that does nothing', async () => {
    const records = [conversation('a', 3), conversation('b', 2)];
    const ended: number[] = [];
    const result = await run(records, {
      model,
      openPipeline: plainPipeline({ caches: false }),
      onProgress: (count) => ended.push(count),
    });
    const report = reportOf(result);
    expect(report).toMatchObject({ calls: 5, answers_changed: 0, saved: { usd: 0, by: {} } });
    expect(report.with).toEqual(report.without);
    expect(report.ideal.usd).toBeLessThanOrEqual(report.without.usd);
    expect(ended).toEqual([1, 2, 3, 4, 5]);
  });
});

it('books what repeated questions save, to the nano-dollar', async () => {
  const records = [conversation('same', 2), conversation('same', 2), conversation('other', 1)];
  const result = await run(records, { openPipeline: plainPipeline({ caches: true }) });
  const report = reportOf(result);
  expect(report.answers_changed).toBe(0);
  expect(result.savedNanos.get('exact-cache')).toBeGreaterThan(0);
  const booked = [...result.savedNanos.values()].reduce((sum, each) => sum + each, 0);
  expect(booked).toBe(result.without.nanos - result.with.nanos);
  expect(report.with.seconds).toBeLessThan(report.without.seconds);
});

it('never shares prefixes across tenants', async () => {
  const records = [conversation('a', 1, { tenant: 'x' }), conversation('b', 1, { tenant: 'y' })];
  const { without } = await run(records, { openPipeline: plainPipeline({ caches: false }) });
  expect(without.tokens.cache_read).toBe(0);
});

it('lets calls of one moment overlap, so that the second cannot read what the first has not yet written', async () => {
  const call = (at: number, question: string): object => ({
    at_ms: at,
    request: {
      model: 'gpt-4o',
      messages: [
        { role: 'system', content: policy },
        { role: 'user', content: question },
      ],
    },
    response: { role: 'assistant', content: 'answer' },
  });
  const openPipeline = plainPipeline({ caches: false });
  const together = await run([call(0, 'a'), call(10, 'b')], { openPipeline });
  expect(together.without.tokens.cache_read).toBe(0);
  const apart = await run([call(0, 'a'), call(60_000, 'b')], { openPipeline });
  expect(apart.without.tokens.cache_read).toBeGreaterThan(1_024);
  expect(reportOf(apart).with).toEqual(reportOf(apart).without);
});

it('streams where the recorded call did', async () => {
  const record = {
    at_ms: 0,
    request: { model: 'gpt-4o', stream: true, messages: [{ role: 'user', content: 'hi' }] },
    response: { role: 'assistant', content: 'answer in pieces' },
  };
  const openPipeline: OpenPipeline = async ({ upstream, signals }) => ({
    async run(call) {
      const reply = await upstream.send(call);
      expect(isWhole(reply.body)).toBe(false);
      signals.emit('call-ended', {
        row: { id: call.id, usage: noUsage, costNanos: 0, totalMs: 0 },
      });
      return reply;
    },
    close: () => Promise.resolve(),
  });
  expect((await run([record], { openPipeline })).answersChanged).toBe(0);
});

it('sees an answer that was changed', async () => {
  const openPipeline = plainPipeline({ caches: false, spoil: true });
  expect((await run([conversation('a', 2)], { openPipeline })).answersChanged).toBe(2);
});

it('takes the recorded length of an answer where there is one', async () => {
  const response = {
    choices: [
      { index: 0, message: { role: 'assistant', content: 'answer' }, finish_reason: 'stop' },
    ],
    usage: {
      prompt_tokens: 1,
      completion_tokens: 777,
      completion_tokens_details: { reasoning_tokens: 700 },
    },
  };
  const record = {
    request: { model: 'gpt-4o', messages: [{ role: 'user', content: 'hi' }] },
    response,
  };
  const { without } = await run([record], { openPipeline: plainPipeline({ caches: false }) });
  expect(without.tokens.output).toBe(777);
  expect(dialects['openai-chat'].answerFacts(response).usage?.reasoning).toBe(700);
});

it('refuses a model without a price, and says what to do', async () => {
  const openPipeline = plainPipeline({ caches: false });
  const failing = run([conversation('a', 1)], { model: 'nobody-knows-1', openPipeline });
  await expect(failing).rejects.toThrow(
    /price of the model "nobody-knows-1" is not known. Give --model/,
  );
});

it('tells a call that never ends', async () => {
  const openPipeline: OpenPipeline = async () => ({
    run: () => new Promise<Reply>(() => {}),
    close: () => Promise.resolve(),
  });
  await expect(run([conversation('a', 1)], { openPipeline })).rejects.toThrow('A call never ends');
});
