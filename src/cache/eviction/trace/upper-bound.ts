import { never } from './belady.ts';
import type { Trace } from './trace.ts';

/**
 * More than any policy can save with so many bytes, whatever it knows. Keeping an entry until its next request takes its bytes times the
 * requests in between, and all that can be spent is `capacity` times all requests; spent where it brings most, as if bytes could be lent from
 * one time to another, that is a bound from above (PFOO-L: Berger, Beckmann, Harchol-Balter, "Practical Bounds on Optimal Caching with Variable
 * Object Sizes", 2018). The best possible itself cannot be computed where sizes differ.
 * @param next `nextUses` of the trace.
 * @param saving what a hit at a request saves.
 */
export function savingBound(
  trace: Trace,
  next: Int32Array,
  capacity: number,
  saving: (request: number) => number,
): number {
  const costs = new Float64Array(next.length);
  let candidates = new Uint32Array(next.length);
  let count = 0;
  for (let at = 0; at < next.length; at++) {
    const use = next[at]!;
    const bytes = trace.bytesAt(at);
    if (use === never || bytes > capacity || saving(use) <= 0) continue;
    costs[at] = (bytes * (use - at)) / saving(use);
    candidates[count++] = at;
  }
  candidates = candidates.subarray(0, count);
  candidates.sort((one, other) => costs[one]! - costs[other]!);
  let left = capacity * next.length;
  let saved = 0;
  for (const at of candidates) {
    const value = saving(next[at]!);
    const cost = costs[at]! * value;
    if (cost > left) return saved + (value * left) / cost;
    left -= cost;
    saved += value;
  }
  return saved;
}
