import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ByteSink, ByteStream } from '../exchange/stream.ts';
import { Broadcast } from './broadcast.ts';

/** A source that is pushed by hand. */
class HandSource implements ByteStream {
  sink: ByteSink | undefined;
  paused = false;
  cancelled: Error | undefined;
  open(sink: ByteSink): void {
    this.sink = sink;
  }
  resume(): void {
    this.paused = false;
  }
  cancel(reason: Error): void {
    this.cancelled = reason;
  }
  push(text: string): void {
    this.paused = !this.sink!.write(Buffer.from(text)) || this.paused;
  }
}

/** A reader that takes `room` chunks before it asks for a pause. */
class Taker implements ByteSink {
  text = '';
  state = 'open';
  room: number;
  constructor(room = Infinity) {
    this.room = room;
  }
  write(chunk: Uint8Array): boolean {
    this.text += Buffer.from(chunk).toString();
    return --this.room > 0;
  }
  end(): void {
    this.state = 'ended';
  }
  fail(error: Error): void {
    this.state = error.message;
  }
}

const nothing = (): void => {};

describe('a broadcast', () => {
  it('gives a late reader everything from the first byte', () => {
    const source = new HandSource();
    const broadcast = new Broadcast(source);
    const [first, late] = [new Taker(), new Taker()];
    broadcast.reader(nothing).open(first);
    source.push('a');
    source.push('b');
    broadcast.reader(nothing).open(late);
    source.push('c');
    source.sink!.end();
    expect([first.text, late.text, first.state, late.state]).toEqual([
      'abc',
      'abc',
      'ended',
      'ended',
    ]);
    expect(broadcast.joinable).toBe(false);
  });

  it('of any length is held in bounded memory; once it is long, nobody joins any more', () => {
    const source = new HandSource();
    const broadcast = new Broadcast(source);
    const readers = [new Taker(), new Taker()];
    for (const reader of readers) broadcast.reader(nothing).open(reader);
    const chunk = 'x'.repeat(256 * 1024);
    for (let count = 0; count < 32; count++) source.push(chunk);
    expect(broadcast.joinable).toBe(true);
    for (let count = 0; count < 32; count++) source.push(chunk);
    expect(broadcast.joinable).toBe(false);
    expect(broadcast.heldBytes).toBeLessThan(2 * 1024 * 1024);
    source.push('end');
    source.sink!.end();
    for (const reader of readers) {
      expect(reader.text.length).toBe(64 * chunk.length + 3);
      expect([reader.text.slice(-4), reader.state]).toEqual(['xend', 'ended']);
    }
  });

  it('keeps what its slowest reader has not read', () => {
    const source = new HandSource();
    const broadcast = new Broadcast(source);
    const [quick, slow] = [new Taker(), new Taker(1)];
    broadcast.reader(nothing).open(quick);
    const slowReader = broadcast.reader(nothing);
    slowReader.open(slow);
    for (let count = 0; count < 40; count++) source.push(String(count % 10).repeat(256 * 1024));
    source.sink!.end();
    slow.room = Infinity;
    slowReader.resume();
    expect([slow.text === quick.text, slow.state]).toEqual([true, 'ended']);
  });

  it('runs at the pace of the fastest reader and pauses when nobody wants more', () => {
    const source = new HandSource();
    const broadcast = new Broadcast(source);
    const slow = new Taker(1);
    const quick = new Taker(2);
    const slowReader = broadcast.reader(nothing);
    slowReader.open(slow);
    broadcast.reader(nothing).open(quick);
    source.push('a');
    expect(source.paused).toBe(false);
    source.push('b');
    expect(source.paused).toBe(true);
    slow.room = Infinity;
    slowReader.resume();
    expect(slow.text).toBe('ab');
    expect(source.paused).toBe(false);
  });

  it('pauses the source while a reader lags too far behind', () => {
    const source = new HandSource();
    const broadcast = new Broadcast(source);
    const slow = new Taker(1);
    const slowReader = broadcast.reader(nothing);
    slowReader.open(slow);
    broadcast.reader(nothing).open(new Taker());
    const megabyte = 'x'.repeat(1024 * 1024);
    for (let index = 0; index < 10; index++) source.push(megabyte);
    expect(source.paused).toBe(true);
    slow.room = Infinity;
    slowReader.resume();
    expect(source.paused).toBe(false);
  });

  it('cancels the source only when the last reader leaves', () => {
    const source = new HandSource();
    const broadcast = new Broadcast(source);
    const left: string[] = [];
    const one = broadcast.reader(() => left.push('one'));
    const two = broadcast.reader(() => left.push('two'));
    const taker = new Taker();
    one.open(new Taker());
    two.open(taker);
    one.cancel(new Error('gone'));
    source.push('a');
    expect([source.cancelled, taker.text]).toEqual([undefined, 'a']);
    two.abort(new Error('gone too'));
    expect(source.cancelled?.message).toBe('gone too');
    expect([left, taker.state]).toEqual([['one', 'two'], 'gone too']);
  });

  it('tells every reader of a failure', () => {
    const source = new HandSource();
    const broadcast = new Broadcast(source);
    const takers = [new Taker(), new Taker()];
    for (const taker of takers) broadcast.reader(nothing).open(taker);
    source.push('a');
    source.sink!.fail(new Error('reset'));
    expect(takers.map(({ text, state }) => [text, state])).toEqual([
      ['a', 'reset'],
      ['a', 'reset'],
    ]);
  });

  it('brings all readers the same, whenever they come and however they pause', () => {
    const step = fc.oneof(
      fc.record({
        do: fc.constant('push' as const),
        text: fc.string({ minLength: 1, maxLength: 3 }),
      }),
      fc.record({ do: fc.constant('join' as const), room: fc.integer({ min: 1, max: 4 }) }),
      fc.record({
        do: fc.constant('resume' as const),
        which: fc.nat(5),
        room: fc.integer({ min: 1, max: 4 }),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const source = new HandSource();
        const broadcast = new Broadcast(source);
        const readers: { reader: ByteStream; taker: Taker }[] = [];
        const join = (room: number): void => {
          const entry = { reader: broadcast.reader(nothing), taker: new Taker(room) };
          readers.push(entry);
          entry.reader.open(entry.taker);
        };
        join(1);
        let sent = '';
        for (const each of steps) {
          if (each.do === 'push') {
            source.push(each.text);
            sent += Buffer.from(each.text).toString();
          } else if (each.do === 'join') join(each.room);
          else {
            const chosen = readers[each.which % readers.length]!;
            chosen.taker.room = each.room;
            chosen.reader.resume();
          }
        }
        source.sink!.end();
        for (const { reader, taker } of readers) {
          taker.room = Infinity;
          reader.resume();
          expect([taker.text, taker.state]).toEqual([sent, 'ended']);
        }
      }),
    );
  });
});
