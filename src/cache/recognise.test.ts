import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dialect, RequestFacts } from '../exchange/dialect.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { KeyContext } from './key.ts';
import { Recogniser } from './recognise.ts';

const context: KeyContext = {
  secret: 'secret',
  scope: 'tenant',
  provider: 'openai',
  dialect: 'openai-chat',
  path: '/chat/completions',
  variant: '',
};

const facts: RequestFacts = {
  model: 'm',
  stream: false,
  streamUsage: true,
  sampling: 'greedy',
  bound: undefined,
  agent: undefined,
  session: undefined,
  serviceTier: undefined,
};

/** Only what recognition asks of a dialect. `bound` tells which messages the facts were read from. */
const dialect = {
  name: 'openai-chat',
  growing: 'messages',
  inert: new Set(['stream', 'user']),
  requestFacts: (body: JsonObject) => {
    const remote = JSON.stringify(body['messages'] ?? null).includes('https://');
    return { ...facts, bound: remote ? 'remote-content' : undefined };
  },
} as unknown as Dialect;

function keyOf(text: string | Buffer, recogniser = new Recogniser({ depth: 64 }), where = context) {
  return recogniser.recognise(where, dialect, Buffer.from(text as string)).key;
}

const filler = 'x'.repeat(5000);

describe('the key of a request', () => {
  it('does not depend on spelling', () => {
    const key = keyOf('{"model":"m","messages":[{"role":"user","content":"hé"}],"n":1}');
    expect(
      keyOf('{"n":1.0, "messages": [ {"content":"h\\u00e9","role":"user"} ],"model":"m"}'),
    ).toBe(key);
    expect(
      keyOf('{"model":"m","messages":[{"role":"user","content":"hé"}],"n":1,"stream":true}'),
    ).toBe(key);
  });

  it.each([
    ['another value', '{"model":"m","messages":[{"a":2}]}'],
    ['another type', '{"model":"m","messages":[{"a":"1"}]}'],
    ['an unknown field', '{"model":"m","messages":[{"a":1}],"new":0}'],
    ['an inert name further in', '{"model":"m","messages":[{"a":1,"user":"u"}]}'],
    ['another order of a list', '{"model":"m","messages":[{"b":1},{"a":1}]}'],
    ['a nested list', '{"model":"m","messages":[[{"a":1}]]}'],
  ])('tells apart %s', (_name, text) => {
    expect(keyOf(text)).not.toBe(keyOf('{"model":"m","messages":[{"a":1}]}'));
  });

  it('tells apart integers that a double cannot', () => {
    const one = keyOf('{"messages":[],"seed":9007199254740993}');
    expect(keyOf('{"messages":[],"seed":9007199254740992}')).not.toBe(one);
    expect(keyOf('{"seed":9007199254740993,"messages":[]}')).toBe(one);
  });

  it('is another for every part of the context', () => {
    const text = '{"model":"m","messages":[]}';
    const keys = ['secret', 'scope', 'provider', 'dialect', 'path', 'variant'].map((part) =>
      keyOf(text, undefined, { ...context, [part]: 'other' }),
    );
    expect(new Set([keyOf(text), ...keys]).size).toBe(7);
  });

  it('is the same for any order of members and any white space', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.boolean(), (value, spaced) => {
        const body = { model: 'm', messages: [value], extra: value };
        const turned = { extra: value, messages: [value], model: 'm' };
        expect(keyOf(JSON.stringify(turned, undefined, spaced ? 2 : undefined))).toBe(
          keyOf(JSON.stringify(body)),
        );
      }),
    );
  });
});

