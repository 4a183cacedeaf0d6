import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noUsage } from '../exchange/usage.ts';
import type { JsonObject } from '../kernel/json.ts';
import { ContextCare } from './context-care.ts';
import type { CarePlan, CareRequest } from './care-plan.ts';
import {
  claudeBody,
  claudeTerms,
  gptBody,
  gptTerms,
  prose,
  sampleRequest,
} from './sample-requests.ts';
import type { CacheTerms, CareSwitches } from './terms.ts';

const on: CareSwitches = { breakpoints: true, order: true, repair: true, affinity: true };
const off: CareSwitches = { breakpoints: false, order: false, repair: false, affinity: false };
const start = Date.UTC(2026, 10, 25);

function careWith(terms: CacheTerms | undefined, switches = on): ContextCare {
  return new ContextCare({ terms: () => terms, switches });
}

/** Prepares and settles; the provider reads `read` tokens. */
function call(
  care: ContextCare,
  request: CareRequest,
  read = 0,
): { plan: CarePlan; body: JsonObject } {
  const plan = care.prepare(request)!;
  const fresh = Math.round(request.body.length / 4) - read;
  care.settle(plan, { ...noUsage, fresh, cacheRead: read, output: 5 }, { waited: false });
  return { plan, body: JSON.parse(plan.body.toString('utf8')) as JsonObject };
}

const marksIn = (body: JsonObject, name = 'cache_control'): number =>
  JSON.stringify(body).split(`"${name}":{`).length - 1;

describe('breakpoints', () => {
  it('stand at the end of tools, system prompt and conversation, and where the conversation stood before', () => {
    const care = careWith(claudeTerms);
    const first = call(care, sampleRequest(claudeBody(1)));
    expect(marksIn(first.body)).toBe(3);
    const second = call(care, sampleRequest(claudeBody(2), { at: start + 5000 }), 3000);
    expect(second.plan.places).toEqual([
      { region: 'tools', item: 2, hold: 'short' },
      { region: 'system', item: 0, hold: 'short' },
      { region: 'messages', item: 0, hold: 'short' },
      { region: 'messages', item: 2, hold: 'short' },
    ]);
  });

  it('keep the marks of the client and never pass four', () => {
    const care = careWith(claudeTerms);
    const mark = { cache_control: { type: 'ephemeral' } };
    const block = (seed: number) => ({ type: 'text', text: prose(600, seed), ...mark });
    const blocks = [block(1), block(2), block(3)];
    const { body } = call(care, sampleRequest(claudeBody(3, { system: blocks })));
    expect(body['system']).toEqual(blocks);
    expect(marksIn(body)).toBe(4);
    const full = claudeBody(1, { system: [...blocks, { ...blocks[0], text: 'more' }] });
    const request = sampleRequest(full, { session: 'other' });
    expect(care.prepare(request)!.body).toBe(request.body);
  });

  it('ask for an hour where a session pauses for longer than five minutes, and never behind five minutes', () => {
    const care = careWith(claudeTerms);
    const pause = 12 * 60_000;
    for (const turn of [1, 2, 3]) {
      call(care, sampleRequest(claudeBody(turn), { at: start + turn * pause }));
    }
    const { plan } = call(care, sampleRequest(claudeBody(4), { at: start + 4 * pause }));
    expect(plan.places.map(({ hold }) => hold)).toEqual(['long', 'long', 'long', 'long']);
  });

  it('stop where conversations never go on, and on a prefix that breaks each time', () => {
    const lone = careWith(claudeTerms);
    for (let index = 0; index < 12; index++) {
      const request = { session: `s${index}`, at: start + index * 400_000 };
      const body = claudeBody(1, { system: prose(2000, index) });
      const { plan } = call(lone, sampleRequest(body, request));
      if (index > 8) expect(plan.places).toEqual([]);
    }
    const broken = careWith(claudeTerms, { ...on, repair: false });
    for (const turn of [1, 2, 3, 4]) {
      const body = claudeBody(turn, { system: `${prose(2000)} at ${turn}` });
      const { plan } = call(broken, sampleRequest(body, { at: start + turn * 1000 }));
      if (turn > 2) expect(plan.places).toEqual([]);
    }
  });

  it('do not stand below the minimum, without a price, or where a lone question is asked', () => {
    const short = sampleRequest({ messages: [{ role: 'user', content: 'hi' }] });
    expect(careWith(claudeTerms).prepare(short)).toBeUndefined();
    const nearly = sampleRequest({ messages: [{ role: 'user', content: prose(700) }] });
    expect(careWith(claudeTerms).prepare(nearly)!.body).toBe(nearly.body);
    const request = sampleRequest(claudeBody(2));
    expect(careWith(undefined).prepare(request)).toMatchObject({
      body: request.body,
      verdict: 'no-price',
    });
    const lone = { messages: [{ role: 'user', content: prose(4000) }] };
    const question = sampleRequest(lone, { session: undefined });
    expect(careWith(claudeTerms).prepare(question)!.body).toBe(question.body);
  });

  it('stand beside OpenAI’s own, on what goes in', () => {
    const care = careWith(gptTerms);
    call(care, sampleRequest(gptBody(1), {}, 'openai-chat'));
    const { body } = call(care, sampleRequest(gptBody(2), { at: start + 1000 }, 'openai-chat'));
    expect(marksIn(body, 'prompt_cache_breakpoint')).toBe(3);
    expect(body['prompt_cache_key']).toMatch(/^eco-/);
    expect(body['prompt_cache_options']).toBeUndefined();
    const foreign = sampleRequest(gptBody(1), { priceId: 'groq' }, 'openai-chat');
    expect(care.prepare(foreign)!.body).toBe(foreign.body);
  });

  it('are left out for a while where a provider refused them', () => {
    const care = careWith(claudeTerms);
    const request = sampleRequest(claudeBody(1));
    care.distrust(care.prepare(request)!);
    expect(care.prepare(request)!.body).toBe(request.body);
    const later = { ...request, at: start + 3_700_000 };
    expect(care.prepare(later)!.body).not.toBe(request.body);
  });
});

