import { describe, expect, it } from 'vitest';
import { Ceilings } from '../budget/ceilings.ts';
import { createMemoryBudgetStore } from '../budget/stores/memory.ts';
import { Walls } from '../budget/walls.ts';
import { Recogniser } from '../cache/recognise.ts';
import { PolicyBook } from '../cache/policies/policy-book.ts';
import { defaultCachePolicy } from '../cache/policy.ts';
import { CacheStack } from '../cache/stack.ts';
import type { ContextCare } from '../context/context-care.ts';
import { newHabits } from '../context/habits.ts';
import { claudeBody, claudeTerms } from '../context/sample-requests.ts';
import { newCall } from '../exchange/call.ts';
import { noUsage } from '../exchange/usage.ts';
import { dialects } from '../exchange/wire/index.ts';
import { Signals } from '../kernel/signals.ts';
import { SimulatedClock } from '../kernel/simulated-clock.ts';
import type { LedgerRow } from '../ledger/row.ts';
import { createPipeline } from './stages.ts';

/** Care that does nothing but find each conversation worth keeping warm. */
function watchful(clock: SimulatedClock): ContextCare {
  const habits = newHabits();
  for (const [index, count] of [50, 5, 0, 5].entries()) habits.gaps[index] = count;
  const thread = { calls: 1, at: clock.now(), held: [{ expiresAt: clock.now() + 300_000 }] };
  const care = {
    prepare: ({ body }: { body: Buffer }) => ({
      body,
      verdict: 'intact',
      thread,
      terms: claudeTerms,
      habits,
      call: 1,
    }),
    settle: () => ({}),
    distrust() {},
  };
  return care as unknown as ContextCare;
}

describe('the list of stages', () => {
  it('has the wall before calls of our own that keep a prefix warm', async () => {
    const clock = new SimulatedClock();
    const signals = new Signals();
    const rows: LedgerRow[] = [];
    signals.on('call-ended', ({ row }) => rows.push(row as LedgerRow));
    const store = createMemoryBudgetStore({ clock, owner: 'me' });
    const budget = {
      id: 'b',
      scope: {},
      period: 'total',
      timeZone: 'UTC',
      limit: 150,
      hard: true,
    } as const;
    const walls = new Walls({ budgets: [budget], store, past: undefined, clock, signals });
    const answer = { type: 'message', usage: { input_tokens: 9, output_tokens: 1 }, content: [] };
    const sent: string[] = [];
    const pipeline = createPipeline({
      upstream: {
        async send(call) {
          sent.push(call.id);
          return {
            status: 200,
            headers: ['content-type', 'application/json'],
            body: Buffer.from(JSON.stringify(answer)),
          };
        },
      },
      recogniser: new Recogniser({ depth: 64 }),
      secret: { current: 's' },
      stack: new CacheStack({ tiers: [], clock, signals }),
      policies: PolicyBook.of({ ...defaultCachePolicy, enabled: false }),
      random: { next: () => 0 },
      protection: undefined,
      books: { book: () => Promise.resolve() },
      price: () => 60,
      tokens: { estimate: () => Promise.resolve(0), learn() {} },
      without: () => ({ usage: noUsage, costNanos: 0, totalMs: 0, basis: 'measured' }),
      care: watchful(clock),
      fitter: undefined,
      gates: [],
      fanOut: undefined,
      keepWarm: { perSession: 6, perDay: 10 },
      budgets: {
        walls,
        bounds: {
          boundOf: () => ({
            kind: 'bounded',
            fixed: 80,
            picoPerOutputToken: 0,
            outputCap: 0,
            capSetBy: 'none',
          }),
          capped: (call) => call,
        },
        ceilings: new Ceilings([]),
        rules: { output: 'model-maximum', leastTokens: 1, waitMs: 0, broken: 'at-most' },
      },
      sharing: undefined,
      clock,
      signals,
    });
    await pipeline.run(
      newCall({
        id: 'first',
        provider: { name: 'anthropic', priceId: 'anthropic', asksStreamUsage: false },
        dialect: dialects['anthropic-messages'],
        method: 'POST',
        path: '/v1/messages',
        headers: [],
        body: Buffer.from(JSON.stringify(claudeBody({ model: 'm' } as never))),
        startedAt: clock.now(),
        startedTick: clock.tick(),
        caller: { tenant: 't', agent: 'a', session: 's', tags: [] },
      }),
    );
    expect((await walls.standings())[0]).toMatchObject({ spent: 60, held: 0 });
    for (let minute = 0; minute < 12; minute++) {
      clock.advance(60_000);
      await new Promise(setImmediate);
    }
    // The first read of the prefix fitted, the second would have passed the limit.
    expect(rows.map(({ outcome, errorCode }) => [outcome, errorCode])).toEqual([
      ['ok', undefined],
      ['ok', undefined],
      ['refused', 'ECO_BUDGET'],
    ]);
    expect(sent).toHaveLength(2);
    expect((await walls.standings())[0]).toMatchObject({ spent: 120, held: 0 });
    await pipeline.idle();
    await walls.close();
  });
});
