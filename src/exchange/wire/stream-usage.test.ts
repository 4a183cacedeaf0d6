import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { listFixtures, loadFixture } from '../../../test/wire/fixtures.ts';
import { isObject, type JsonObject } from '../../kernel/json.ts';
import { askForUsage, UsageStripper } from './stream-usage.ts';

const include = '"include_usage":true';
const asked = (body: string): string =>
  Buffer.from(askForUsage(Buffer.from(body), JSON.parse(body) as JsonObject)).toString();

describe('askForUsage', () => {
  it.each([
    ['{"model":"m","stream":true}', `{"model":"m","stream":true,"stream_options":{${include}}}`],
    ['{"model":"m"}\n ', `{"model":"m","stream_options":{${include}}}\n `],
    ['{ "model" : "m"\n}', `{ "model" : "m"\n,"stream_options":{${include}}}`],
    ['{}', `{"stream_options":{${include}}}`],
    ['{"stream_options":{},"model":"m"}', `{"stream_options":{${include}},"model":"m"}`],
    ['{"a":1,"stream_options" : { } }', `{"a":1,"stream_options" : {${include} } }`],
    ['{"stream_options":{"x":[1,"}"]}}', `{"stream_options":{${include},"x":[1,"}"]}}`],
    ['{"stream_options":{"include_usage":false,"x":1}}', `{"stream_options":{${include},"x":1}}`],
    ['{"stream_options":{"include_usage": null}}', '{"stream_options":{"include_usage": true}}'],
    ['{"stream_options":null,"n":1}', `{"stream_options":{${include}},"n":1}`],
    [
      '{"a":{"stream_options":{}},"b":"\\"stream_options\\":{","stream_options":{}}',
      `{"a":{"stream_options":{}},"b":"\\"stream_options\\":{","stream_options":{${include}}}`,
    ],
  ])('turns %s into %s', (before, after) => {
    expect(asked(before)).toBe(after);
    expect(JSON.parse(after)).toMatchObject({ stream_options: { include_usage: true } });
  });

  // Names that a scanner of bytes, or an object, could trip over come often. None with escapes: `JSON.parse` itself misreads those (see `EscapedNames`).
  const tricky = ['__proto__', 'include_usage', 'stream_options', '{', '}', ':', ''];
  const plain = fc.string().filter((text) => JSON.stringify(text).length === text.length + 2);
  const name = fc.oneof(fc.constantFrom(...tricky), plain);
  const values = fc.oneof(fc.constantFrom('"', '\\', '{', '}'), fc.boolean(), fc.constant(null));
  const value = fc.oneof(values, fc.dictionary(name, values, { noNullPrototype: true }));
  const members = fc.dictionary(name, value, { noNullPrototype: true });

  it('changes nothing else in any body, and nothing at all where a type is wrong', () => {
    fc.assert(
      fc.property(members, fc.constantFrom(undefined, 1, '\t'), (given, indent) => {
        const text = JSON.stringify({ ...given, tail: 1 }, undefined, indent);
        const parsed = JSON.parse(text) as JsonObject;
        const own =
          parsed['stream_options'] ?? (Object.hasOwn(parsed, 'stream_options') ? null : {});
        const isRight = own === null || isObject(own);
        const said =
          isObject(own) && Object.hasOwn(own, 'include_usage') ? own['include_usage'] : null;
        if (!isRight || (said !== null && typeof said !== 'boolean')) {
          expect(asked(text)).toBe(text);
          return;
        }
        const wanted = { ...parsed, stream_options: { ...own, include_usage: true } };
        expect(JSON.parse(asked(text))).toEqual(wanted);
        expect(asked(text).length - text.length).toBeLessThanOrEqual(41);
      }),
    );
  });

  it('keeps the options that it finds', () => {
    fc.assert(
      fc.property(members, members, fc.constantFrom(undefined, 1, '\t'), (given, own, indent) => {
        fc.pre(typeof (own['include_usage'] ?? true) === 'boolean');
        const text = JSON.stringify({ ...given, stream_options: own, tail: 1 }, undefined, indent);
        const parsed = JSON.parse(text) as Record<string, object>;
        const options = { ...parsed['stream_options'], include_usage: true };
        expect(JSON.parse(asked(text))).toEqual({ ...parsed, stream_options: options });
      }),
    );
  });
});

