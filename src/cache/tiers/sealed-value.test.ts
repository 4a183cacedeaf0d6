import { describe, expect, it } from 'vitest';
import { sampleEntry } from '../sample-entry.ts';
import { Sealer } from './sealed-value.ts';

const bytesMax = 1_000_000;
const sealer = new Sealer('secret');

async function sealed(text: string): Promise<Buffer> {
  const entry = sampleEntry({ key: 'k', now: 0 });
  const answer = { ...entry.answer, final: Buffer.from(text) };
  return sealer.seal('place', { ...entry, answer });
}

describe.each([
  ['plain', 'words '.repeat(30)],
  ['packed', 'the same words again '.repeat(300)],
])('a sealed value, %s', (_form, text) => {
  it('opens at its place', async () => {
    const entry = await sealer.open('place', 'k', await sealed(text), bytesMax);
    expect(entry).toMatchObject({ key: 'k', answer: { final: Buffer.from(text) } });
  });

  it('opens nowhere else, and not with any bit of it changed or missing', async () => {
    const whole = await sealed(text);
    expect(await sealer.open('elsewhere', 'k', whole, bytesMax)).toBe('foreign');
    expect(await new Sealer('other').open('place', 'k', whole, bytesMax)).toBe('foreign');
    for (let at = 0; at < whole.length; at++) {
      const cut = await sealer.open('place', 'k', whole.subarray(0, at), bytesMax);
      expect(cut).toBe('foreign');
      for (let bit = 0; bit < 8; bit++) {
        const changed = Buffer.from(whole);
        changed[at]! ^= 1 << bit;
        const opened = sealer.open('place', 'k', changed, bytesMax);
        expect(opened).toBe('foreign');
      }
    }
  });
});
