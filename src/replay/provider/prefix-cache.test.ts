import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { prefixRules, type PrefixRules } from '../../ledger/prefix-rules.ts';
import { HotPrefixes } from './hot-prefixes.ts';
import { visitCache, type PromptUsage } from './prefix-cache.ts';
import type { Hold, Prompt } from './prompt.ts';

const minute = 60_000;
const gpt = prefixRules('openai', 'gpt-4o');
const claude = prefixRules('anthropic', 'claude-sonnet-5');
const gptWithWrites = prefixRules('openai', 'gpt-5.6');

/** A part of so many equal tokens. */
const part = (tokens: number, id: number): Uint32Array => new Uint32Array(tokens).fill(id);

function promptOf(
  parts: readonly Uint32Array[],
  marks: readonly (readonly [part: number, hold: Hold])[] = [],
  lookups = marks.flatMap(([at]) =>
    Array.from({ length: Math.min(20, at + 1) }, (_, back) => at - back),
  ),
): Prompt {
  return {
    parts,
    breakpoints: marks.map(([at, hold]) => ({ part: at, hold })),
    lookups: [...new Set(lookups)].sort((a, b) => a - b),
    fault: undefined,
    ttlMs: undefined,
  };
}

class Provider {
  readonly #hot = new HotPrefixes();
  readonly #rules: PrefixRules;

  constructor(rules: PrefixRules) {
    this.#rules = rules;
  }

