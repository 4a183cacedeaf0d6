import { describe, expect, it } from 'vitest';
import type { BudgetDefinition } from '../budget/budget.ts';
import { Ceilings } from '../budget/ceilings.ts';
import type { Bounds, CostBound } from '../budget/cost-bound.ts';
import type { BudgetStore } from '../budget/store.ts';
import { createMemoryBudgetStore } from '../budget/stores/memory.ts';
import { Walls } from '../budget/walls.ts';
import { newCall, type Call } from '../exchange/call.ts';
import type { Reply } from '../exchange/reply.ts';
import { EconomizerError } from '../kernel/errors.ts';
import { Signals } from '../kernel/signals.ts';
import { SimulatedClock } from '../kernel/simulated-clock.ts';
import type { OutputMode } from '../budget/need.ts';
import { createReserve } from './reserve.ts';
import type { Next } from './stage.ts';

const clock = new SimulatedClock();
const bound: CostBound = {
  kind: 'bounded',
  fixed: 100,
  picoPerOutputToken: 1000,
  outputCap: 400,
  capSetBy: 'model',
};

function callOf(id = 'call'): Call {
  return newCall({
    id,
    provider: { name: 'openai', priceId: 'openai', asksStreamUsage: true },
    dialect: undefined,
    method: 'POST',
    path: '/chat/completions',
    headers: [],
    body: Buffer.from('{}'),
    startedAt: clock.now(),
    startedTick: clock.tick(),
    caller: { tenant: 't', agent: undefined, session: undefined, tags: [] },
  });
}

interface Given {
  readonly limit?: number;
  readonly hard?: boolean;
  readonly output?: OutputMode;
  readonly bound?: CostBound;
  readonly hold?: BudgetStore['hold'];
}

/** The stage over one budget, with a provider that takes caps as text. */
function stageOf({ limit = 1000, hard = true, output = 'model-maximum', ...given }: Given = {}) {
  const budget: BudgetDefinition = {
    id: 'b',
    scope: {},
    period: 'total',
    timeZone: 'UTC',
    limit,
    hard,
  };
  const memory = createMemoryBudgetStore({ clock, owner: 'me' });
  const asked: string[] = [];
  const hold: BudgetStore['hold'] = (request) => {
    asked.push(`${request.id}:${request.amount}`);
    return given.hold === undefined ? memory.hold(request) : given.hold(request);
  };
  const store = { ...bindAll(memory), hold };
  const walls = new Walls({
    budgets: [budget],
    store,
    past: undefined,
    clock,
    signals: new Signals(),
  });
  const bounds: Bounds = {
    boundOf: () => given.bound ?? bound,
    capped: (call, tokens) => ({ ...call, body: Buffer.from(`cap ${tokens}`) }),
  };
  const rules = { output, leastTokens: 50, waitMs: 0, broken: 'at-most' } as const;
  const stage = createReserve({ walls, bounds, ceilings: new Ceilings([]), rules, clock });
  const balance = async () => {
    const [standing] = await walls.standings();
    return [standing!.spent, standing!.held];
  };
  return { stage, walls, asked, balance };
}

function bindAll(store: BudgetStore): BudgetStore {
  const names = [
    'settle',
    'read',
    'restore',
    'heartbeat',
    'openHolds',
    'claim',
    'setFlag',
    'flags',
    'close',
  ] as const;
  const bound = names.map((name) => [name, (store[name] as () => unknown).bind(store)] as const);
  return {
    name: store.name,
    hold: store.hold.bind(store),
    ...Object.fromEntries(bound),
  } as BudgetStore;
}

/** A provider that answers with these statuses, one after another, each answer at `cost`. */
function provider(statuses: readonly number[], cost = 30): { next: Next; bodies: string[] } {
  const bodies: string[] = [];
  return {
    bodies,
    async next(call): Promise<Reply> {
      const status = statuses[bodies.length]!;
      bodies.push(Buffer.from(call.body as Uint8Array).toString());
      Object.assign(call.account, {
        sentTick: 1,
        status,
        costNanos: status < 400 ? cost : 0,
        usageSource: 'provider',
      });
      return { status, headers: [], body: Buffer.from('{}') };
    },
  };
}

describe('reserve', () => {
  it('sends the cap that is held for, and gives the request back as it came', async () => {
    const { stage, asked, balance } = stageOf();
    const { next, bodies } = provider([200]);
    const call = callOf();
    const came = call.body;
    await stage(call, next);
    expect([asked, bodies]).toEqual([['call.0:500'], ['cap 400']]);
    expect(call.body).toBe(came);
    expect(await balance()).toEqual([30, 0]);
    expect(call.account.chargedNanos).toBeUndefined();
  });

  it('holds for each attempt, and charges their sum', async () => {
    const { stage, asked, balance } = stageOf();
    const { next } = provider([400, 200]);
    const call = callOf();
    await stage(call, next);
    await stage(call, next);
    expect(asked).toEqual(['call.0:500', 'call.1:500']);
    expect(await balance()).toEqual([30, 0]);
    expect(call.account.chargedNanos).toBeUndefined();
  });

  it('charges what may have been billed, and not what never left', async () => {
    const { stage, balance } = stageOf({ limit: 2000 });
    const reset = new EconomizerError('ECO_UPSTREAM_RESET', 'It broke.');
    const call = callOf();
    await expect(stage(call, () => Promise.reject(reset))).rejects.toBe(reset);
    expect(await balance()).toEqual([0, 0]); // no byte had left
    const sent = callOf('sent');
    const failing: Next = ({ account }) => {
      account.sentTick = 1;
      return Promise.reject(reset);
    };
    await expect(stage(sent, failing)).rejects.toBe(reset);
    expect(await balance()).toEqual([500, 0]);
    expect(sent.account.chargedNanos).toBe(500);
    const left = callOf('left');
    left.cancellation.cancel(new EconomizerError('ECO_CANCELLED', 'It left.'));
    await expect(stage(left, failing)).rejects.toMatchObject({ code: 'ECO_CANCELLED' });
    expect(await balance()).toEqual([500, 0]);
  });

  it('clamps to what is left, and refuses below the least', async () => {
    const { stage, balance } = stageOf({ limit: 280, output: 'clamp' });
    const { next, bodies } = provider([200, 200], 140);
    const call = callOf();
    await stage(call, next);
    expect([bodies, call.account.budget?.outputCap]).toEqual([['cap 180'], 180]);
    await expect(stage(callOf('late'), next)).rejects.toMatchObject({ code: 'ECO_BUDGET' });
    expect(await balance()).toEqual([140, 0]);
  });

  it('changes nothing for a soft budget, even where its store is away', async () => {
    const down = (): never => {
      throw new EconomizerError('ECO_BUDGET_STORE', 'It is down.');
    };
    for (const hold of [undefined, down]) {
      const { stage } = stageOf({ hard: false, output: 'clamp', ...(hold && { hold }) });
      const { next, bodies } = provider([200]);
      const call = callOf();
      await stage(call, next);
      expect([bodies, call.account.budget?.outputCap]).toEqual([['{}'], undefined]);
    }
    const { stage } = stageOf({ hold: down });
    await expect(stage(callOf(), provider([200]).next)).rejects.toMatchObject({
      code: 'ECO_BUDGET_STORE',
    });
  });

  it('asks nobody for what is free', async () => {
    const { stage, asked } = stageOf({ bound: { kind: 'free' } });
    await stage(callOf(), provider([200]).next);
    expect(asked).toEqual([]);
  });
});
