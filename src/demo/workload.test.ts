import { expect, it } from 'vitest';
import { seededRandom } from '../kernel/random.ts';
import type { LedgerRow } from '../ledger/row.ts';
import { demoAnswers } from './send-workload.ts';
import { summarise } from './summary.ts';
import { demoWorkload } from './workload.ts';

it('is the same for the same seed', () => {
  const [one, same, other] = [1, 1, 2].map((seed) =>
    JSON.stringify(demoWorkload(seededRandom(seed))),
  );
  expect(one).toBe(same);
  expect(one).not.toBe(other);
});

it('has both dialects, tools, streams, repetition and duplicates of one moment', () => {
  const lanes = demoWorkload(seededRandom(1));
  const calls = lanes.flat(2);
  const share = (test: (call: (typeof calls)[number]) => boolean): number =>
    calls.filter(test).length / calls.length;
  expect(share(({ path }) => path === '/v1/messages')).toBeGreaterThan(0.2);
  expect(share(({ body }) => body['stream'] === true)).toBeGreaterThan(0.2);
  expect(share(({ answer }) => answer.toolCalls !== undefined)).toBeGreaterThan(0.2);
  expect(lanes.some((lane) => lane.some((step) => step.length > 1))).toBe(true);
  expect(new Set(calls.map(({ body }) => JSON.stringify(body))).size).toBeLessThan(
    calls.length * 0.8,
  );
});

it('gives the simulated model an answer to each of its questions', () => {
  const lanes = demoWorkload(seededRandom(1));
  const answer = demoAnswers(lanes);
  for (const call of lanes.flat(2)) {
    const asked = {
      method: 'POST',
      path: call.path,
      rawHeaders: [],
      body: Buffer.alloc(0),
      dialect: undefined,
    };
    expect(answer({ ...asked, json: { ...call.body, stream_options: {} } })).toEqual(call.answer);
  }
});

it('sums up what the ledger booked', () => {
  const row = (parts: Partial<LedgerRow>): LedgerRow =>
    ({ costNanos: 0, totalMs: 10, ...parts }) as LedgerRow;
  const summary = summarise([
    row({ costNanos: 3_000_000_000, withoutCostNanos: 3_000_000_000, totalMs: 1_000 }),
    row({ withoutCostNanos: 2_000_000_000, savedBy: 'exact-cache', savedMs: 990 }),
    row({ withoutCostNanos: 1_000_000_000, savedBy: 'coalescing', savedMs: 0 }),
  ]);
  expect(summary).toEqual({
    calls: 3,
    without: { calls: 3, usd: 6, seconds: 2.01 },
    with: { calls: 1, usd: 3, seconds: 1.02 },
    saved: {
      usd: 3,
      seconds: 0.99,
      by: {
        'exact-cache': { calls: 1, usd: 2, seconds: 0.99 },
        coalescing: { calls: 1, usd: 1, seconds: 0 },
      },
    },
  });
});
