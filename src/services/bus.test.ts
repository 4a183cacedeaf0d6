import { describe, expect, it } from 'vitest';
import { SimulatedClock } from '../kernel/simulated-clock.ts';
import { createBus } from './bus.ts';
import { redisFault, type RedisLink, type RedisReply } from './redis.ts';

/** Channels in memory that can lose messages or refuse them. */
class Channels {
  readonly #listeners = new Map<string, Set<{ message: (m: Buffer) => void; gap: () => void }>>();
  fate: 'arrives' | 'lost' | 'refused' = 'arrives';

  link(): RedisLink {
    return {
      connected: true,
      waitedMs: 0,
      send: ([, channel, message]) => this.#publish(String(channel), message as Buffer),
      script: () => Promise.reject(redisFault('no scripts here')),
      subscribe: (channel, message, gap) => {
        const here = this.#listeners.get(channel) ?? new Set();
        this.#listeners.set(channel, here);
        const listener = { message, gap };
        here.add(listener);
        return Promise.resolve(() => {
          here.delete(listener);
          return Promise.resolve();
        });
      },
      close: () => Promise.resolve(),
    };
  }

  breakDown(): void {
    for (const each of this.#listeners.values()) for (const { gap } of each) gap();
  }

  #publish(channel: string, message: Buffer): Promise<RedisReply> {
    if (this.fate === 'refused') return Promise.reject(redisFault('refused'));
    if (this.fate === 'lost') return Promise.resolve(0);
    for (const { message: hear } of this.#listeners.get(channel) ?? []) hear(message);
    return Promise.resolve(1);
  }
}

async function setUp() {
  const clock = new SimulatedClock();
  const channels = new Channels();
  const [one, other] = [0, 1].map(() => createBus({ link: channels.link(), prefix: 'e:', clock }));
  const heard: string[] = [];
  const listener = {
    onMessage: (message: Buffer) => void heard.push(message.toString()),
    onGap: () => void heard.push('gap'),
  };
  await other!.subscribe('news', listener);
  const beat = async (): Promise<void> => {
    clock.advance(1000);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { clock, channels, one: one!, other: other!, heard, beat };
}

describe('the bus', () => {
  it('brings messages of one topic to all others, and not to who sent them', async () => {
    const { one, other, heard } = await setUp();
    expect(await one.publish('news', 'a')).toBe(true);
    await one.publish('weather', 'b');
    await other.publish('news', 'c');
    await one.publish('news', Buffer.from('d'));
    expect(heard).toEqual(['a', 'd']);
  });

  it('tells of a gap when the connection was lost', async () => {
    const { one, channels, heard } = await setUp();
    channels.breakDown();
    await one.publish('news', 'a');
    expect(heard).toEqual(['gap', 'a']);
  });

  it('tells of a message that was lost, at the next one', async () => {
    const { one, channels, heard } = await setUp();
    await one.publish('news', 'a');
    channels.fate = 'lost';
    await one.publish('news', 'b');
    channels.fate = 'arrives';
    await one.publish('news', 'c');
    await one.publish('news', 'd');
    expect(heard).toEqual(['a', 'gap', 'c', 'd']);
  });

  it('tells of a message that was lost though no other comes', async () => {
    const { one, channels, heard, beat } = await setUp();
    channels.fate = 'lost';
    await one.publish('news', 'a');
    channels.fate = 'arrives';
    await beat();
    await beat();
    expect(heard).toEqual(['gap']);
  });

  it('tells of a message that could not be sent, as soon as it can', async () => {
    const { one, channels, heard, beat } = await setUp();
    channels.fate = 'refused';
    expect(await one.publish('news', 'a')).toBe(false);
    await beat();
    await beat();
    expect(heard).toEqual([]);
    channels.fate = 'arrives';
    await beat();
    await beat();
    expect(heard).toEqual(['gap']);
  });
});
