import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { listFixtures, loadFixture } from '../../test/wire/fixtures.ts';
import { decodeFrames, encodeFrames, splitFrames } from './frames.ts';
import { SseParser } from './sse.ts';

describe('frames', () => {
  it('gives back exactly the frames it was given', () => {
    const frame = fc.oneof(
      fc.uint8Array(),
      fc
        .string()
        .map((text) => Buffer.from(`data: {"same":"start","text":"${text}","same":"end"}`)),
    );
    fc.assert(
      fc.property(fc.array(frame), (frames) => {
        const decoded = decodeFrames(encodeFrames(frames));
        expect(decoded.map(String)).toEqual(frames.map((each) => String(Buffer.from(each))));
        expect(Buffer.concat(decoded)).toEqual(Buffer.concat(frames));
      }),
    );
  });

  it('refuses bytes that are not its work', () => {
    const bytes = encodeFrames([Buffer.from('data: one\n\n'), Buffer.from('data: two\n\n')]);
    for (const damaged of [bytes.subarray(0, -1), Buffer.concat([bytes, bytes]), Buffer.alloc(0)]) {
      expect(() => decodeFrames(damaged)).toThrow(
        expect.objectContaining({ code: 'ECO_INTERNAL' }),
      );
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (noise) => {
        try {
          decodeFrames(noise);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ECO_INTERNAL' });
        }
      }),
    );
  });

  it('keeps a chat stream of 50 chunks in less than an eighth of its text, obfuscated or not', () => {
    const share = (name: string): number => {
      const { response } = loadFixture('openai-chat', name);
      return encodeFrames(splitFrames(response)).length / response.length;
    };
    expect(share('long-plain')).toBeLessThan(1 / 12);
    expect(share('long')).toBeLessThan(1 / 8);
  });
});

describe('splitFrames', () => {
  it('cuts a stream where its events end, and loses no byte', () => {
    for (const { response } of [
      ...listFixtures('openai-chat'),
      ...listFixtures('anthropic-messages'),
    ]) {
      const frames = splitFrames(response);
      expect(Buffer.concat(frames).equals(response)).toBe(true);
      const whole = new SseParser().push(response);
      expect(frames.flatMap((frame) => new SseParser().push(frame))).toEqual(whole);
    }
  });

  it('loses no byte of any text', () => {
    const text = fc
      .array(fc.constantFrom('data: x', '\n', '\r', '\r\n', '\n\n'))
      .map((p) => p.join(''));
    fc.assert(
      fc.property(text, (each) => {
        expect(String(Buffer.concat(splitFrames(Buffer.from(each))))).toBe(each);
      }),
    );
  });

  it('leaves a rest without end as its own frame', () => {
    expect(splitFrames(Buffer.from('data: a\n\ndata: b')).map(String)).toEqual([
      'data: a\n\n',
      'data: b',
    ]);
    expect(splitFrames(Buffer.from('data: a\r\n\r\ndata: b')).map(String)).toEqual([
      'data: a\r\n\r\n',
      'data: b',
    ]);
  });
});
