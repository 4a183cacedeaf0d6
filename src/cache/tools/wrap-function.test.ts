import { describe, expect, it } from 'vitest';
import { toolHouse } from './fixture.ts';
import type { ToolPolicy } from './function-policy.ts';

/** A wrapped function that counts its calls and answers with what it was given. */
function echo(policy: Partial<ToolPolicy> = {}, house = toolHouse()) {
  const calls: unknown[][] = [];
  const original = async (...values: unknown[]): Promise<Record<string, unknown>> => {
    calls.push(values);
    return { values, call: calls.length };
  };
  const tool = house.tools.wrap(original, { name: 'echo', scope: 'tenant', ...policy });
  return { ...house, calls, tool };
}

describe('a function as a tool', () => {
  it.each<[string, Partial<ToolPolicy>, unknown[], unknown[]]>([
    ['order of members', {}, [{ a: 1, b: 2 }], [{ b: 2, a: 1 }]],
    ['members that are undefined', {}, [{ a: 1, b: undefined }], [{ a: 1 }]],
    ['-0 and 0', {}, [{ a: -0 }], [{ a: 0 }]],
    [
      'volatile members',
      { volatile: ['id', 'm.*'] },
      [{ a: 1, id: 1, m: { x: 1 } }],
      [{ a: 1, id: 2, m: { x: 2 } }],
    ],
    ['defaults', { schema: { properties: { n: { default: 5 } } } }, [{ a: 1 }], [{ a: 1, n: 5 }]],
    [
      'no argument and its defaults',
      { schema: { properties: { n: { default: 5 } } } },
      [],
      [{ n: 5 }],
    ],
    ['sets', { sets: ['tags'] }, [{ tags: ['a', 'b'] }], [{ tags: ['b', 'a', 'a'] }]],
    ['Unicode forms, where asked', { nfc: true }, [{ a: 'é' }], [{ a: 'e\u0301' }]],
    ['context', { context: true }, [{ a: 1 }, { id: 1 }], [{ a: 1 }, { id: 2 }]],
  ])('is called once for calls that differ in %s', async (_what, policy, one, other) => {
    const { tool, calls } = echo(policy);
    const first = await tool(...one);
    expect(await tool(...other)).toEqual(JSON.parse(JSON.stringify(first)));
    expect(calls).toEqual([one]);
  });

  it.each<[string, unknown[], unknown[]]>([
    ['values', [{ a: 1 }], [{ a: 2 }]],
    ['types', [{ a: 1 }], [{ a: '1' }]],
    ['null and nothing', [{ a: null }], [{}]],
    ['order of lists', [{ a: [1, 2] }], [{ a: [2, 1] }]],
    ['Unicode forms', [{ a: 'é' }], [{ a: 'e\u0301' }]],
    ['further arguments', [{ a: 1 }, 1], [{ a: 1 }, 2]],
    ['members named __proto__', [JSON.parse('{"__proto__":1}')], [{}]],
    ['lone surrogates', [{ a: '\ud800' }], [{ a: '\ud801' }]],
    ['whole numbers past 2^53', [{ a: 2 ** 53 }], [{ a: 2 ** 53 + 2 }]],
  ])('is called anew for calls that differ in %s', async (_what, one, other) => {
    const { tool, calls } = echo();
    await tool(...one);
    await tool(...other);
    expect(calls).toHaveLength(2);
  });

  it('hands its arguments on as they are', async () => {
    const { tool, calls } = echo({
      volatile: ['id'],
      schema: { properties: { n: { default: 5 } } },
    });
    const given = { id: 7, a: 'e\u0301' };
    await tool(given);
    expect(calls[0]![0]).toBe(given);
  });

  it('gives each caller a copy', async () => {
    const { tool } = echo();
    const first = (await tool({})) as { call: number };
    first.call = 99;
    const second = (await tool({})) as { call: number };
    expect(second.call).toBe(1);
    second.call = 98;
    expect(await tool({})).toMatchObject({ call: 1 });
  });

  it('gives bytes back as bytes, and a copy too', async () => {
    const { tools } = toolHouse();
    const tool = tools.wrap(() => Buffer.from([0, 255, 128]), { name: 'b', scope: 'tenant' });
    (await tool())[0] = 9;
    const again = await tool();
    expect(again).toEqual(Buffer.from([0, 255, 128]));
    again[0] = 9;
    expect(await tool()).toEqual(Buffer.from([0, 255, 128]));
  });

  it('is called again after its time, and not before', async () => {
    const { tool, calls, clock } = echo({ ttl: '1m' });
    await tool({});
    clock.advance(59_999);
    await tool({});
    expect(calls).toHaveLength(1);
    clock.advance(1);
    await tool({});
    expect(calls).toHaveLength(2);
  });

  it('is kept for ten minutes where nothing is said', async () => {
    const { tool, calls, clock } = echo();
    await tool({});
    clock.advance(599_999);
    await tool({});
    expect(calls).toHaveLength(1);
    clock.advance(1);
    await tool({});
    expect(calls).toHaveLength(2);
  });

  it('is called once for identical calls under way, whose callers get copies', async () => {
    const { tools } = toolHouse();
    let calls = 0;
    const { promise, resolve } = Promise.withResolvers<{ n: number }>();
    const tool = tools.wrap(() => (calls++, promise), { name: 'slow', scope: 'tenant' });
    const all = Promise.all(Array.from({ length: 50 }, () => tool()));
    await new Promise(setImmediate);
    resolve({ n: 1 });
    const results = await all;
    expect(calls).toBe(1);
    expect(new Set(results).size).toBe(50);
    expect(results.every(({ n }) => n === 1)).toBe(true);
  });

  it('never keeps an error; those under way share it', async () => {
    const { tools, bookings } = toolHouse();
    let calls = 0;
    const fail = async (): Promise<never> => {
      calls++;
      throw new Error('no');
    };
    const tool = tools.wrap(fail, { name: 'bad', scope: 'tenant' });
    const both = await Promise.allSettled([tool(), tool()]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(calls).toBe(1);
    await expect(tool()).rejects.toThrow('no');
    expect(calls).toBe(2);
    expect(bookings.map(({ outcome }) => outcome)).toEqual(['failed', 'failed', 'failed']);
  });

  it('calls again for the others when the call went with the caller who made it', async () => {
    const { tools } = toolHouse();
    let calls = 0;
    const original = async (
      _args: object,
      { signal }: { signal: AbortSignal },
    ): Promise<number> => {
      calls++;
      await new Promise(setImmediate);
      signal.throwIfAborted();
      return 1;
    };
    const tool = tools.wrap(original, { name: 'net', scope: 'tenant', context: true });
    const leaver = new AbortController();
    const first = tool({}, { signal: leaver.signal });
    const second = tool({}, { signal: new AbortController().signal });
    leaver.abort();
    await expect(first).rejects.toThrow('abort');
    expect(await second).toBe(1);
    expect(calls).toBe(2);
  });

  it.each<[string, unknown]>([
    ['a Date', { at: new Date(0) }],
    ['a Map', new Map([[1, 2]])],
    ['undefined', undefined],
    ['a hole', [1, , 2]], // eslint-disable-line no-sparse-arrays
    ['a bigint', { n: 1n }],
    ['a function', { f: () => 1 }],
    ['NaN', Number.NaN],
    ['a class instance', new URL('http://a.example')],
  ])('hands %s through, is called each time, and tells once', async (_what, result) => {
    const { tools, notices } = toolHouse();
    let calls = 0;
    const tool = tools.wrap(() => (calls++, result), { name: 'odd', scope: 'tenant' });
    expect(await tool()).toBe(result);
    const [one, other] = await Promise.all([tool(), tool()]);
    expect([one, other]).toEqual([result, result]);
    expect(calls).toBe(3);
    expect(notices).toHaveLength(1);
    expect(notices[0]).toContain('its result holds');
  });

  it('survives results and arguments in circles', async () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    const { tool, calls } = echo();
    await tool(circle);
    await tool(circle);
    expect(calls).toHaveLength(2);
    const { tools } = toolHouse();
    expect(await tools.wrap(() => circle, { name: 'c', scope: 'tenant' })()).toBe(circle);
  });

  it('does not keep what is larger than it may be', async () => {
    const { tool, calls } = echo({ maxBytes: 100 });
    await tool('x'.repeat(200));
    await tool('x'.repeat(200));
    expect(calls).toHaveLength(2);
  });

  it('keeps its `this`', async () => {
    const { tools } = toolHouse();
    const owner = {
      n: 4,
      read: tools.wrap(
        function read(this: { n: number }) {
          return this.n;
        },
        { name: 't', scope: 'tenant' },
      ),
    };
    expect(await owner.read()).toBe(4);
  });

  it.each<[string, object]>([
    ['name', { name: '' }],
    ['ttl', { name: 'x', ttl: 'soon' }],
    ['ttl', { name: 'x', ttl: '0s' }],
    ['scope', { name: 'x', scope: 'everybody' }],
    ['volatile', { name: 'x', volatile: ['a..b'] }],
    ['maxBytes', { name: 'x', maxBytes: 0 }],
    ['price', { name: 'x', price: '-1' }],
    ['invalidates', { name: 'x', invalidates: 'some' }],
    ['schema', { name: 'x', schema: [] }],
  ])('refuses a %s that cannot be', (option, policy) => {
    const { tools } = toolHouse();
    expect(() => tools.wrap(() => 1, policy as ToolPolicy)).toThrow(option);
  });

  it('refuses a second function of the same name', () => {
    const { tools } = toolHouse();
    tools.wrap(() => 1, { name: 'x' });
    expect(() => tools.wrap(() => 2, { name: 'x' })).toThrow('name of its own');
  });
});