  /** Bills a prompt that arrives at `at`; its prefixes are held at once. */
  ask(prompt: Prompt, at = 0, scope = 'us'): PromptUsage {
    const visit = visitCache({ prompt, rules: this.#rules, hot: this.#hot, scope, at });
    visit.keep(at);
    return visit.usage;
  }
}

describe('automatic prefixes', () => {
  it('reads the minimum and then steps of 128, also within a part', () => {
    const provider = new Provider(gpt);
    provider.ask(promptOf([part(2000, 1)]));
    const longer = promptOf([part(2000, 1), part(500, 2)]);
    expect(provider.ask(longer)).toEqual({
      fresh: 2500 - 1920,
      read: 1920,
      written: 0,
      writtenLong: 0,
    });
    const other = promptOf([part(1500, 1), part(500, 3)]);
    expect(provider.ask(other).read).toBe(1408);
  });

  it('holds nothing below the minimum and shares nothing across scopes', () => {
    const provider = new Provider(gpt);
    const short = promptOf([part(1023, 1)]);
    provider.ask(short);
    expect(provider.ask(short).read).toBe(0);
    const long = promptOf([part(1024, 1)]);
    provider.ask(long);
    expect(provider.ask(long).read).toBe(1024);
    expect(provider.ask(long, 0, 'them').read).toBe(0);
  });

  it('forgets what was not used for its time; each use begins it anew', () => {
    const provider = new Provider(gpt);
    const prompt = promptOf([part(1024, 1)]);
    provider.ask(prompt);
    expect(provider.ask(prompt, 9 * minute).read).toBe(1024);
    expect(provider.ask(prompt, 18 * minute).read).toBe(1024);
    expect(provider.ask(prompt, 28 * minute).read).toBe(0);
  });

  it('is not readable before the provider has worked through it', () => {
    const hot = new HotPrefixes();
    const visit = (at: number) =>
      visitCache({ prompt: promptOf([part(1024, 1)]), rules: gpt, hot, scope: '', at });
    visit(0).keep(500);
    expect(visit(499).usage.read).toBe(0);
    expect(visit(500).usage.read).toBe(1024);
  });
});

describe('explicit breakpoints', () => {
  const tools = part(1500, 1);
  const system = part(800, 2);

  it('caches nothing without a mark', () => {
    const provider = new Provider(claude);
    provider.ask(promptOf([tools, system]));
    expect(provider.ask(promptOf([tools, system])).fresh).toBe(2300);
  });

  it('writes up to the last mark, reads it again and finds it up to 20 blocks back', () => {
    const provider = new Provider(claude);
    const first = promptOf([tools, system], [[1, 'default']]);
    expect(provider.ask(first)).toEqual({ fresh: 0, read: 0, written: 2300, writtenLong: 0 });
    const turns = (count: number): Uint32Array[] => [
      tools,
      system,
      ...Array.from({ length: count }, (_, index) => part(10, index)),
    ];
    const near = promptOf(turns(19), [[20, 'default']]);
    expect(provider.ask(near)).toEqual({ fresh: 0, read: 2300, written: 190, writtenLong: 0 });
    const far = promptOf(
      [tools, system, ...Array.from({ length: 20 }, () => part(10, 99))],
      [[21, 'default']],
    );
    expect(provider.ask(far).read).toBe(0);
  });

  it('silently ignores a mark too early', () => {
    const provider = new Provider(claude);
    const prompt = promptOf([part(1000, 1), part(100, 2)], [[0, 'default']]);
    provider.ask(prompt);
    expect(provider.ask(prompt)).toEqual({ fresh: 1100, read: 0, written: 0, writtenLong: 0 });
  });

  it('bills an hour up to the last mark for an hour, five minutes from there', () => {
    const provider = new Provider(claude);
    const prompt = promptOf(
      [tools, system, part(50, 3)],
      [
        [0, 'long'],
        [1, 'default'],
      ],
    );
    expect(provider.ask(prompt)).toEqual({ fresh: 50, read: 0, written: 800, writtenLong: 1500 });
    expect(provider.ask(prompt, 4 * minute).read).toBe(2300);
    expect(provider.ask(prompt, 10 * minute)).toEqual({
      fresh: 50,
      read: 1500,
      written: 800,
      writtenLong: 0,
    });
    expect(provider.ask(prompt, 71 * minute).read).toBe(0);
  });

  it('keeps a prefix hot that is read but marked no more', () => {
    const provider = new Provider(claude);
    provider.ask(promptOf([tools, system], [[1, 'default']]));
    const next = promptOf([tools, system, part(9, 3)], [[2, 'default']]);
    provider.ask(next, 4 * minute);
    expect(
      provider.ask(promptOf([tools, system, part(9, 4)], [[2, 'default']]), 8 * minute).read,
    ).toBe(2300);
  });
});

describe('breakpoints of GPT-5.6 and later', () => {
  it('reads at a breakpoint only: no fall back to a shorter prefix that was not marked', () => {
    const provider = new Provider(gptWithWrites);
    const stable = part(9000, 1);
    provider.ask(promptOf([stable, part(10, 2)], [[1, 'default']], [0, 1]));
    const changed = promptOf([stable, part(10, 3)], [[1, 'default']], [0, 1]);
    expect(provider.ask(changed)).toEqual({ fresh: 0, read: 0, written: 9010, writtenLong: 0 });
    const marked = promptOf(
      [stable, part(10, 4)],
      [
        [0, 'default'],
        [1, 'default'],
      ],
      [0, 1],
    );
    provider.ask(marked);
    const again = promptOf([stable, part(10, 5)], [[1, 'default']], [0, 1]);
    expect(provider.ask(again)).toEqual({ fresh: 0, read: 9000, written: 10, writtenLong: 0 });
  });
});

it('never counts a token twice or loses one, and never reads what was not sent', () => {
  const parts = fc.array(
    fc.tuple(fc.integer({ min: 1, max: 900 }), fc.integer({ min: 0, max: 2 })),
    {
      minLength: 1,
      maxLength: 8,
    },
  );
  const request = fc.record({
    parts,
    marks: fc.uniqueArray(fc.integer({ min: 0, max: 7 }), { maxLength: 4 }),
    gap: fc.integer({ min: 0, max: 12 * minute }),
  });
  fc.assert(
    fc.property(
      fc.constantFrom(gpt, claude, gptWithWrites, prefixRules('deepseek', 'deepseek-chat')),
      fc.array(request, { minLength: 1, maxLength: 12 }),
      (rules, requests) => {
        const provider = new Provider(rules);
        const sent: number[][] = [];
        let at = 0;
        for (const each of requests) {
          at += each.gap;
          const blocks = each.parts.map(([tokens, id]) => part(tokens, id));
          const marks = each.marks.filter((mark) => mark < blocks.length).sort((a, b) => a - b);
          const usage = provider.ask(
            promptOf(
              blocks,
              marks.map((mark) => [mark, 'default']),
            ),
            at,
          );
          const tokens = blocks.flatMap((block) => Array.from(block));
          expect(usage.fresh + usage.read + usage.written + usage.writtenLong).toBe(tokens.length);
          expect(
            Math.min(usage.fresh, usage.read, usage.written, usage.writtenLong),
          ).toBeGreaterThanOrEqual(0);
          const common = Math.max(0, ...sent.map((other) => commonLength(tokens, other)));
          expect(usage.read).toBeLessThanOrEqual(common);
          if (
            rules.mode === 'automatic' &&
            rules.maxBreakpoints === undefined &&
            each.gap === 0 &&
            sent.length > 0
          ) {
            const last = commonLength(tokens, sent.at(-1)!);
            const step = rules.granularity;
            const due =
              last < rules.minTokens
                ? 0
                : rules.minTokens + step * Math.floor((last - rules.minTokens) / step);
            expect(usage.read).toBeGreaterThanOrEqual(due);
          }
          sent.push(tokens);
        }
      },
    ),
    { numRuns: 150 },
  );
});

function commonLength(one: readonly number[], other: readonly number[]): number {
  let length = 0;
  while (length < one.length && length < other.length && one[length] === other[length]) length++;
  return length;
}
