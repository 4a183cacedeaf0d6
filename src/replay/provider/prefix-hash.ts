/**
 * A running hash of a prompt's tokens: its value after n tokens names the prefix of n tokens. 53 bits, so that it
 * fits a plain number; a million prefixes collide with a chance of one in ten thousand.
 */
export class PrefixHash {
  #low = 0x811c9dc5;
  #high = 0x9e3779b9;

  /** @param scope what must be equal for a prefix to be shared: organisation and model. */
  constructor(scope: string) {
    for (let index = 0; index < scope.length; index++) this.#mix(scope.charCodeAt(index));
  }

  add(ids: Uint32Array, from = 0, to = ids.length): void {
    for (let index = from; index < to; index++) this.#mix(ids[index]!);
  }

  value(): number {
    return (this.#low >>> 0) * 0x20_0000 + (this.#high >>> 11);
  }

  #mix(id: number): void {
    const low = Math.imul(this.#low ^ id, 0x9e3779b1);
    this.#low = low ^ (low >>> 15);
    const high = Math.imul((this.#high + id) | 0, 0x85ebca6b);
    this.#high = high ^ (high >>> 13);
  }
}
