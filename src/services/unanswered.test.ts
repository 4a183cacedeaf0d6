import { describe, expect, it } from 'vitest';
import { systemClock } from '../kernel/clock.ts';
import { Unanswered } from './unanswered.ts';

const never = () => new Promise<never>(() => {});
const text = (act: Promise<unknown>) => act.then(String, String);
const limits = { commands: 3, bytes: 100 };

describe('commands that wait for their replies', () => {
  it('get them, and leave room then', async () => {
    const table = new Unanswered(systemClock, limits);
    expect(await table.within(Promise.resolve('a'), 60, 1000)).toBe('a');
    expect([table.count, table.oldestMs, table.isFull(60)]).toEqual([0, 0, false]);
  });

  it('are bounded by number and by bytes', () => {
    const table = new Unanswered(systemClock, limits);
    table.within(never(), 60, 10_000).catch(() => {});
    expect([table.isFull(40), table.isFull(41)]).toEqual([false, true]);
    table.within(never(), 0, 10_000).catch(() => {});
    table.within(never(), 0, 10_000).catch(() => {});
    expect(table.isFull(0)).toBe(true);
  });

  it('are told each at its own time, and stay counted until the connection is done with them', async () => {
    const table = new Unanswered(systemClock, limits);
    let answer = (_reply: string): void => {};
    const reply = new Promise<string>((resolve) => (answer = resolve));
    const from = performance.now();
    const quick = text(table.within(reply, 10, 20));
    const slow = text(table.within(never(), 10, 60));
    expect(await quick).toMatch(/within 20 ms/);
    expect(performance.now() - from).toBeGreaterThanOrEqual(20);
    expect(await slow).toMatch(/within 60 ms/);
    expect(performance.now() - from).toBeGreaterThanOrEqual(60);
    expect(table.count).toBe(2);
    expect(table.oldestMs).toBeGreaterThan(50);
    answer('late');
    await reply;
    await Promise.resolve();
    expect(table.count).toBe(1);
  });

  it('are not late because we were', async () => {
    const table = new Unanswered(systemClock, limits);
    // The reply comes with the first round of the event loop, which is held up for longer than the deadline.
    const reply = new Promise((resolve) => setImmediate(() => resolve('in time')));
    const waiting = table.within(reply, 10, 20);
    for (const end = performance.now() + 80; performance.now() < end;);
    expect(await waiting).toBe('in time');
  });

  it('fail with what went wrong', async () => {
    const heard: string[] = [];
    const table = new Unanswered(systemClock, limits, (error) => heard.push(error.message));
    const failed = Promise.reject(new Error('READONLY you cannot write'));
    expect(await text(table.within(failed, 10, 1000))).toMatch(/Redis failed: READONLY/);
    expect(heard).toHaveLength(1);
  });
});
