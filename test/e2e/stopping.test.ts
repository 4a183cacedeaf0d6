import { describe, expect, it } from 'vitest';
import { SimulatedClock } from '../../src/kernel/simulated-clock.ts';
import { systemClock, type Clock } from '../../src/kernel/clock.ts';
import { chat, send, startHouse, until } from './harness.ts';
import { exchange } from './raw-socket.ts';

const path = '/v1/chat/completions';

describe('a gateway that is told to stop', () => {
  it('finishes every stream that has begun', async () => {
    const house = await startHouse({
      provider: { gapMs: 10, answer: () => ({ text: 'word '.repeat(100) }) },
    });
    let stopped: Promise<void> | undefined;
    const running = send(house.url + path, chat({ stream: true }), {
      onChunk: () => void (stopped ??= house.gateway.stop()),
    });
    const idle = send(house.url + path, chat({ stream: true, seed: 1 }));
    const answer = await running;
    expect([answer.broken, answer.body.toString().includes('[DONE]')]).toEqual([false, true]);
    expect((await idle).body.toString()).toContain('[DONE]');
    await stopped;
    await until(() => house.rows.length === 2);
    expect(house.rows.map(({ outcome }) => outcome)).toEqual(['ok', 'ok']);
  });

  it('says so to a request that comes on a connection that is still busy', async () => {
    const house = await startHouse({ provider: { firstByteMs: 100 } });
    const body = chat();
    const one = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const text = await exchange(
      house.url,
      one,
      () => false,
      (write) => {
        void until(() => house.provider.inFlight === 1).then(() => {
          void house.gateway.stop();
          write(one);
        });
      },
    );
    expect(text.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 503']);
    expect(text).toContain('ECO_STOPPING');
    expect(house.provider.calls).toHaveLength(1);
  });

  it('cuts what is left when the grace is over, and books it', async () => {
    const house = await startHouse({
      provider: { firstByteMs: 60_000 },
      config: { shutdown_grace: '100ms' },
    });
    const hanging = send(house.url + path, chat());
    await until(() => house.provider.inFlight === 1);
    const [answer] = await Promise.allSettled([hanging, house.gateway.stop()]);
    expect(answer.status).toBe('rejected');
    await until(() => house.rows.length === 1);
    expect(house.rows[0]!.outcome).toBe('cancelled');
    await until(() => house.provider.aborted === 1);
  });

  it('does not wait for ever for a revalidation that nobody waits for', async () => {
    const simulated = new SimulatedClock(Date.UTC(2026, 10, 1));
    const clock: Clock = {
      now: () => simulated.now(),
      tick: () => systemClock.tick(),
      after: (ms, task) => systemClock.after(ms, task),
    };
    const house = await startHouse({
      clock,
      config: {
        cache: { ttl: '60s', stale_while_revalidate: '60s' },
        shutdown_grace: '100ms',
      },
    });
    await send(house.url + path, chat({ temperature: 0 }));
    simulated.advance(90_000);
    house.provider.failNext({ kind: 'slow', ms: 60_000 });
    await send(house.url + path, chat({ temperature: 0 }));
    await until(() => house.provider.inFlight === 1);
    await house.gateway.stop();
    await until(() => house.provider.inFlight === 0);
  });
});
