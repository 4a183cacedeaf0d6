import { describe, expect, it } from 'vitest';
import { noUsage } from '../../src/exchange/usage.ts';
import type { JsonObject } from '../../src/kernel/json.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import { halfPrice, newFitter } from './fitter.ts';

const random = seededRandom(3);
const words = 'order parcel depot invoice refund customer address label carrier route'.split(' ');
const prose = (count: number): string =>
  Array.from({ length: count }, () => words[Math.floor(random.next() * words.length)]).join(' ');

/** The requests of an agent that calls a tool each time; `output` is what the tool says at a call. */
function session(calls: number, output: (call: number) => string): JsonObject[] {
  const messages: JsonObject[] = [
    { role: 'system', content: 'You help.' },
    { role: 'user', content: 'Find the parcel.' },
  ];
  return Array.from({ length: calls }, (_, call) => {
    const request = { model: 'model', messages: messages.slice() };
    const tool_calls = [
      { id: `c${call}`, type: 'function', function: { name: 'look', arguments: '{}' } },
    ];
    messages.push({ role: 'assistant', content: null, tool_calls });
    messages.push({ role: 'tool', tool_call_id: `c${call}`, content: output(call) });
    return request;
  });
}

const contents = (body: Buffer): string[] =>
  (JSON.parse(body.toString()) as { messages: { content: string }[] }).messages.map(
    ({ content }) => content,
  );

