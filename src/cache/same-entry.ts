import assert from 'node:assert/strict';
import type { CacheEntry } from './tier.ts';

/** Equal in all, with bytes compared as bytes, whatever holds them. */
export function sameEntry(actual: CacheEntry | undefined, expected: CacheEntry): void {
  assert.deepEqual(comparable(actual), comparable(expected));
}

function comparable(entry: CacheEntry | undefined): unknown {
  if (entry === undefined) return undefined;
  const { final, frames, ...answer } = entry.answer;
  return {
    ...entry,
    answer: {
      ...answer,
      final: Buffer.from(final).toString('base64'),
      frames: frames === undefined ? undefined : Buffer.from(frames).toString('base64'),
    },
  };
}
