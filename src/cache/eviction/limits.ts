/** What may be kept. One of the two may be `Infinity`. */
export interface Limits {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

/**
 * The share of what may be kept that so many entries of so many bytes take, both bounds added up: whichever of them is short then weighs
 * more, and where only one bound counts it is all.
 */
export function loadOf(limits: Limits, entries: number, bytes: number): number {
  return entries / limits.maxEntries + bytes / limits.maxBytes;
}
