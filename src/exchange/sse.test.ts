import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { listFixtures } from '../../test/wire/fixtures.ts';
import type { SseEvent } from './dialect.ts';
import { frameEnd, SseParser, sseText } from './sse.ts';

function parse(...chunks: readonly (string | Uint8Array)[]): SseEvent[] {
  const parser = new SseParser();
  return chunks.flatMap((chunk) =>
    parser.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk),
  );
}

const data = (text: string): SseEvent => ({ event: undefined, data: text });

describe('SseParser', () => {
  it.each([
    ['a plain event', 'data: a\n\n', [data('a')]],
    ['a named event', 'event: ping\ndata: {}\n\n', [{ event: 'ping', data: '{}' }]],
    ['carriage returns and line feeds', 'data: a\r\n\r\ndata: b\r\n\r\n', [data('a'), data('b')]],
    ['carriage returns alone', 'data: a\r\rdata: b\r\r', [data('a'), data('b')]],
    ['several data lines', 'data: a\ndata:\ndata: b\n\n', [data('a\n\nb')]],
    ['no space, and two', 'data:a\n\ndata:  b\n\n', [data('a'), data(' b')]],
    ['an empty data line', 'data\n\n', [data('')]],
    ['comments and other fields', ': hi\nid: 7\nretry: 9\ndatabase: x\ndata: a\n\n', [data('a')]],
    ['an event without data', 'event: a\n\ndata: b\n\n', [data('b')]],
    ['a byte order mark', '\uFEFFdata: a\n\n', [data('a')]],
    ['what no blank line ends', 'data: a\n\ndata: b\n', [data('a')]],
  ])('reads %s', (_, text, events) => {
    expect(parse(text)).toEqual(events);
  });

  it('reads the same however the bytes are torn, through characters and line endings too', () => {
    const word = fc.constantFrom('data: ä🌍', 'event: x', ': c', 'data', '\n', '\r\n', '\r', '');
    fc.assert(
      fc.property(fc.array(word), fc.array(fc.nat(200)), (words, cuts) => {
        const bytes = Buffer.from(`${words.join('\n')}\n\n`);
        const at = [...new Set(cuts.map((cut) => cut % bytes.length))].sort((a, b) => a - b);
        const chunks = [0, ...at].map((cut, index) => bytes.subarray(cut, at[index]));
        expect(parse(...chunks)).toEqual(parse(bytes));
      }),
    );
  });

  it('reads every stream of the fixtures byte by byte as it does whole', () => {
    for (const { response, streamed } of listFixtures('openai-chat')) {
      if (!streamed) continue;
      const bytes = [...response].map((byte) => Uint8Array.of(byte));
      expect(parse(...bytes)).toEqual(parse(response));
    }
  });

  it('says whether the stream broke off within a frame', () => {
    const parser = new SseParser();
    parser.push(Buffer.from('data: a\n\n'));
    expect(parser.finish()).toBe(true);
    parser.push(Buffer.from('data: b'));
    expect(parser.finish()).toBe(false);
  });

  it('refuses a frame without end', () => {
    const parser = new SseParser({ frameLimit: 64 });
    const push = (): unknown => parser.push(Buffer.from('data: '.padEnd(40, 'x')));
    push();
    expect(push).toThrow(expect.objectContaining({ code: 'ECO_UPSTREAM_NOT_API' }));
  });

  it('takes back what sseText writes', () => {
    const event = fc.record({
      event: fc.option(fc.stringMatching(/^[a-z.]+$/), { nil: undefined }),
      data: fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\r')),
    });
    fc.assert(
      fc.property(fc.array(event), (events) => {
        expect(parse(events.map(sseText).join(''))).toEqual(events);
      }),
    );
  });
});

describe('frameEnd', () => {
  it.each([
    ['', 0],
    ['data: a', 0],
    ['data: a\n', 0],
    ['data: a\n\n', 9],
    ['data: a\n\ndata', 9],
    ['data: a\r\n', 0],
    ['data: a\r\n\r\nda', 11],
    ['data: a\r\n\r', 10],
    ['a\rb\r\rc', 5],
  ])('of %j is %i', (text, end) => {
    expect(frameEnd(Buffer.from(text))).toBe(end);
  });
});
