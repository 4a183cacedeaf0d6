import { describe, expect, it } from 'vitest';
import { EconomizerError } from '../../kernel/errors.ts';
import { Signals } from '../../kernel/signals.ts';
import { SimulatedClock } from '../../kernel/simulated-clock.ts';
import { PurgeQueue, type PurgeQueueOptions, type Untold } from './purge-queue.ts';
import type { PurgeFailure } from './purge-way.ts';

/** An edge that does what it is told, until `failure` says otherwise. */
function stage(options: Partial<PurgeQueueOptions> = {}) {
  const clock = new SimulatedClock();
  const signals = new Signals();
  const told: string[] = [];
  const heard: string[] = [];
  const kept: (readonly Untold[])[] = [];
  const state: { failure: PurgeFailure | undefined } = { failure: undefined };
  signals.on('part-failed', () => heard.push('failed'));
  signals.on('part-healed', () => heard.push('healed'));
  const queue = new PurgeQueue({
    way: {
      name: 'edge',
      batchMax: 3,
      async purge(keys, soft) {
        told.push(`${soft ? 'soft' : 'hard'} ${keys.join(' ')}`);
        return state.failure;
      },
    },
    everything: () => ['everything'],
    onChange: (untold) => kept.push(untold),
    clock,
    signals,
    ...options,
  });
  const pass = async (ms: number) => {
    clock.advance(ms);
    for (let turn = 0; turn < 30; turn++) await Promise.resolve();
  };
  return { queue, told, heard, kept, state, pass };
}

const error = new EconomizerError('ECO_EDGE', 'It is down.');

describe('what an edge is to be told', () => {
  it('is told at once, in batches, the hard before the soft, and once more after a second', async () => {
    const { queue, told, pass } = stage();
    const soft = queue.add(['s'], true);
    const hard = queue.add(['a', 'b', 'c', 'd'], false);
    expect([await soft, await hard]).toEqual([undefined, undefined]);
    expect(told).toEqual(['hard a b c', 'hard d', 'soft s']);
    expect(queue.isBehind).toBe(false);
    told.length = 0;
    await pass(999);
    expect(told).toEqual([]);
    await pass(1);
    expect(
      told
        .join(' ')
        .split(' ')
        .filter((word) => word.length === 1)
        .toSorted(),
    ).toEqual(['a', 'b', 'c', 'd', 's']);
    told.length = 0;
    await pass(100_000);
    expect(told).toEqual([]);
  });

  it('is told no second time where nothing of it can be on its way', async () => {
    const { queue, told, pass } = stage();
    await queue.add(['a'], false, true);
    await pass(100_000);
    expect(told).toEqual(['hard a']);
  });

  it('is told again with growing pauses until the edge has heard, and both are said', async () => {
    const { queue, told, heard, state, pass } = stage();
    state.failure = { error };
    expect(await queue.add(['a'], false)).toBe(error);
    expect(queue.isBehind).toBe(true);
    await pass(500);
    await pass(1000);
    expect(told.length).toBeGreaterThan(2);
    state.failure = undefined;
    await pass(60_000);
    expect([queue.isBehind, heard.at(0), heard.at(-1)]).toEqual([false, 'failed', 'healed']);
  });

  it('waits as long as the edge asks for, whoever has more to say', async () => {
    const { queue, told, state, pass } = stage();
    state.failure = { error, retryAfterMs: 30_000 };
    await queue.add(['a'], false);
    state.failure = undefined;
    expect(await queue.add(['b'], false)).toBe(error);
    await pass(29_999);
    expect(told).toEqual(['hard a']);
    await pass(1);
    expect(told).toEqual(['hard a', 'hard a b']);
  });

  it('is gone where it was both', async () => {
    const { queue, told } = stage();
    void queue.add(['a'], false);
    await queue.add(['a'], true);
    expect(told).toEqual(['hard a']);
  });

  it('is everything where it was too much', async () => {
    const { queue, told } = stage({ most: 4 });
    await queue.add(['a', 'b', 'c', 'd', 'e'], true);
    expect(told).toEqual(['hard everything']);
  });

  it('is what an earlier life did not tell, and is kept until it is told', async () => {
    const { queue, told, kept, pass } = stage({ untold: [['old', false]] });
    expect(queue.isBehind).toBe(true);
    await pass(0);
    expect(told).toEqual(['hard old']);
    expect(kept).toEqual([[]]);
    await queue.add(['new'], true);
    expect(kept).toEqual([[], [['new', true]], []]);
  });

  it('is left to the next life once this one is over', async () => {
    const { queue, told, kept, state, pass } = stage();
    state.failure = { error };
    await queue.add(['a'], false);
    await queue.close();
    await pass(600_000);
    expect([told.length, kept.at(-1)]).toEqual([1, [['a', false]]]);
  });
});