const stripped = (...chunks: readonly (string | Buffer)[]): string => {
  const stripper = new UsageStripper();
  const parts = chunks.map((chunk) => stripper.push(Buffer.from(chunk)));
  return Buffer.concat([...parts, stripper.finish()]).toString();
};

/** A stream as it comes asked, from the same stream unasked. */
function asAsked(unasked: string): string {
  const usage = '{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}';
  const head = '{"id":"c","object":"chat.completion.chunk"';
  return unasked
    .replaceAll(/("finish_reason":(?:null|"\w+")[^\]]*?\}\])/g, '$1,"usage":null')
    .replace(
      'data: [DONE]',
      `data: ${head},"choices":[],"usage":${usage},"obfuscation":"x"}\n\ndata: [DONE]`,
    );
}

describe('UsageStripper', () => {
  it.each(['stream', 'long', 'long-plain', 'refusal', 'custom-tool', 'error-in-stream', 'torn'])(
    'gives the bytes that %s would have had unasked',
    (name) => {
      const unasked = loadFixture('openai-chat', name).response.toString();
      const full = asAsked(unasked);
      expect(full).not.toBe(unasked);
      expect(stripped(full)).toBe(unasked);
      // However it is torn.
      const bytes = Buffer.from(full);
      fc.assert(
        fc.property(fc.nat(bytes.length), fc.nat(bytes.length), (a, b) => {
          const [from, to] = [Math.min(a, b), Math.max(a, b)];
          const parts = [bytes.subarray(0, from), bytes.subarray(from, to), bytes.subarray(to)];
          expect(stripped(...parts)).toBe(unasked);
        }),
        { numRuns: 20 },
      );
    },
  );

  it('leaves streams without usage as they are', () => {
    for (const { name, response, request } of listFixtures('openai-chat')) {
      if (request.includes('include_usage') || response.includes('"usage"')) continue;
      expect(stripped(response), name).toBe(response.toString());
    }
  });

  it.each([
    ['{"choices":[{"delta":{"content":",\\"usage\\":null"}}]}'],
    ['{"choices":[{"delta":{"content":"usage"}}]}'],
    ['{"choices":[{"delta":{"x":{"a":1,"usage":null}}}]}'],
    ['{"x_groq":{"id":"r","usage":null},"choices":[{}]}'],
    ['{"choices":[{"index":0,"usage":null}]}'],
    ['{"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":1}}'],
    ['{"choices":[],"prompt_filter_results":[]}'],
  ])('keeps %s', (json) => {
    const frame = `data: ${json}\n\n`;
    expect(stripped(frame)).toBe(frame);
  });

  it.each([
    ['{"usage":null,"choices":[{}]}', '{"choices":[{}]}'],
    ['{"choices": [{}], "usage": null}', '{"choices": [{}]}'],
    ['{"choices":[{}],"usage":null,"x":{"a":[1]}}', '{"choices":[{}],"x":{"a":[1]}}'],
    [
      '{"choices":[{"delta":{"content":"\\",\\"usage\\":null"}}],"usage":null}',
      '{"choices":[{"delta":{"content":"\\",\\"usage\\":null"}}]}',
    ],
  ])('turns %s into %s', (before, after) => {
    expect(stripped(`data: ${before}\n\n`)).toBe(`data: ${after}\n\n`);
    expect(stripped(`data: ${before}\r\n\r\n`)).toBe(`data: ${after}\r\n\r\n`);
  });

  it('finds the usage before a long end', () => {
    const tail = `"vendor":"${'x'.repeat(2000)}"}\n\n`;
    expect(stripped(`data: {"choices":[{}],"usage":null,${tail}`)).toBe(
      `data: {"choices":[{}],${tail}`,
    );
  });

  it('passes a torn end on', () => {
    expect(stripped('data: a\n\ndata: b')).toBe('data: a\n\ndata: b');
  });
});
