import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { turnReaders } from '../../src/context/fitting/turns/readers.ts';
import { bodySpans, memberNamed } from '../../src/kernel/json-spans.ts';
import type { JsonObject } from '../../src/kernel/json.ts';
import { halfPrice, newFitter } from './fitter.ts';
import { fittedDialects, histories, rendered, type Step } from './histories.ts';
import { refusals } from './provider-rules.ts';

/** Where the model was called: after each step that it did not take itself. */
const callsOf = (steps: readonly Step[]): Step[][] =>
  steps.flatMap((step, index) => (step.kind === 'assistant' ? [] : [steps.slice(0, index + 1)]));

/** A body that is shorter than a kilobyte at first and longer later: once it was then taken for another conversation. */
const passesOneKilobyte: Step[] = [
  { kind: 'user', text: ' ' },
  {
    kind: 'tools',
    reasoning: false,
    text: undefined,
    results: [''],
    words: ' ',
    interleaved: false,
  },
  { kind: 'user', text: 'find the order' },
  {
    kind: 'tools',
    reasoning: true,
    text: undefined,
    results: ['{"":-5.231502234570807e-309,"       ":false} ', '     ', '[] '],
    words: undefined,
    interleaved: true,
  },
];
const readsAll = { tokenBudget: 0, keepRecent: 2, remove: 'paying' as const };
const every5s = Array.from({ length: 40 }, () => 5000 as const);

describe.each(fittedDialects)('fitting %s conversations', (dialect) => {
  const { list } = turnReaders[dialect]!;
  const itemsOf = (body: Buffer): string[] =>
    (memberNamed(bodySpans(body), list)?.items ?? []).map(({ start, end }) =>
      body.toString('utf8', start, end),
    );
  const policies = fc.record({
    tokenBudget: fc.nat(2000),
    keepRecent: fc.integer({ min: 2, max: 12 }),
    remove: fc.constantFrom('never', 'needed', 'paying'),
  });
  const windows = fc.constantFrom(undefined, 300, 1500);
  const gaps = fc.array(fc.constantFrom(5000, 600_000), { minLength: 40, maxLength: 40 });

  it('keeps the provider’s rules, and edits the same way on every later call', async () => {
    let edited = 0;
    await fc.assert(
      fc.asyncProperty(histories, policies, windows, gaps, async (steps, policy, window, waits) => {
        const { fitter, clock, request } = await newFitter({
          policy,
          economics: () => ({ ...halfPrice, window }),
        });
        let before: string[] = [];
        for (const [call, seen] of callsOf(steps).entries()) {
          const value = rendered(dialect, seen);
          const sent = request(dialect, value);
          const { body, verdict } = fitter.fit(sent);
          const after = JSON.parse(body.toString()) as JsonObject;
          expect(refusals(dialect, after)).toEqual([]);
          expect({ ...after, [list]: 0 }).toEqual({ ...value, [list]: 0 });
          const items = itemsOf(body);
          const isNew = /^(batch|cold|cliff|window):/.test(verdict!);
          // Without a new edit, what left before leaves again byte for byte.
          if (!isNew) expect(items.slice(0, before.length)).toEqual(before);
          if (body !== sent.body) edited++;
          before = items;
          clock.advance(waits[call]!);
        }
      }),
      { numRuns: 150, examples: [[passesOneKilobyte, readsAll, undefined, every5s]] },
    );
    expect(edited).toBeGreaterThan(100);
  });

  it('bears whatever stands in a history', async () => {
    const { fitter, request } = await newFitter();
    const odd = fc.oneof(
      fc.jsonValue(),
      fc.record({
        role: fc.constantFrom('user', 'assistant', 'tool', 'system', 7, null),
        type: fc.constantFrom('message', 'reasoning', 'function_call', 'function_call_output', 1),
        content: fc.jsonValue(),
        output: fc.jsonValue(),
        call_id: fc.constantFrom('a', 'b', null),
        tool_call_id: fc.constantFrom('a', 'b', 3),
        tool_calls: fc.jsonValue(),
      }),
    );
    const bodies = fc.record({
      history: fc.oneof(fc.array(odd), fc.jsonValue()),
      other: fc.jsonValue(),
    });
    fc.assert(
      fc.property(bodies, fc.constantFrom(undefined, 2), ({ history, other }, indent) => {
        const value = { model: 'model', other, [list]: history } as JsonObject;
        const body = Buffer.from(JSON.stringify(value, undefined, indent));
        const { body: left } = fitter.fit(request(dialect, value, { body }));
        expect(left.equals(body)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('leaves a broken history alone, byte for byte, and says why', async () => {
    const { fitter, request } = await newFitter();
    const long = 'result '.repeat(800);
    const steps: Step[] = [
      { kind: 'user', text: 'go' },
      ...Array.from({ length: 12 }, (): Step => ({
        kind: 'tools',
        reasoning: false,
        text: undefined,
        results: [long],
        words: undefined,
        interleaved: false,
      })),
    ];
    const value = rendered(dialect, steps);
    expect(fitter.fit(request(dialect, value)).verdict).toMatch(/^cold|^batch/);
    const items = value[list] as JsonObject[];
    const lastCall = items.findLastIndex(
      (item) => item['role'] === 'assistant' || item['type'] === 'function_call',
    );
    const broken: Record<string, JsonObject[]> = {
      'orphan-result': items.filter((_, index) => index !== lastCall - 2),
      'duplicate-id': [...items, ...items.slice(lastCall)],
      'empty-content': [...items, { role: 'user', content: '' }],
      'unknown-part': [...items, { role: 'user', content: [{ type: 'hologram' }] }],
      attachment: [...items, { role: 'user', content: [{ type: 'image' }] }],
      'unanswered-call': items.slice(0, lastCall + 1),
    };
    for (const [why, history] of Object.entries(broken)) {
      // Another conversation each, so that none inherits an edit.
      const sent = request(dialect, { ...value, [list]: history }, { session: why });
      const { body, verdict } = fitter.fit(sent);
      expect(body).toBe(sent.body);
      expect(verdict).toBe(`left:${why}`);
    }
  });
});
