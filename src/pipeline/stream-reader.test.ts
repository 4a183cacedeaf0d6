import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { dialects } from '../exchange/wire/index.ts';
import { StreamReader } from './stream-reader.ts';

const chunk = (content: string): string =>
  `data: ${JSON.stringify({ id: 'c', model: 'm', choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`;
const last =
  'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';

function harvestOf(bytes: Buffer, encoding: string | undefined, pieceBytes: number) {
  const reader = new StreamReader(dialects['openai-chat'], encoding);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    reader.push(bytes.subarray(at, at + pieceBytes));
  }
  return reader.harvest();
}

describe('reading a stream on the side', () => {
  const text = Buffer.from(chunk('one ') + chunk('two') + last);

  it.each([1, 7, 10_000])('gives message and text whatever the pieces: %d bytes', (pieceBytes) => {
    const { final, events, facts } = harvestOf(text, undefined, pieceBytes);
    expect(facts.outputText).toBe('one two');
    expect(JSON.parse(Buffer.from(final!).toString())).toMatchObject({ id: 'c' });
    expect(Buffer.from(events!).equals(text)).toBe(true);
  });

  it('reads a coded one as a whole', () => {
    expect(harvestOf(gzipSync(text), 'gzip', 5).facts.outputText).toBe('one two');
  });

  it('reads one to its end that is too long to keep', () => {
    const long = Buffer.from(`${chunk('x'.repeat(1000)).repeat(10_000)}${last}`);
    const { events, facts } = harvestOf(long, undefined, 60_000);
    expect(events).toBeUndefined();
    expect(facts.outputText).toHaveLength(10_000_000);
  });

  it('gives up on a coded one that is too long to keep', () => {
    const { events, final, facts } = harvestOf(Buffer.alloc(9 * 1024 * 1024), 'gzip', 65_536);
    expect([events, final, facts.unfit]).toEqual([undefined, undefined, 'incomplete']);
  });
});
