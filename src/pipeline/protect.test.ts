import { describe, expect, it } from 'vitest';
import { cheaperOf } from '../budget/ladder/cheaper-models.ts';
import { kinOf } from '../budget/ladder/kinship.ts';
import { Protection } from '../budget/ladder/protection.ts';
import { Recogniser } from '../cache/recognise.ts';
import { newCall, type Call, type Pressure, type PressureAction } from '../exchange/call.ts';
import { isWhole, type Reply } from '../exchange/reply.ts';
import type { ByteSink } from '../exchange/stream.ts';
import { noUsage } from '../exchange/usage.ts';
import { dialects } from '../exchange/wire/index.ts';
import { EconomizerError } from '../kernel/errors.ts';
import { SimulatedClock } from '../kernel/simulated-clock.ts';
import { Accountant } from './accountant.ts';
import { identifier } from './identify.ts';
import { createProtect } from './protect.ts';

const clock = new SimulatedClock();
const nobody = { teams: [], keys: [], agents: [], tags: [] };
const prices: Readonly<Record<string, number>> = { dear: 10, cheap: 1 };
const accountant = new Accountant({
  price: ({ model, usage }) => (prices[model] ?? 0) * usage.fresh,
  tokens: { estimate: () => Promise.resolve(0), learn() {} },
});
const identify = identifier({
  recogniser: new Recogniser({ depth: 64 }),
  secret: { current: 's' },
});

function stage(actions: readonly PressureAction[] | undefined) {
  const pressure: Pressure | undefined =
    actions === undefined ? undefined : { level: 1, actions: new Set(actions), budget: 'daily' };
  const protection = new Protection({
    pressers: [{ pressureOn: () => pressure }],
    essential: kinOf({ ...nobody, agents: ['support'] }),
    deferrable: kinOf(nobody),
    cheaperForEssential: false,
    concurrentCalls: 1,
    clock,
  });
  const cheaper = cheaperOf([{ from: 'dear', to: 'cheap', provider: undefined }]);
  return createProtect({ protection, cheaper, identify, accountant, clock });
}

function callOf(body: object, agent = 'crawler', dialect = dialects['openai-chat']): Call {
  const call = newCall({
    id: 'c',
    provider: { name: 'openai', priceId: 'openai', asksStreamUsage: false },
    dialect,
    method: 'POST',
    path: '/chat/completions',
    headers: [],
    body: Buffer.from(JSON.stringify(body)),
    startedAt: clock.now(),
    startedTick: clock.tick(),
    caller: { tenant: 't', agent, session: undefined, tags: [] },
  });
  identify(call);
  return call;
}

const body = { model: 'dear', messages: [{ role: 'user', content: 'hi' }], temperature: 0 };

/** A provider that bills a hundred tokens, and refuses what `refuses` says. */
function provider(refuses: (model: string) => boolean = () => false, streams = false) {
  const asked: string[] = [];
  const next = async (call: Call): Promise<Reply> => {
    const sent = JSON.parse(Buffer.from(call.body as Uint8Array).toString()) as { model: string };
    asked.push(sent.model);
    const isOk = !refuses(sent.model);
    const usage = { ...noUsage, fresh: 100 };
    Object.assign(call.account, {
      source: 'upstream',
      outcome: isOk ? 'ok' : 'provider-error',
      usage,
      costNanos: (prices[sent.model] ?? 0) * 100,
      modelServed: sent.model,
    });
    return { status: isOk ? 200 : 400, headers: [], body: streams ? stream() : Buffer.from('{}') };
  };
  return { asked, next };
}

function stream() {
  let sink: ByteSink | undefined;
  return {
    open(given: ByteSink) {
      sink = given;
      sink.write(Buffer.from('x'));
      sink.end();
    },
    resume() {},
    cancel() {},
  };
}

