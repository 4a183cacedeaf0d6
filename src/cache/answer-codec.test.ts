import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Answer } from '../exchange/answer.ts';
import {
  decodeEntry,
  encodeEntry,
  isCompressed,
  labelsOf,
  packCompressed,
  packedLabels,
  packEntry,
  unpackEntry,
} from './answer-codec.ts';
import { sampleEntry } from './sample-entry.ts';
import type { CacheEntry } from './tier.ts';

const double = fc.double({ noNaN: true, min: 0 });
const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });
// A lone surrogate has no UTF-8 form, and no header or model name can hold one.
const text = fc.string({ unit: 'grapheme' });
const bytes = fc.uint8Array({ maxLength: 300 });

const usage = fc.record({
  fresh: count,
  cacheRead: count,
  cacheWrite5m: count,
  cacheWrite1h: count,
  output: count,
  reasoning: count,
  audioInput: count,
  audioOutput: count,
  webSearches: count,
});
const answer: fc.Arbitrary<Answer> = fc.record({
  dialect: fc.constantFrom(
    'openai-chat',
    'openai-responses',
    'openai-completions',
    'openai-embeddings',
    'anthropic-messages',
    'anthropic-count-tokens',
  ),
  model: fc.option(text, { nil: undefined }),
  serviceTier: fc.option(text, { nil: undefined }),
  final: bytes,
  frames: fc.option(bytes, { nil: undefined }),
  headers: fc.array(text, { maxLength: 8 }),
  usage: fc.option(usage, { nil: undefined }),
  usageSource: fc.constantFrom(undefined, 'provider', 'estimated'),
  firstByteMs: double,
  totalMs: double,
});
const anyEntry: fc.Arbitrary<CacheEntry> = fc
  .tuple(
    fc.record({
      key: text,
      answer,
      storedAt: double,
      freshUntil: double,
      staleUntil: double,
      tags: fc.array(text, { maxLength: 6 }),
      worthNanos: fc.option(count, { nil: undefined }),
      epoch: fc.option(double, { nil: undefined }),
    }),
    fc.constantFrom<object>({}, { storage: 'packed' }, { storage: 'plain' }),
    fc.constantFrom<object>({}, { alone: true }),
    fc.constantFrom<object>({}, { status: 404 }),
  )
  .map(([entry, storage, alone, status]): CacheEntry =>
    Object.assign(entry, storage, alone, { answer: Object.assign(entry.answer, status) }),
  );

function reread(entry: CacheEntry): CacheEntry | undefined {
  const { head, body } = encodeEntry(entry);
  return decodeEntry(entry.key, head, new Uint8Array(body));
}

/** With arrays in place of buffers, which `toEqual` would tell apart. */
function plain(entry: CacheEntry): CacheEntry {
  const { final, frames } = entry.answer;
  const bytes = { final: new Uint8Array(final), frames: frames && new Uint8Array(frames) };
  return { ...entry, answer: { ...entry.answer, ...bytes } };
}

describe('an encoded entry', () => {
  it('comes back the same', () => {
    fc.assert(
      fc.property(anyEntry, (entry) => {
        expect(reread(entry)).toEqual(entry);
        expect(plain(unpackEntry(entry.key, packEntry(entry)))).toEqual(entry);
      }),
    );
  });

  it('shows what it is called without its body', () => {
    fc.assert(
      fc.property(anyEntry, (entry) => {
        const { storedAt, tags, epoch } = entry;
        expect(labelsOf(encodeEntry(entry).head)).toEqual({ storedAt, tags, epoch });
      }),
    );
    expect(labelsOf(Buffer.from([1, 2, 3]))).toBeUndefined();
  });

  it('is compressed in memory where it asks for that and is large', () => {
    const entry = sampleEntry({ key: 'k', now: 0 });
    const text = Buffer.from('the same words again '.repeat(4000));
    const large = { ...entry, answer: { ...entry.answer, final: text } };
    const packed = packCompressed({ ...large, storage: 'packed' });
    expect(packed.length).toBeLessThan(2000);
    expect(isCompressed(packed)).toBe(true);
    expect(unpackEntry('k', packed).answer.final).toEqual(text);
    expect(packedLabels(packed)).toEqual(labelsOf(encodeEntry(large).head));
    expect(packCompressed(large).length).toBeGreaterThan(text.length);
    expect(isCompressed(packCompressed({ ...entry, storage: 'packed' }))).toBe(false);
  });

  it('tells an answer without frames from one with none in them', () => {
    const entry = sampleEntry({ key: 'k', now: 0 });
    const empty = { ...entry, answer: { ...entry.answer, frames: new Uint8Array(0) } };
    expect(reread(entry)?.answer.frames).toBeUndefined();
    expect(reread(empty)?.answer.frames).toHaveLength(0);
  });

  it('has no labels, and costs no memory, where its head is damaged', () => {
    const { head } = encodeEntry(sampleEntry({ key: 'k', now: 1_800_000_000_000 }));
    const damaged = fc.array(fc.tuple(fc.nat(head.length - 2), fc.nat(255)), { minLength: 1 });
    const ends = fc.integer({ min: 1, max: head.length });
    fc.assert(
      fc.property(damaged, ends, (changes, end) => {
        const bytes = Buffer.from(head);
        for (const [at, byte] of changes) bytes[at + 1] = byte; // its version stays
        const labels = labelsOf(bytes.subarray(0, end));
        expect(labels?.tags?.length ?? 0).toBeLessThan(head.length);
      }),
    );
    // Seven bits of a number a byte: so many tags, or headers, that no memory holds them.
    for (let at = 1; at < head.length - 5; at++) {
      const bytes = Buffer.from(head);
      bytes.set([0xff, 0xff, 0xff, 0xff, 0x0f], at);
      expect(labelsOf(bytes)?.tags?.length ?? 0).toBeLessThan(head.length);
    }
  });

  it('is a miss where any bit of it is damaged', () => {
    const entry = sampleEntry({ key: 'k', now: 0, bytes: 200, framesBytes: 100 });
    const { head, body } = encodeEntry(entry);
    const whole = Buffer.concat([head, body]);
    const bit = fc.nat({ max: whole.length * 8 - 1 });
    fc.assert(
      fc.property(bit, (at) => {
        const damaged = Buffer.from(whole);
        damaged[at >> 3]! ^= 1 << (at & 7);
        const [badHead, badBody] = [
          damaged.subarray(0, head.length),
          damaged.subarray(head.length),
        ];
        expect(decodeEntry('k', badHead, badBody)).toBeUndefined();
      }),
    );
  });

  it('is a miss where it was cut off or is another version', () => {
    const { head, body } = encodeEntry(sampleEntry({ key: 'k', now: 0 }));
    const other = Buffer.from(head);
    other[0] = 1;
    expect(decodeEntry('k', head.subarray(0, 3), body)).toBeUndefined();
    expect(decodeEntry('k', head, body.subarray(1))).toBeUndefined();
    expect(decodeEntry('k', other, body)).toBeUndefined();
  });
});