describe('whose results they are', () => {
  it('parts users unless the policy shares', async () => {
    const { tool, calls, tools } = echo({ scope: 'user' });
    await tools.runAs({ user: 'ann' }, () => tool({}));
    await tools.runAs({ user: 'ann' }, () => tool({}));
    expect(calls).toHaveLength(1);
    await tools.runAs({ user: 'bob' }, () => tool({}));
    await tools.runAs({ user: 'ann', tenant: 'other' }, () => tool({}));
    expect(calls).toHaveLength(3);
  });

  it('keeps nothing of nobody, and says how to name a user', async () => {
    const { tool, calls, notices } = echo({ scope: 'user' });
    await tool({});
    await tool({});
    expect(calls).toHaveLength(2);
    expect(notices).toEqual([expect.stringContaining('runAs')]);
  });

  it('shares within the tenant only, or with all who name it so', async () => {
    const { tool, calls, tools } = echo({ scope: 'tenant' });
    await tools.runAs({ tenant: 'a', user: '1' }, () => tool({}));
    await tools.runAs({ tenant: 'a', user: '2' }, () => tool({}));
    expect(calls).toHaveLength(1);
    await tools.runAs({ tenant: 'b' }, () => tool({}));
    expect(calls).toHaveLength(2);
    const shared = echo({ scope: 'shared:world' });
    await shared.tools.runAs({ tenant: 'a' }, () => shared.tool({}));
    await shared.tools.runAs({ tenant: 'b' }, () => shared.tool({}));
    expect(shared.calls).toHaveLength(1);
  });

  it('knows the user through timers and promises', async () => {
    const { tool, calls, tools } = echo({ scope: 'user' });
    await tools.runAs({ user: 'ann' }, async () => {
      await new Promise(setImmediate);
      return Promise.all([tool({}), tool({})]);
    });
    expect(calls).toHaveLength(1);
  });
});