describe('the fitter', () => {
  const requests = session(40, () => prose(400));

  it('edits in batches, far apart, and the same results stay out', async () => {
    const { fitter, clock, request } = await newFitter();
    const verdicts: string[] = [];
    for (const each of requests) {
      verdicts.push(fitter.fit(request('openai-chat', each)).verdict!);
      clock.advance(5000);
    }
    const batches = verdicts.filter((verdict) => verdict.startsWith('batch:'));
    expect(batches.length).toBeGreaterThan(2);
    expect(batches.length).toBeLessThan(20);
    expect(verdicts.at(-1)).toMatch(/:replayed$|^batch/);
  });

  it('edits nothing where a price or a multiplier is not known', async () => {
    const { fitter, request } = await newFitter({ economics: () => undefined });
    for (const each of requests) {
      const sent = request('openai-chat', each);
      expect(fitter.fit(sent)).toMatchObject({ body: sent.body, verdict: 'no-price' });
    }
  });

  it('edits at a cold resume what it would not touch while the cache is hot', async () => {
    const dear = { ...halfPrice, base: { ...halfPrice.base, read: 10_000 } };
    const { fitter, clock, request } = await newFitter({ economics: () => dear });
    for (const each of requests.slice(0, 20)) {
      expect(fitter.fit(request('openai-chat', each)).verdict).not.toMatch(/^batch|^cold/);
      clock.advance(5000);
    }
    clock.advance(dear.ttlMs);
    expect(fitter.fit(request('openai-chat', requests[20]!)).verdict).toMatch(/^cold:\d+/);
  });

  it('waits for the longer time to end where the request asked for it', async () => {
    const dear = { ...halfPrice, base: { ...halfPrice.base, read: 1000 } };
    const economics = () => ({ ...dear, long: { ttlMs: 3_600_000, writeTimes: 1.6 } });
    const { fitter, clock, request } = await newFitter({ economics });
    const long = requests.map((each) => ({ ...each, prompt_cache_retention: '24h' }));
    for (const each of long.slice(0, 20)) fitter.fit(request('openai-chat', each));
    clock.advance(dear.ttlMs);
    expect(fitter.fit(request('openai-chat', long[20]!)).verdict).toBe('does-not-pay');
    clock.advance(3_600_000);
    expect(fitter.fit(request('openai-chat', long[21]!)).verdict).toMatch(/^cold:/);
  });

  it('knows a conversation that it has forgotten to be cold', async () => {
    const dear = { ...halfPrice, base: { ...halfPrice.base, read: 1000 } };
    const { fitter, clock, request } = await newFitter({ economics: () => dear });
    fitter.fit(request('openai-chat', requests[20]!));
    clock.advance(3 * 3_600_000);
    expect(fitter.fit(request('openai-chat', requests[21]!)).verdict).toMatch(/^cold:/);
  });

  it('takes a conversation that it sees for the first time to be hot', async () => {
    const dear = { ...halfPrice, base: { ...halfPrice.base, read: 1000 } };
    const { fitter, request } = await newFitter({ economics: () => dear });
    const sent = request('openai-chat', requests[30]!);
    expect(fitter.fit(sent)).toMatchObject({ body: sent.body, verdict: 'does-not-pay' });
  });

  it('never edits what is pinned', async () => {
    const { fitter, request } = await newFitter({
      pins: ['KEEP-ME'],
      economics: cold,
      policy: { tokenBudget: 500, keepRecent: 4, remove: 'never' },
    });
    const [last] = session(20, (call) => `${call === 3 ? 'KEEP-ME ' : ''}${prose(400)}`).slice(-1);
    const { body, verdict } = fitter.fit(request('openai-chat', last!));
    expect(verdict).toMatch(/^cold/);
    const left = contents(body);
    expect(left.filter((text) => text?.includes('KEEP-ME'))).toHaveLength(1);
    expect(left.some((text) => text?.includes('left out'))).toBe(true);
  });

  it('refers to a result that the conversation holds, and keeps that one for as long', async () => {
    const { fitter, clock, request } = await newFitter();
    const same = prose(300);
    for (const [call, each] of session(30, () => same).entries()) {
      const { body } = fitter.fit(request('openai-chat', each));
      const left = contents(body);
      if (call > 0) expect(left.filter((text) => text === same)).toHaveLength(1);
      if (call > 1) expect(left.at(-1)).toContain('word for word, as that of the earlier call c0');
      clock.advance(1000);
    }
  });

  it.each([undefined, 's'])(
    'goes on where a client moves its marks along, session %s',
    async (name) => {
      // No edit pays while the cache is hot, every edit once it is cold: so it shows what is remembered.
      const dear = { ...halfPrice, base: { ...halfPrice.base, read: 1000 } };
      const { fitter, clock, request } = await newFitter({ economics: () => dear });
      const messages: JsonObject[] = [{ role: 'user', content: 'Find the parcel.' }];
      let before = '';
      let replays = 0;
      for (let call = 0; call < 24; call++) {
        if (call === 12) clock.advance(dear.ttlMs);
        // The newest two messages of the user carry a mark, and for it are spelled as blocks.
        const users = messages.flatMap(({ role }, index) => (role === 'user' ? [index] : []));
        const sent = messages.map((message, index) =>
          users.slice(-2).includes(index) ? marked(message) : message,
        );
        const { body, verdict } = fitter.fit(
          request('anthropic-messages', { model: 'model', messages: sent }, { session: name }),
        );
        const left = (JSON.parse(body.toString()) as { messages: JsonObject[] }).messages;
        const text = JSON.stringify(left.slice(0, -4));
        if (call === 12) expect(verdict).toMatch(/^cold:/);
        if (verdict!.endsWith(':replayed')) {
          replays++;
          expect(text.startsWith(before.slice(0, -1))).toBe(true);
        }
        before = text;
        messages.push({
          role: 'assistant',
          content: [{ type: 'tool_use', id: `c${call}`, name: 'look', input: {} }],
        });
        messages.push({
          role: 'user',
          content: [{ type: 'tool_result', tool_use_id: `c${call}`, content: prose(400) }],
        });
        clock.advance(5000);
      }
      expect(replays).toBeGreaterThan(5);
    },
  );

  it('shares nothing across tenants or sessions', async () => {
    const { fitter, request } = await newFitter({ economics: cold });
    const sent = { ...requests[20]! };
    expect(fitter.fit(request('openai-chat', sent)).verdict).toMatch(/^cold/);
    const other = request('openai-chat', sent, { scope: 'other tenant' });
    expect(fitter.fit(other).verdict).toMatch(/^cold/);
  });

  it('leaves a conversation alone once the provider has refused an edit', async () => {
    const { fitter, request } = await newFitter({ economics: cold });
    const sent = request('openai-chat', requests[20]!);
    expect(fitter.fit(sent).body).not.toBe(sent.body);
    fitter.effects.refused(sent.callId);
    const next = request('openai-chat', requests[21]!);
    expect(fitter.fit(next)).toMatchObject({ body: next.body, verdict: 'left:refused' });
  });

  it('switches a class of edits off that loses money, and says so', async () => {
    const { fitter, clock, request, notices } = await newFitter();
    for (let round = 0; round < 7; round++) {
      for (const each of session(14, () => prose(500))) {
        const sent = request('openai-chat', each, { session: `s${round}` });
        fitter.fit(sent);
        const usage = { ...noUsage, fresh: 9000, cacheRead: 2000, output: 10 };
        // The bill says that each edited call cost more than it would have.
        if (fitter.effects.without(sent.callId, usage, usage) !== undefined) {
          fitter.effects.realise(sent.callId, -1000);
        }
        clock.advance(1000);
      }
      clock.advance(2_000_000);
    }
    expect(notices).toEqual([expect.stringContaining('"batch" cost more than they saved')]);
    const verdicts = session(14, () => prose(500)).map(
      (each) => fitter.fit(request('openai-chat', each, { session: 'last' })).verdict,
    );
    expect(verdicts).toContain('switched-off');
    expect(verdicts.filter((verdict) => verdict!.startsWith('batch'))).toEqual([]);
  });

  it('tells what the same call would have used without any edit', async () => {
    const { fitter, clock, request } = await newFitter();
    let unedited = 0;
    for (const each of requests) {
      const sent = request('openai-chat', each);
      const { body } = fitter.fit(sent);
      const tokens = Math.round(body.length / 4);
      const usage = {
        ...noUsage,
        fresh: tokens - Math.round(tokens * 0.8),
        cacheRead: Math.round(tokens * 0.8),
      };
      const effect = fitter.effects.without(sent.callId, usage, usage);
      const whole = Math.round(sent.body.length / 4);
      if (body === sent.body) expect(effect).toBeUndefined();
      else {
        const { fresh, cacheRead } = effect!.usage;
        expect((fresh + cacheRead) / whole).toBeGreaterThan(0.9);
        expect((fresh + cacheRead) / whole).toBeLessThan(1.1);
        expect(cacheRead / unedited).toBeGreaterThan(0.9);
        fitter.effects.realise(sent.callId, 1);
      }
      unedited = whole;
      clock.advance(5000);
    }
  });
});

