/** 32 bits of a text, spread evenly for whoever does not know the seed. (The mixing steps are those of MurmurHash3, public domain.) */
export function hashOf(text: string, seed: number): number {
  let hash = seed | 0;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x9e37_79b1);
    hash = (hash << 13) | (hash >>> 19);
  }
  return mixed(hash, text.length);
}

/** One 32-bit number from two, each of whose bits depends on all of theirs. */
export function mixed(value: number, salt: number): number {
  let hash = value ^ salt;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return hash ^ (hash >>> 16);
}