describe('what changes things', () => {
  it('is always called, and takes all results of functions with it', async () => {
    const { tool, calls, tools } = echo();
    let writes = 0;
    const write = tools.wrap(() => ++writes, { name: 'write', readOnly: false });
    await tool({});
    await write();
    await tool({});
    expect(calls).toHaveLength(2);
    await write();
    expect(writes).toBe(2);
  });

  it('takes only what it names', async () => {
    const house = toolHouse();
    const one = echo({ name: 'one' }, house);
    const other = echo({ name: 'other' }, house);
    const write = house.tools.wrap(() => 0, { name: 'w', readOnly: false, invalidates: ['one'] });
    await one.tool({});
    await other.tool({});
    await write();
    await one.tool({});
    await other.tool({});
    expect([one.calls.length, other.calls.length]).toEqual([2, 1]);
  });

  it('takes only what is its user’s own, where that is all it can touch', async () => {
    const { tool, calls, tools } = echo({ scope: 'user' });
    const write = tools.wrap(() => 0, { name: 'w', readOnly: false, invalidates: 'own' });
    await tools.runAs({ user: 'ann' }, () => tool({}));
    await tools.runAs({ user: 'bob' }, () => tool({}));
    await tools.runAs({ user: 'bob' }, () => write());
    await tools.runAs({ user: 'ann' }, () => tool({}));
    expect(calls).toHaveLength(2);
    await tools.runAs({ user: 'bob' }, () => tool({}));
    expect(calls).toHaveLength(3);
    await write();
    await tools.runAs({ user: 'ann' }, () => tool({}));
    expect(calls).toHaveLength(4);
  });

  it('takes what it touched though it fails', async () => {
    const { tool, calls, tools } = echo();
    const write = tools.wrap(() => Promise.reject(new Error('half done')), {
      name: 'w',
      readOnly: false,
    });
    await tool({});
    await expect(write()).rejects.toThrow('half done');
    await tool({});
    expect(calls).toHaveLength(2);
  });

  it('leaves nothing of what was read before or during it', async () => {
    const { tools } = toolHouse();
    let state = 'old';
    const gates: (() => void)[] = [];
    const read = tools.wrap(
      async () => {
        const seen = state;
        await new Promise<void>((resolve) => gates.push(resolve));
        return seen;
      },
      { name: 'read', scope: 'tenant' },
    );
    const write = tools.wrap(
      async () => {
        await new Promise<void>((resolve) => gates.push(resolve));
        state = 'new';
      },
      { name: 'write', readOnly: false },
    );
    const before = read();
    await new Promise(setImmediate);
    const writing = write();
    await new Promise(setImmediate);
    const during = read();
    await new Promise(setImmediate);
    gates.splice(0).forEach((open) => open());
    await writing;
    expect(await Promise.all([before, during])).toEqual(['old', 'old']);
    const after = read();
    await new Promise(setImmediate);
    gates.splice(0).forEach((open) => open());
    expect(await after).toBe('new');
  });

  it('lets nothing be served as long as the table of purges cannot be told', async () => {
    const { tool, calls, tools, purges, clock, signals } = echo();
    const failures: string[] = [];
    signals.on('part-failed', ({ operation }) => failures.push(operation));
    const write = tools.wrap(() => 0, { name: 'w', readOnly: false });
    await tool({});
    const add = purges.add.bind(purges);
    purges.add = () => Promise.reject(new Error('disk full'));
    expect(await write()).toBe(0);
    expect(failures).toEqual(['invalidate']);
    await tool({});
    await tool({});
    expect(calls).toHaveLength(3);
    purges.add = add;
    clock.advance(1000);
    await tool({});
    await new Promise(setImmediate);
    await tool({});
    await tool({});
    expect(calls).toHaveLength(5);
  });
});