function marked(message: JsonObject): JsonObject {
  const { content } = message;
  const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
  const [first, ...rest] = (blocks as JsonObject[]).toReversed();
  const last = { ...first, cache_control: { type: 'ephemeral' } };
  return { ...message, content: [last, ...rest].toReversed() };
}

const cold = () => ({ ...halfPrice, ttlMs: 0, base: { ...halfPrice.base, read: 2_000_000 } });

describe('a capped result', () => {
  const firstSend = { minify: true, refer: true, capCharacters: 2000 };
  const long = prose(2000);
  const asked = (body: Buffer): string => /eco-\w{12} from \d+/.exec(body.toString())![0];

  it('is read on in the newest result of a chat', async () => {
    const { fitter, request } = await newFitter({ firstSend });
    const [first, second] = session(2, () => long);
    fitter.fit(request('openai-chat', first!));
    const { body } = fitter.fit(request('openai-chat', second!));
    expect(body.length).toBeLessThan(3500);
    const messages = second!['messages'] as JsonObject[];
    const more = [
      ...messages,
      {
        role: 'assistant',
        content: `I read on: ${asked(body)}`,
        tool_calls: [{ id: 'x', type: 'function', function: { name: 'look', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: 'x', content: 'ok' },
    ];
    const third = fitter.fit(request('openai-chat', { model: 'model', messages: more }));
    expect(contents(third.body).at(-1)).toContain(long.slice(1500, 3400));
    expect(contents(third.body)[3]).toBe(contents(body)[3]);
  });

  it('is read on in the user’s next message of Anthropic’s dialect', async () => {
    const { fitter, request } = await newFitter({ firstSend });
    const messages: JsonObject[] = [
      { role: 'user', content: 'go' },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'look', input: {} }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: long }] },
    ];
    const { body } = fitter.fit(request('anthropic-messages', { model: 'model', messages }));
    messages.push({ role: 'assistant', content: [{ type: 'text', text: asked(body) }] });
    messages.push({ role: 'user', content: [{ type: 'text', text: 'here' }] });
    const next = fitter.fit(request('anthropic-messages', { model: 'model', messages }));
    const blocks = (
      JSON.parse(next.body.toString()) as { messages: { content: { text: string }[] }[] }
    ).messages.at(-1)!.content;
    expect(blocks).toHaveLength(2);
    expect(blocks[1]!.text).toContain(long.slice(1500, 3400));
  });
});