describe('protection on the way of a call', () => {
  it('leaves a call alone that nothing presses', async () => {
    const { asked, next } = provider();
    const call = callOf(body);
    await stage(undefined)(call, next);
    expect([asked, call.pressure, call.trail]).toEqual([['dear'], undefined, []]);
  });

  it('asks the cheaper model, under a key of its own, and books the saving as an estimate', async () => {
    const { asked, next } = provider();
    const call = callOf(body);
    const dearKey = call.key;
    await stage(['cheaper-models'])(call, next);
    expect(asked).toEqual(['cheap']);
    expect(call.key).toBe(callOf({ ...body, model: 'cheap' }).key);
    expect(call.key).not.toBe(dearKey);
    expect([call.askedModel, call.facts!.model]).toEqual(['dear', 'cheap']);
    expect(call.account).toMatchObject({
      savedBy: 'protection',
      costNanos: 100,
      without: { costNanos: 1000, basis: 'estimated' },
    });
    expect(call.trail.map(({ verdict }) => verdict)).toEqual([
      'level-1:cheaper-models',
      'model:cheap',
    ]);
  });

  it('books a stream when it is through', async () => {
    const { next } = provider(() => false, true);
    const call = callOf({ ...body, stream: true });
    const reply = await stage(['cheaper-models'])(call, next);
    expect(call.account.savedBy).toBeUndefined();
    if (!isWhole(reply.body)) {
      reply.body.open({ write: () => true, end() {}, fail() {} });
    }
    expect(call.account.savedBy).toBe('protection');
  });

  it('asks the model that was asked where the provider refuses the cheaper one', async () => {
    const { asked, next } = provider((model) => model === 'cheap');
    const call = callOf(body);
    const { key } = call;
    const reply = await stage(['cheaper-models'])(call, next);
    expect(asked).toEqual(['cheap', 'dear']);
    expect(reply.status).toBe(200);
    expect([call.key, call.askedModel, call.account.savedBy]).toEqual([key, undefined, undefined]);
  });

  it.each(['openai-embeddings', 'anthropic-count-tokens'] as const)(
    'leaves the model of %s alone',
    async (name) => {
      const { asked, next } = provider();
      const call = callOf({ ...body, input: 'x' }, 'crawler', dialects[name]);
      await stage(['cheaper-models'])(call, next);
      expect(asked).toEqual(['dear']);
    },
  );

  it('leaves the model of an essential call alone', async () => {
    const { asked, next } = provider();
    await stage(['cheaper-models'])(callOf(body, 'support'), next);
    expect(asked).toEqual(['dear']);
  });

  it('lets a scaled-down agent in again when its stream is through, or its call has failed', async () => {
    const scale = stage(['scale-down']);
    const { next } = provider(() => false, true);
    const first = await scale(callOf(body), next);
    await expect(scale(callOf(body), onlyStored)).rejects.toThrow('scaled down to 1');
    if (!isWhole(first.body)) first.body.open({ write: () => true, end() {}, fail() {} });
    await expect(scale(callOf(body), () => Promise.reject(new Error('x')))).rejects.toThrow('x');
    expect((await scale(callOf(body), next)).status).toBe(200);
  });

  it('says in the trail that a call was refused, and asks the provider nothing', async () => {
    const call = callOf(body);
    await expect(stage(['shutdown'])(call, onlyStored)).rejects.toThrow('only essential agents');
    expect(call.trail.at(-1)!.verdict).toBe('refused:ECO_SCALED_DOWN');
  });

  it('serves a stored answer all the same: it costs nothing', async () => {
    const stored = { status: 200, headers: [], body: Buffer.from('stored') };
    const reply = await stage(['shutdown'])(callOf(body), (call) => {
      expect(call.directives.onlyIfCached).toBe(true);
      return Promise.resolve(stored);
    });
    expect(reply).toBe(stored);
  });

  it('refuses at once what no cache could know', async () => {
    const call = { ...callOf(body), key: undefined };
    const asked = () => Promise.reject(new Error('asked'));
    await expect(stage(['shutdown'])(call, asked)).rejects.toThrow('only essential agents');
  });

  it.each([
    ['GET', '/models'],
    ['POST', '/files'],
  ])('lets %s %s pass, which nobody bills', async (method, path) => {
    const call = { ...callOf(body), dialect: undefined, facts: undefined, method, path };
    const { next } = provider();
    expect((await stage(['shutdown'])(call, next)).status).toBe(200);
  });
});

/** A path behind protection that has no answer in store. */
function onlyStored(call: Call): Promise<Reply> {
  expect(call.directives.onlyIfCached).toBe(true);
  return Promise.reject(new EconomizerError('ECO_NOT_STORED', 'nothing is stored'));
}