describe('stable order', () => {
  it('sends shuffled tools, keys and messages as they left before', () => {
    const care = careWith(claudeTerms);
    const body = claudeBody(2);
    const first = call(care, sampleRequest(body));
    const [alpha, beta, gamma] = body.tools;
    const respelled = {
      input_schema: alpha!.input_schema,
      description: alpha!.description,
      name: 'alpha',
    };
    const messages = body.messages.map(({ role, content }) => ({ content, role }));
    const next = { ...claudeBody(3), tools: [gamma, respelled, beta] };
    const request = sampleRequest(
      { ...next, messages: [...messages, ...next.messages.slice(3)] },
      { at: start + 1000 },
    );
    const second = call(care, request, 3000);
    expect(second.plan).toMatchObject({ intact: true, acted: { order: true } });
    const region = (plan: CarePlan, name: string): string =>
      JSON.stringify(JSON.parse(plan.form.body.toString('utf8'))[name]);
    expect(region(second.plan, 'tools')).toBe(region(first.plan, 'tools'));
    const sent = region(second.plan, 'messages');
    expect(sent.startsWith(region(first.plan, 'messages').slice(0, -1))).toBe(true);
  });

  it('keeps a client’s mark on the last tool', () => {
    const care = careWith(claudeTerms);
    const [alpha, beta] = claudeBody(1).tools;
    const mark = { cache_control: { type: 'ephemeral' } };
    const tools = [beta, { ...alpha, ...mark }];
    const { body } = call(care, sampleRequest(claudeBody(1, { tools })));
    expect(body['tools']).toEqual([alpha, { ...beta, ...mark }]);
  });
});

describe('repair', () => {
  const system = (time: string): string => `You are careful.\nNow: ${time}\n${prose(1500)}`;

  it('moves what changes behind the end, once it has been seen to change', () => {
    const care = careWith(claudeTerms);
    const at = (turn: number) => ({ at: start + turn * 1000 });
    call(care, sampleRequest(claudeBody(1, { system: system('10:41:07') }), at(1)));
    call(care, sampleRequest(claudeBody(2, { system: system('10:42:55') }), at(2)));
    const third = call(care, sampleRequest(claudeBody(3, { system: system('10:43:01') }), at(3)));
    expect(third.plan.intact).toBe(true);
    expect(JSON.stringify(third.body['system'])).not.toContain('Now:');
    const messages = third.body['messages'] as JsonObject[];
    expect(messages.at(-1)).toEqual({ role: 'user', content: 'Now: 10:43:01' });
    expect(messages.at(-2)!['content']).toMatchObject([{ cache_control: { type: 'ephemeral' } }]);
  });

  it('is not done unless it is switched on', () => {
    const care = careWith(claudeTerms, { ...on, repair: false });
    for (const turn of [1, 2, 3]) {
      const body = claudeBody(turn, { system: system(`10:4${turn}`) });
      const plan = call(care, sampleRequest(body, { at: start + turn })).plan;
      if (turn > 1) expect(plan.culprit?.cause).toBe('timestamp-in-system');
    }
  });
});

