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

/** Counts the items that facts were read from: those that were parsed. */
let itemsRead = 0;
const dialect = {
  name: 'openai-chat',
  growing: 'messages',
  inert: new Set(['stream']),
  requestFacts(body: JsonObject): RequestFacts {
    const items = body['messages'];
    itemsRead += Array.isArray(items) ? items.length : 0;
    const remote = JSON.stringify(items ?? null).includes('https://');
    return {
      model: 'm',
      stream: false,
      streamUsage: true,
      sampling: 'greedy',
      bound: remote ? 'remote-content' : undefined,
      agent: undefined,
      session: undefined,
      serviceTier: undefined,
    };
  },
} as unknown as Dialect;

const system = { role: 'system', content: 'You help. '.repeat(150) };
const large = { role: 'system', content: 'You help. '.repeat(2000) };
const bodyOf = (messages: readonly unknown[]) => Buffer.from(JSON.stringify({ messages, n: 1 }));

function readBy(recogniser: Recogniser, messages: readonly unknown[]): number {
  itemsRead = 0;
  recogniser.recognise(context, dialect, bodyOf(messages));
  return itemsRead;
}

const message = fc.record({
  role: fc.constantFrom('user', 'assistant'),
  content: fc.oneof(
    fc.string({ maxLength: 30 }),
    fc.constant('https://x'),
    fc.constant('ab'.repeat(900)),
  ),
});
/** Histories that go on from earlier ones, from any of their messages: how far back, and what comes then. */
const steps = fc.array(fc.tuple(fc.nat(6), fc.array(message, { minLength: 1, maxLength: 3 })), {
  minLength: 1,
  maxLength: 30,
});

describe('a tree of conversations', () => {
  it.each([
    ['room enough', 64 * 1024 * 1024],
    ['room for a few turns', 12_000],
  ])('gives what a parse of the whole gives, with %s', (_name, maxConversationBytes) => {
    fc.assert(
      fc.property(steps, (all) => {
        const recogniser = new Recogniser({ depth: 64, maxConversationBytes });
        let history: unknown[] = [system];
        for (const [back, tail] of all) {
          history = [...history.slice(0, Math.max(1, history.length - back)), ...tail];
          const fresh = new Recogniser({ depth: 64 });
          const expected = fresh.recognise(context, dialect, bodyOf(history));
          expect(recogniser.recognise(context, dialect, bodyOf(history))).toEqual(expected);
          expect(recogniser.recognise(context, dialect, bodyOf(history))).toEqual(expected);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('reads only what is new, however long the conversation', () => {
    const recogniser = new Recogniser({ depth: 64 });
    const history: unknown[] = [large, { role: 'user', content: 'go' }];
    readBy(recogniser, history);
    for (let turn = 0; turn < 40; turn++) {
      history.push({ role: 'assistant', content: `${turn}` }, { role: 'user', content: 'next' });
      expect(readBy(recogniser, history)).toBe(2);
      expect(readBy(recogniser, history)).toBe(0);
    }
  });

  it('goes on from the message before where only the last one differs', () => {
    const recogniser = new Recogniser({ depth: 64 });
    const ask = (question: string) => [large, { role: 'user', content: question }];
    readBy(recogniser, ask('one'));
    expect(readBy(recogniser, ask('two'))).toBe(1);
    for (let index = 0; index < 100; index++) expect(readBy(recogniser, ask(`q${index}`))).toBe(1);
  });

  it('keeps a small body only when another begins like it', () => {
    const recogniser = new Recogniser({ depth: 64 });
    const ask = (question: string) => [system, { role: 'user', content: question }];
    expect(readBy(recogniser, ask('one'))).toBe(2);
    expect(readBy(recogniser, ask('two'))).toBeGreaterThan(1);
    expect(readBy(recogniser, ask('three'))).toBe(1);
  });
});
