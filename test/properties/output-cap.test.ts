import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBounds } from '../../src/budget/bounds.ts';
import { amountAt } from '../../src/budget/cost-bound.ts';
import type { DialectName } from '../../src/exchange/dialect.ts';
import type { JsonObject } from '../../src/kernel/json.ts';
import { readCall } from '../budget/read-call.ts';

const bounds = createBounds({
  rates: () => ({ input: 1000, output: 3000, search: 10_000_000 }),
  outputLimit: () => 5000,
  tokensPerSearch: 1000,
});

const value = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: -5, max: 10_000 }) },
  fc.constantFrom(null, 0, 1.5, 1e300, '12', true, [], {}),
);
const caps = [
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
  'n',
  'best_of',
  'max_tool_calls',
];
const others = fc.dictionary(
  fc.constantFrom('tools', 'thinking', 'metadata', 'stop', 'stream', 'x', 'max', 'é"\\'),
  fc
    .jsonValue({ maxDepth: 3 })
    .map((each) => JSON.parse(JSON.stringify(each)) as JsonObject[string]),
);
const asked = fc.tuple(others, fc.dictionary(fc.constantFrom(...caps), value));

const required: Partial<Record<DialectName, JsonObject>> = {
  'openai-chat': { model: 'm', messages: [{ role: 'user', content: '"max_tokens":1' }] },
  'openai-responses': { model: 'm', input: 'x' },
  'openai-completions': { model: 'm', prompt: 'x' },
  'anthropic-messages': { model: 'm', messages: [] },
};
const capMembers: Partial<Record<DialectName, readonly string[]>> = {
  'openai-chat': ['max_tokens', 'max_completion_tokens'],
  'openai-responses': ['max_output_tokens'],
  'openai-completions': ['max_tokens'],
  'anthropic-messages': ['max_tokens'],
};

/** Some servers of these take 0 for no limit. */
const zeroMeansNone: ReadonlySet<DialectName> = new Set(['openai-chat', 'openai-responses']);

/** The text of a body with white space and escapes where people and clients put them. */
const spelt = (body: JsonObject, style: number): Buffer => {
  const text = JSON.stringify(body, undefined, style % 3);
  return Buffer.from(style > 3 ? ` \n${text.replaceAll('_tokens"', '\\u005ftokens"')} ` : text);
};

describe.each(Object.keys(required) as DialectName[])('a cap put into a body of %s', (dialect) => {
  it('is there afterwards, and nothing else is changed', () => {
    const given = fc.tuple(
      asked,
      fc.integer({ min: 1, max: 20_000 }),
      fc.nat(5),
      fc.constantFrom('openai', 'mine'),
    );
    fc.assert(
      fc.property(given, ([[more, limits], tokens, style, provider]) => {
        const body: JsonObject = { ...more, ...required[dialect], ...limits };
        let call;
        try {
          call = readCall(dialect, body, { provider, bytes: spelt(body, style) });
        } catch {
          return; // a field of a wrong type, which is refused before
        }
        const bound = bounds.boundOf(call);
        if (bound.kind !== 'bounded') return;
        for (const cap of [0, bound.outputCap]) {
          expect(Number.isSafeInteger(amountAt(bound, cap))).toBe(true);
          expect(amountAt(bound, cap)).toBeGreaterThan(0);
        }
        if (tokens < (bound.leastCap ?? 1)) return;
        const sent = JSON.parse(
          (bounds.capped(call, tokens).body as Buffer).toString('utf8'),
        ) as JsonObject;
        const names = capMembers[dialect]!;
        const numbers = names.map((name) => sent[name]).filter((each) => typeof each === 'number');
        const isSilent = names.every((name) => (body[name] ?? null) === null);
        if (isSilent) expect(numbers).toEqual([tokens]);
        for (const number of numbers) {
          expect(number).toBeGreaterThanOrEqual(0);
          expect(number).toBeLessThanOrEqual(tokens);
        }
        for (const name of names) {
          const was = body[name];
          const least = provider === 'mine' && zeroMeansNone.has(dialect) ? Number.MIN_VALUE : 0;
          if (typeof was === 'number' && was >= least && was <= tokens) {
            expect(sent[name]).toBe(was);
          }
        }
        expect(without(sent, names)).toEqual(without(body, names));
      }),
      { numRuns: 300 },
    );
  });
});

function without(body: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(body).filter(([name]) => !names.includes(name)));
}

describe('numbers that JSON can say and nobody means', () => {
  it.each(['{"n":1e999,"max_tokens":0}', '{"n":1e999}', '{"max_tokens":1e999,"n":1e300}'])(
    'of %s end in a sum that no budget holds, or in none',
    (text) => {
      const body = { ...required['openai-chat'], ...(JSON.parse(text) as JsonObject) };
      const bound = bounds.boundOf(readCall('openai-chat', body));
      expect(bound.kind).toBe('bounded');
      const sum = bound.kind === 'bounded' ? amountAt(bound, bound.outputCap) : NaN;
      expect(Number.isSafeInteger(sum)).toBe(true);
    },
  );
});
