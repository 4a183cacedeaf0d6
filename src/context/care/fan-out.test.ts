import { describe, expect, it } from 'vitest';
import { ContextCare } from '../context-care.ts';
import { claudeBody, claudeTerms, sampleRequest } from '../sample-requests.ts';
import { FanOut } from './fan-out.ts';

const at = Date.UTC(2026, 10, 25);
const switches = { breakpoints: true, order: false, repair: false, affinity: false };

function planOf(care: ContextCare, session: string, turns = 1, body: object = claudeBody(turns)) {
  return care.prepare(sampleRequest(body, { session, at }))!;
}

const create = () => ({
  care: new ContextCare({ terms: () => claudeTerms, switches, waits: true }),
  fanOut: new FanOut({ maxWaitMs: 5000 }),
});

describe('fan-out', () => {
  it('lets others wait for the first with the same cold prefix, until its first token', async () => {
    const { care, fanOut } = create();
    const leader = fanOut.enter(planOf(care, 'a'), at, true);
    const follower = fanOut.enter(planOf(care, 'b'), at, true);
    expect(leader?.kind).toBe('lead');
    expect(follower).toMatchObject({ kind: 'follow', waitMs: 5000 });
    if (leader?.kind === 'lead') leader.release();
    if (follower?.kind === 'follow') await follower.ready;
    expect(fanOut.enter(planOf(care, 'c'), at, true)?.kind).toBe('lead');
  });

  it('waits for a plain answer no longer than its first token takes', () => {
    const { care, fanOut } = create();
    fanOut.enter(planOf(care, 'a'), at, false);
    const follower = fanOut.enter(planOf(care, 'b'), at + 100, false);
    expect(follower?.kind === 'follow' && follower.waitMs).toBeLessThan(3000);
    expect(fanOut.enter(planOf(care, 'c'), at + 60_000, false)).toBeUndefined();
  });

  it('does not hold up another prefix, a conversation that goes on, or what saves too little', () => {
    const { care, fanOut } = create();
    fanOut.enter(planOf(care, 'a'), at, true);
    const other = claudeBody(1, { system: claudeBody(1).system.toUpperCase() });
    expect(fanOut.enter(planOf(care, 'b', 1, other), at, true)?.kind).toBe('lead');
    expect(fanOut.enter(planOf(care, 'a', 2), at, true)).toBeUndefined();
    const cheap = { ...claudeTerms, rates: { fresh: 2, read: 1, write: 3, writeLong: 4 } };
    const poor = new ContextCare({ terms: () => cheap, switches, waits: true });
    fanOut.enter(planOf(poor, 'x'), at, true);
    expect(fanOut.enter(planOf(poor, 'y'), at, true)).toBeUndefined();
  });
});