describe('the doctor', () => {
  const settle = (care: ContextCare, request: CareRequest, fresh: number, read: number) =>
    care.settle(
      care.prepare(request)!,
      { ...noUsage, fresh, cacheRead: read, output: 5 },
      { waited: false },
    );

  it('names what was lost and what it cost', () => {
    const care = careWith(claudeTerms, off);
    settle(care, sampleRequest(claudeBody(1)), 5000, 0);
    const body = claudeBody(2);
    const swapped = { ...body, tools: body.tools.toReversed() };
    const { lost } = settle(care, sampleRequest(swapped, { at: start + 1000 }), 5200, 0);
    expect(lost).toEqual({ cause: 'tools-reordered', tokens: 5000, nanos: 5000 * 1900 });
  });

  it('tells a pause, another model, an eviction and a missing breakpoint apart', () => {
    const mark = { cache_control: { type: 'ephemeral' } };
    const body = (turn: number) => ({ ...claudeBody(turn), ...mark });
    const second = (changes: Partial<CareRequest>, marks = true) => {
      const care = careWith(claudeTerms, off);
      const made = marks ? body : claudeBody;
      settle(care, sampleRequest(made(1)), 5000, 0);
      return settle(care, sampleRequest(made(2), changes), 5200, 0).lost?.cause;
    };
    expect(second({ at: start + 400_000 })).toBe('ttl-gone');
    expect(second({ at: start + 1000, model: 'claude-opus-5' })).toBe('model-switched');
    expect(second({ at: start + 1000, provider: 'elsewhere' })).toBe('provider-switched');
    expect(second({ at: start + 1000 })).toBe('provider-eviction');
    expect(second({ at: start + 1000 }, false)).toBe('no-breakpoint');
  });

  it('takes a side call and a branch for what they are', () => {
    const care = careWith(claudeTerms, off);
    settle(care, sampleRequest(claudeBody(2)), 5000, 0);
    const side = claudeBody(1, { system: `Give a title.\n${prose(900)}`, tools: [] });
    expect(care.prepare(sampleRequest(side, { at: start + 10 }))).toMatchObject({
      before: undefined,
      culprit: undefined,
    });
  });

  it('keeps its memory within bounds, however many sessions', () => {
    const care = new ContextCare({
      terms: () => claudeTerms,
      switches: on,
      maxBytes: 400_000,
      maxThreads: 50,
    });
    for (let index = 0; index < 500; index++) {
      const messages = [{ role: 'user', content: `${index} ${prose(100)}` }];
      call(care, sampleRequest(claudeBody(1, { messages }), { session: `s${index}` }));
      expect(care.kept.bytes).toBeLessThanOrEqual(400_000);
      expect(care.kept.threads).toBeLessThanOrEqual(50);
    }
    expect(care.kept.threads).toBeGreaterThan(10);
  });
});

const odd = fc.constantFrom<unknown>(
  { role: 'user', content: '' },
  { role: 'user', content: null },
  { role: 'user', content: [{ type: 'hologram', of: 'x' }] },
  { role: 'assistant', content: [{ type: 'thinking', thinking: 'h', signature: 's' }] },
  { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'nobody', content: [] }] },
  { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'x', input: {} }] },
  { role: 'user', content: [{ type: 'image', source: { type: 'base64', data: '' } }] },
  { role: 'tool', tool_call_id: 'orphan', content: 'x' },
  'not a message',
  7,
  null,
);
const turns = fc.array(
  fc.oneof(
    odd,
    fc.record({
      role: fc.constantFrom('user', 'assistant', 'system'),
      content: fc.string({ maxLength: 2000 }),
    }),
  ),
  { minLength: 1, maxLength: 8 },
);

/** What a request means: without marks and OpenAI's cache members, texts as the blocks that they are short for, tools by name. */
function meaning(value: unknown, name = ''): unknown {
  if (name === 'content' && typeof value === 'string') return [{ type: 'text', text: value }];
  if (name === 'system' && typeof value === 'string') return [{ type: 'text', text: value }];
  if (Array.isArray(value)) {
    const items = value.map((each) => meaning(each));
    if (name !== 'tools') return items;
    return items.toSorted((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
  }
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => !/cache_control|^prompt_cache/.test(key));
  return Object.fromEntries(kept.map(([key, each]) => [key, meaning(each, key)]));
}

describe('whatever comes', () => {
  it.each(['anthropic-messages', 'openai-chat'] as const)(
    'leaves meaning the same, and %s never gets more marks than it takes',
    (dialect) => {
      fc.assert(
        fc.property(fc.array(turns, { minLength: 1, maxLength: 4 }), (sequence) => {
          const isAnthropic = dialect === 'anthropic-messages';
          const terms = { ...(isAnthropic ? claudeTerms : gptTerms), minTokens: 1 };
          const care = careWith(terms, { ...on, repair: false });
          const base = isAnthropic ? claudeBody(1) : gptBody(1);
          for (const [index, messages] of sequence.entries()) {
            const request = sampleRequest({ ...base, messages }, { at: start + index }, dialect);
            const plan = care.prepare(request);
            if (plan === undefined) continue;
            const sent = JSON.parse(plan.body.toString('utf8')) as JsonObject;
            expect(meaning(sent)).toEqual(meaning({ ...base, messages }));
            expect(marksIn(sent)).toBeLessThanOrEqual(4);
            expect(marksIn(sent, 'prompt_cache_breakpoint')).toBeLessThanOrEqual(3);
            care.settle(plan, { ...noUsage, fresh: 2000 }, { waited: false });
          }
        }),
        { numRuns: 60 },
      );
    },
  );
});
