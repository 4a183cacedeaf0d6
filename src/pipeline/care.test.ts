import { describe, expect, it } from 'vitest';
import { ContextCare } from '../context/context-care.ts';
import { claudeBody, claudeTerms } from '../context/sample-requests.ts';
import { newCall, type Call } from '../exchange/call.ts';
import type { Reply } from '../exchange/reply.ts';
import { noUsage, type Usage } from '../exchange/usage.ts';
import { dialects } from '../exchange/wire/index.ts';
import { Signals } from '../kernel/signals.ts';
import { SimulatedClock } from '../kernel/simulated-clock.ts';
import { Accountant } from './accountant.ts';
import { createCare } from './care.ts';

const dialect = dialects['anthropic-messages'];
const switches = { breakpoints: true, order: true, repair: false, affinity: true };
const clock = new SimulatedClock();
const accountant = new Accountant({
  price: ({ usage }) => usage.fresh * 10 + usage.cacheRead,
  tokens: { estimate: () => Promise.resolve(0), learn() {} },
});

function stageWith(care: ContextCare, signals = new Signals()) {
  return createCare({ care, fanOut: undefined, keepWarm: undefined, accountant, clock, signals });
}

const newCare = (): ContextCare => new ContextCare({ terms: () => claudeTerms, switches });

function callOf(body: object): Call {
  return newCall({
    id: 'c',
    provider: { name: 'anthropic', priceId: 'anthropic', asksStreamUsage: false },
    dialect,
    method: 'POST',
    path: '/v1/messages',
    headers: [],
    body: Buffer.from(JSON.stringify(body)),
    startedAt: clock.now(),
    startedTick: clock.tick(),
    caller: { tenant: 't', agent: 'a', session: 's', tags: [] },
    facts: dialect.requestFacts(body as never),
  });
}

const answer = (status: number): Reply => ({ status, headers: [], body: Buffer.from('{}') });

/** What comes after care: takes the call if `accepts` it, and books what the provider counted. */
function provider(usage: Partial<Usage>, accepts: (body: string) => boolean = () => true) {
  const seen: string[] = [];
  const next = async (call: Call): Promise<Reply> => {
    const body = Buffer.from(call.body as Uint8Array).toString();
    seen.push(body);
    const isOk = accepts(body);
    Object.assign(call.account, {
      usage: { ...noUsage, ...usage },
      usageSource: 'provider',
      costNanos: 0,
      outcome: isOk ? 'ok' : 'provider-error',
    });
    return answer(isOk ? 200 : 400);
  };
  return { seen, next };
}

describe('the care stage', () => {
  it('sends what care made of a request, and books what it would have used as it came', async () => {
    const { seen, next } = provider({ cacheRead: 4000, cacheWrite5m: 1000 });
    const call = callOf(claudeBody(1));
    await stageWith(newCare())(call, next);
    expect(seen[0]).toContain('cache_control');
    expect(call.trail).toMatchObject([{ stage: 'care', verdict: 'marked-short' }]);
    expect(call.account).toMatchObject({
      savedBy: 'breakpoints',
      without: { usage: { fresh: 5000, cacheRead: 0 }, costNanos: 50_000, basis: 'estimated' },
    });
  });

  it('sends the request as it came where the provider refuses the edit, and leaves its like alone', async () => {
    const care = newCare();
    const stage = stageWith(care);
    const { seen, next } = provider({ fresh: 10 }, (body) => !body.includes('cache_control'));
    const call = callOf(claudeBody(1));
    const came = Buffer.from(call.body as Uint8Array).toString();
    expect((await stage(call, next)).status).toBe(200);
    expect(seen).toEqual([expect.stringContaining('cache_control'), came]);
    expect(call.account.savedBy).toBeUndefined();
    const again = callOf(claudeBody(2));
    await stage(again, next);
    expect(seen.length).toBe(3);
  });

  it('passes the provider’s own refusal on', async () => {
    const { seen, next } = provider({}, () => false);
    expect((await stageWith(newCare())(callOf(claudeBody(1)), next)).status).toBe(400);
    expect(seen.length).toBe(2);
  });

  it('never fails a call by a fault of its own', async () => {
    const failures: unknown[] = [];
    const signals = new Signals();
    signals.on('part-failed', ({ part }) => failures.push(part));
    const care = newCare();
    care.prepare = () => {
      throw new Error('torn');
    };
    const call = callOf(claudeBody(1));
    const came = Buffer.from(call.body as Uint8Array).toString();
    const { seen, next } = provider({});
    expect((await stageWith(care, signals)(call, next)).status).toBe(200);
    expect(seen).toEqual([came]);
    expect(failures).toEqual(['care']);
  });
});
