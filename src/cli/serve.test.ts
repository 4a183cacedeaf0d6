import { EventEmitter } from 'node:events';
import { expect, it, vi } from 'vitest';
import { SimulatedClock } from '../kernel/simulated-clock.ts';
import { untilStopped, welcome } from './serve.ts';

/** As much of a process as stopping has to do with. */
class FakeProcess extends EventEmitter {
  readonly exit = vi.fn();
}

function stopping(stop: () => Promise<void>) {
  const fake = new FakeProcess();
  const clock = new SimulatedClock();
  const process = fake as unknown as NodeJS.Process;
  return { fake, clock, ended: untilStopped({ gateway: { stop }, process, clock }) };
}

it('stops the gateway on the first signal and leaves no listener behind', async () => {
  const stop = vi.fn(() => Promise.resolve());
  const { fake, ended } = stopping(stop);
  fake.emit('SIGTERM', 'SIGTERM');
  await ended;
  expect(stop).toHaveBeenCalledOnce();
  expect(fake.exit).not.toHaveBeenCalled();
  expect(fake.listenerCount('SIGTERM') + fake.listenerCount('SIGINT')).toBe(0);
});

it('ends at once on the second, but not on an echo of the first', () => {
  const { fake, clock } = stopping(() => new Promise(() => {}));
  fake.emit('SIGINT', 'SIGINT');
  fake.emit('SIGINT', 'SIGINT');
  expect(fake.exit).not.toHaveBeenCalled();
  clock.advance(1000);
  fake.emit('SIGINT', 'SIGINT');
  expect(fake.exit).toHaveBeenCalledWith(1);
});

it('passes on that stopping failed', async () => {
  const { fake, ended } = stopping(() => Promise.reject(new Error('disk is full')));
  fake.emit('SIGTERM', 'SIGTERM');
  await expect(ended).rejects.toThrow('disk is full');
});

it('tells clients where to go, in one line', () => {
  const line = welcome('http://127.0.0.1:8787');
  expect(line).not.toContain('\n');
  expect(line).toContain('OPENAI_BASE_URL=http://127.0.0.1:8787/v1');
  expect(line).toContain('ANTHROPIC_BASE_URL=http://127.0.0.1:8787');
});