describe('the books', () => {
  it('know what a real call took and cost', async () => {
    const { tools, clock, bookings } = toolHouse();
    const slow = async (): Promise<number> => {
      clock.advance(250);
      return 1;
    };
    const tool = tools.wrap(slow, { name: 'slow', scope: 'tenant', price: '0.005' });
    await tool();
    await tool();
    expect(bookings).toMatchObject([
      { path: 'tool:slow', source: 'upstream', totalMs: 250, realMs: 250, priceNanos: 5_000_000 },
      { path: 'tool:slow', source: 'l1', totalMs: 0, realMs: 250, priceNanos: 5_000_000 },
    ]);
  });
});

describe('the policy tool-results', () => {
  it.each<['off' | 'read-only' | 'write-only', number]>([
    ['off', 2],
    ['read-only', 2],
    ['write-only', 2],
  ])('in the mode %s serves nothing new', async (mode, expected) => {
    const { tool, calls } = echo({}, toolHouse({ mode }));
    await tool({});
    await tool({});
    expect(calls).toHaveLength(expected);
  });

  it('says how long and how large', async () => {
    const { tool, calls, clock } = echo({}, toolHouse({ ttlMs: 1000, maxAnswerBytes: 200 }));
    await tool({});
    clock.advance(999);
    await tool({});
    expect(calls).toHaveLength(1);
    clock.advance(1);
    await tool({});
    expect(calls).toHaveLength(2);
    await tool('x'.repeat(300));
    await tool('x'.repeat(300));
    expect(calls).toHaveLength(4);
  });
});
