import { describe, expect, it } from 'vitest';
import type { FitRequest, Fitter } from '../context/fitting/fitter.ts';
import type { Call } from '../exchange/call.ts';
import { newCall } from '../exchange/call.ts';
import type { Reply } from '../exchange/reply.ts';
import { collect, type ByteStream } from '../exchange/stream.ts';
import { noUsage, type Usage } from '../exchange/usage.ts';
import { openAiChat } from '../exchange/wire/openai-chat.ts';
import { Signals } from '../kernel/signals.ts';
import { SimulatedClock } from '../kernel/simulated-clock.ts';
import { Accountant } from './accountant.ts';
import { createFit } from './fit.ts';

const came = Buffer.from('{"model":"m","messages":[]}');
const fitted = Buffer.from('{"model":"m"}');
const clock = new SimulatedClock();

function sampleCall(): Call {
  return newCall({
    id: 'call',
    provider: { name: 'p', priceId: 'openai', asksStreamUsage: false },
    dialect: openAiChat,
    method: 'POST',
    path: '/chat/completions',
    headers: [],
    body: came,
    startedAt: clock.now(),
    startedTick: clock.tick(),
    caller: { tenant: 't', agent: undefined, session: undefined, tags: [] },
    facts: openAiChat.requestFacts(JSON.parse(came.toString())),
  });
}

/** A stand-in that always edits, and notes what it is told. */
function stubFitter(fit: (request: FitRequest) => ReturnType<Fitter['fit']>) {
  const told: string[] = [];
  const without: Usage = { ...noUsage, fresh: 900 };
  const fitter = {
    ready: () => Promise.resolve(),
    fit,
    effects: {
      refused: () => told.push('refused'),
      forget: () => told.push('forgotten'),
      without: () => ({ usage: without, isEdit: true }),
      realise: (_id: string, saved: number) => told.push(`realised ${saved}`),
    },
  } as unknown as Fitter;
  return { fitter, told };
}

const edits = () => ({ body: fitted, verdict: 'batch:1+0', predictedNanos: 5 });
const ok: Reply = { status: 200, headers: [], body: Buffer.from('{}') };

function stage(fitter: Fitter | undefined, signals = new Signals()) {
  const accountant = new Accountant({
    price: ({ usage }) => usage.fresh,
    tokens: { estimate: () => Promise.resolve(0), learn() {} },
  });
  return createFit({ fitter, accountant, clock, signals });
}

describe('the fit stage', () => {
  it('sends what was fitted, and books what that saved', async () => {
    const { fitter, told } = stubFitter(edits);
    const call = sampleCall();
    const sent: unknown[] = [];
    await stage(fitter)(call, async ({ body, account }) => {
      sent.push(body);
      Object.assign(account, { outcome: 'ok', usage: { ...noUsage, fresh: 300 }, costNanos: 300 });
      return ok;
    });
    expect(sent).toEqual([fitted]);
    expect(told).toEqual(['realised 600']);
    expect(call.account).toMatchObject({
      savedBy: 'fitting',
      predictedNanos: 5,
      without: { costNanos: 900, basis: 'estimated' },
    });
    expect(call.trail.map(({ stage, verdict }) => `${stage}=${verdict}`)).toEqual([
      'fit=batch:1+0',
    ]);
  });

  it('books a stream when it has ended', async () => {
    const { fitter, told } = stubFitter(edits);
    const call = sampleCall();
    const reply = await stage(fitter)(call, async ({ account }) => ({
      ...ok,
      body: {
        open(sink) {
          sink.write(Buffer.from('data: x'));
          Object.assign(account, {
            outcome: 'ok',
            usage: { ...noUsage, fresh: 300 },
            costNanos: 300,
          });
          sink.end();
        },
        resume() {},
        cancel() {},
      },
    }));
    expect(told).toEqual([]);
    await collect(reply.body as ByteStream);
    expect(told).toEqual(['realised 600']);
    expect(call.account.savedBy).toBe('fitting');
  });

  it('asks again as it came where the provider refuses the edit', async () => {
    const { fitter, told } = stubFitter(edits);
    const call = sampleCall();
    const sent: unknown[] = [];
    const reply = await stage(fitter)(call, async ({ body }) => {
      sent.push(body);
      return body === fitted ? { ...ok, status: 400 } : ok;
    });
    expect(reply.status).toBe(200);
    expect(sent).toEqual([fitted, came]);
    expect(told[0]).toBe('refused');
    expect(call.account.predictedNanos).toBeUndefined();
    expect(call.trail.at(-1)?.verdict).toBe('edit-refused');
  });

  it('passes a refusal on that has nothing to do with an edit, and asks once', async () => {
    const { fitter } = stubFitter(({ body }) => ({
      body,
      verdict: 'in-budget',
      predictedNanos: undefined,
    }));
    let calls = 0;
    const reply = await stage(fitter)(sampleCall(), async () => {
      calls++;
      return { ...ok, status: 400 };
    });
    expect([reply.status, calls]).toEqual([400, 1]);
  });

  it('never fails a call by a fault of its own', async () => {
    const { fitter } = stubFitter(() => {
      throw new Error('a fault of ours');
    });
    const signals = new Signals();
    const failed: string[] = [];
    signals.on('part-failed', ({ part }) => failed.push(part));
    const call = sampleCall();
    const reply = await stage(fitter, signals)(call, async ({ body }) => {
      expect(body).toEqual(came);
      return ok;
    });
    expect(reply.status).toBe(200);
    expect(failed).toEqual(['fitting']);
  });

  it('forgets a call that fails, and is no stage at all when it is off', async () => {
    const { fitter, told } = stubFitter(edits);
    const broken = new Error('no connection');
    await expect(stage(fitter)(sampleCall(), () => Promise.reject(broken))).rejects.toBe(broken);
    expect(told).toEqual(['forgotten']);
    const call = sampleCall();
    await stage(undefined)(call, async ({ body }) => {
      expect(body).toBe(came);
      return ok;
    });
    expect(call.trail).toEqual([]);
  });
});
