import { EventEmitter } from 'node:events';
import { expect, it, vi } from 'vitest';
import { untilStopped, welcome } from './serve.ts';

/** As much of a process as stopping has to do with. */
class FakeProcess extends EventEmitter {
  readonly exit = vi.fn();
}

function stopping(stop: () => Promise<void>) {
  const fake = new FakeProcess();
  const ended = untilStopped({ stop }, fake as unknown as NodeJS.Process);
  return { fake, ended };
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

it('ends at once on the second', () => {
  const { fake } = stopping(() => new Promise(() => {}));
  fake.emit('SIGINT', 'SIGINT');
  fake.emit('SIGINT', 'SIGINT');
  expect(fake.exit).toHaveBeenCalledWith(1);
});

it('tells clients where to go, in one line', () => {
  const line = welcome('http://127.0.0.1:8787');
  expect(line).not.toContain('\n');
  expect(line).toContain('OPENAI_BASE_URL=http://127.0.0.1:8787/v1');
  expect(line).toContain('ANTHROPIC_BASE_URL=http://127.0.0.1:8787');
});