describe('bad bodies', () => {
  it.each([
    ['ECO_BAD_JSON', '{"model":'],
    ['ECO_BAD_JSON', '[1]'],
    ['ECO_BAD_JSON', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['ECO_DUPLICATE_KEY', '{"model":"a","messages":[],"model":"b"}'],
    ['ECO_DUPLICATE_KEY', `{"messages":[{"role":"user","content":"${filler}","role":"system"}]}`],
    ['ECO_TOO_DEEP', `{"messages":${'['.repeat(70)}${']'.repeat(70)}}`],
  ])('%s', (code, text) => {
    expect(() => keyOf(text)).toThrow(expect.objectContaining({ code }));
  });

  it('names the member that came twice', () => {
    expect(() => keyOf('{"messages":[{"x":1},{"y":{"a,\\":":1,"a,\\":":2}}]}')).toThrow(
      /"messages\.1\.y\.a,":"/,
    );
  });
});

describe('recognising the next turn of a conversation', () => {
  const message = fc.oneof(
    fc.record({
      role: fc.constantFrom('user', 'assistant'),
      content: fc.string({ unit: 'grapheme' }),
    }),
    fc.record({
      role: fc.constant('user'),
      content: fc.array(fc.record({ text: fc.string() }), { maxLength: 3 }),
    }),
    fc.jsonValue({ maxDepth: 2 }),
  );

  it('gives the same key and facts as parsing the whole', () => {
    const turns = fc.array(fc.array(message, { minLength: 1, maxLength: 4 }), {
      minLength: 1,
      maxLength: 5,
    });
    const suffix = fc.constantFrom(
      {},
      { tools: [{ name: 't', list: [{ a: 1 }] }], temperature: 0 },
    );
    fc.assert(
      fc.property(turns, suffix, fc.constantFrom(0, 1), (all, after, spaces) => {
        const recogniser = new Recogniser({ depth: 64 });
        const messages: unknown[] = [{ role: 'system', content: filler }];
        for (const turn of all) {
          messages.push(...turn);
          const text = JSON.stringify({ model: 'm', messages, ...after }, undefined, spaces);
          const fresh = new Recogniser({ depth: 64 }).recognise(
            context,
            dialect,
            Buffer.from(text),
          );
          const resumed = recogniser.recognise(context, dialect, Buffer.from(text));
          expect(resumed).toEqual(fresh);
          expect(recogniser.recognise(context, dialect, Buffer.from(text))).toEqual(fresh);
        }
      }),
      { numRuns: 300 },
    );
  });

  const first = {
    model: 'm',
    messages: [
      { role: 'user', content: filler },
      { role: 'assistant', content: 'a' },
    ],
  };
  const continued = (tail: string, suffix = '}') =>
    `${JSON.stringify(first).slice(0, -2)}${tail}]${suffix}`;

  it('reads the facts of the new items too', () => {
    const recogniser = new Recogniser({ depth: 64 });
    keyOf(JSON.stringify(first), recogniser);
    const seen = recogniser.recognise(
      context,
      dialect,
      Buffer.from(continued(',{"url":"https://x"}')),
    );
    expect(seen.facts.bound).toBe('remote-content');
    const after = recogniser.recognise(
      context,
      dialect,
      Buffer.from(continued(',{"url":"https://x"},{"role":"user"}')),
    );
    expect(after.facts.bound).toBe('remote-content');
  });

  it.each([
    ['a broken tail', ',{"role":', 'ECO_BAD_JSON'],
    ['a member twice in the tail', ',{"role":"a","role":"b"}', 'ECO_DUPLICATE_KEY'],
    ['a tail that closes the list itself', '],"messages":[1', 'ECO_DUPLICATE_KEY'],
    ['a deep tail', `,${'['.repeat(80)}${']'.repeat(80)}`, 'ECO_TOO_DEEP'],
  ])('refuses %s like a whole body', (_name, tail, code) => {
    const recogniser = new Recogniser({ depth: 64 });
    keyOf(JSON.stringify(first), recogniser);
    expect(() => keyOf(continued(tail), recogniser)).toThrow(expect.objectContaining({ code }));
  });

  it('does not take another tenant for the same conversation', () => {
    const recogniser = new Recogniser({ depth: 64 });
    const mine = keyOf(JSON.stringify(first), recogniser);
    expect(keyOf(JSON.stringify(first), recogniser, { ...context, scope: 'other' })).not.toBe(mine);
  });
});
