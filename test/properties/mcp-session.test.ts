import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toolHouse } from '../../src/cache/tools/fixture.ts';
import type { Channel } from '../../src/mcp/channel.ts';
import type { RpcId, RpcMessage, RpcRequest } from '../../src/mcp/messages.ts';
import { ProxySession } from '../../src/mcp/proxy-session.ts';
import { ServerCache } from '../../src/mcp/server-cache.ts';
import type { McpServerPolicy, McpToolPolicy } from '../../src/mcp/server-policy.ts';

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
};

/** A channel to somebody who is played by the test. */
function channel(onSend: (message: RpcMessage) => void): Channel {
  return {
    start: () => Promise.resolve(),
    send: (message) => Promise.resolve(onSend(message)),
    close: () => Promise.resolve(),
  };
}

interface World {
  value: number;
}

/** A server that works on all that it gets at the same time, for as long as each request says, and dies when it is told to. */
function server(world: World): Channel {
  const self: Channel = channel((message) => {
    if (!('method' in message) || !('id' in message)) return;
    void serve(message);
  });
  const serve = async ({ id, params = {} }: RpcRequest): Promise<void> => {
    const { before = 0, after = 0 } = (params['arguments'] ?? {}) as Record<string, number>;
    await turns(before);
    if (params['name'] === 'die') return self.onclose?.();
    if (params['name'] === 'write') world.value++;
    const { value } = world;
    await turns(after);
    self.onmessage?.({ jsonrpc: '2.0', id, result: { value } });
  };
  return self;
}

const cached: McpToolPolicy = {
  mode: 'cache',
  ttlMs: 60_000,
  scope: { kind: 'tenant' },
  volatile: ['before', 'after'],
  sets: [],
  nfc: false,
  maxBytes: 1000,
  priceNanos: 0,
  invalidates: 'all',
};

const policy: McpServerPolicy = {
  name: 's',
  identity: 'i',
  listsMs: 0,
  readsMs: 0,
  tools: new Map([['read', cached]]),
};

interface Step {
  readonly session: 0 | 1;
  readonly what: 'read' | 'write' | 'die';
  readonly before: number;
  readonly after: number;
  /** Turns until the next step. */
  readonly pause: number;
  /** The client leaves the request after so many turns. */
  readonly cancelAfter: number | undefined;
}

const step: fc.Arbitrary<Step> = fc.record({
  session: fc.constantFrom(0, 1),
  what: fc.oneof(
    { weight: 6, arbitrary: fc.constant('read' as const) },
    { weight: 3, arbitrary: fc.constant('write' as const) },
    { weight: 1, arbitrary: fc.constant('die' as const) },
  ),
  before: fc.nat(4),
  after: fc.nat(12),
  pause: fc.nat(6),
  cancelAfter: fc.option(fc.nat(5), { nil: undefined, freq: 8 }),
});

/** Plays the steps; gives what went wrong, and how many reads the server was spared. */
async function play(steps: readonly Step[]): Promise<{ faults: string[]; spared: number }> {
  const house = toolHouse();
  const { clock, signals, cache, writes } = house;
  const world = { value: 0 };
  const faults: string[] = [];
  const asked = new Map<RpcId, { step: Step; knew: number; answers: number; left: boolean }>();
  let acknowledged = 0;
  const shared = new ServerCache({ policy, cache, writes });
  const answered = (message: RpcMessage): void => {
    if ('method' in message) return;
    const request = asked.get(message.id)!;
    request.answers++;
    if (!('result' in message)) return;
    const value = Number(message.result['value']);
    if (request.step.what === 'write') acknowledged = Math.max(acknowledged, value);
    else if (value < request.knew) faults.push(`read ${value} after ${request.knew} was told`);
  };
  const clients = [0, 1].map(() => channel(answered));
  const sessions = clients.map(
    (client) =>
      new ProxySession({
        name: 's',
        client,
        open: () => server(world),
        cache: shared,
        clock,
        signals,
        userOf: () => 'u',
        tenant: 't',
      }),
  );
  for (const session of sessions) await session.start();
  for (const [id, each] of steps.entries()) {
    const client = clients[each.session]!;
    const request = { step: each, knew: acknowledged, answers: 0, left: false };
    asked.set(id, request);
    const { what: name, before, after } = each;
    const params = { name, arguments: { before, after } };
    client.onmessage?.({ jsonrpc: '2.0', id, method: 'tools/call', params });
    if (each.cancelAfter !== undefined) {
      void turns(each.cancelAfter).then(() => {
        if (request.answers > 0) return;
        request.left = true;
        const gone = { requestId: id };
        client.onmessage?.({ jsonrpc: '2.0', method: 'notifications/cancelled', params: gone });
      });
    }
    await turns(each.pause);
  }
  await turns(80);
  for (const [id, { answers, left }] of asked) {
    if (answers > 1 || (answers === 0 && !left))
      faults.push(`request ${id} got ${answers} answers`);
  }
  for (const session of sessions) await session.close();
  const spared = house.bookings.filter(({ source }) => source !== 'upstream').length;
  return { faults, spared };
}

describe('a proxy between clients and servers', () => {
  it('answers each request once, and never with what a change that was told before has made old', async () => {
    let spared = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
        const played = await play(steps);
        expect(played.faults).toEqual([]);
        spared += played.spared;
      }),
      { numRuns: 500 },
    );
    expect(spared).toBeGreaterThan(100);
  }, 60_000);
});
