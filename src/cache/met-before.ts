/** Checksums remembered, a power of two. */
const places = 8192;

/**
 * A doorkeeper (Einziger and Friedman, TinyLFU, 2014): tells whether a checksum came by before, as long as no other took its place. Most
 * bodies come once, and keeping them would cost more than it ever saves; who comes twice is worth keeping.
 */
export class MetBefore {
  readonly #places = new Uint32Array(places);

  /** True if this checksum, of 32 bits, was asked about lately. */
  test(checksum: number): boolean {
    const place = checksum & (places - 1);
    if (this.#places[place] === checksum) return true;
    this.#places[place] = checksum;
    return false;
  }
}
