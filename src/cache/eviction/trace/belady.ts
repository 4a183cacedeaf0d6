import { Heap } from './heap.ts';

/** Of requests that do not come again. */
export const never = 2 ** 31 - 1;

/** For each request the place of the next one for the same key, or `never`. */
export function nextUses(keys: Uint32Array, uniqueKeys: number): Int32Array {
  const next = new Int32Array(keys.length);
  const seenAt = new Int32Array(uniqueKeys).fill(never);
  for (let at = keys.length - 1; at >= 0; at--) {
    next[at] = seenAt[keys[at]!]!;
    seenAt[keys[at]!] = at;
  }
  return next;
}

/**
 * Hits of the best that can be done with `capacity` entries of equal size by one who knows the future (Belady 1966), and who may leave out
 * what comes: who is asked for last goes, or does not come in.
 */
export function beladyHits(next: Int32Array, capacity: number): number {
  const kept = new Uint8Array(next.length + 1);
  // Places of the next uses of what is kept, latest first. One whose use has come is passed over.
  const latest = new Heap();
  let size = 0;
  let hits = 0;
  for (let at = 0; at < next.length; at++) {
    if (kept[at] === 1) {
      hits++;
      size--;
    }
    const use = next[at]!;
    if (use === never) continue;
    kept[use] = 1;
    latest.push(use);
    if (++size <= capacity) continue;
    // All that is past lies before `at`, so the latest is always still to come.
    kept[latest.pop()] = 0;
    size--;
  }
  return hits;
}
