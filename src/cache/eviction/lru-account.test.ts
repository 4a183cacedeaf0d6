import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../kernel/random.ts';
import { LruAccount } from './lru-account.ts';
import { wholeCache } from './residents.ts';
import { Shadow } from './shadow.ts';
import { FrequencySketch } from './sketch.ts';
import { none } from './slot-lists.ts';
import { WorthScale } from './worth.ts';

/** An account of ten entries of LRU. */
function setUp() {
  const judges = {
    sketch: new FrequencySketch(1),
    worths: new WorthScale(),
    random: seededRandom(1),
  };
  const limits = { maxEntries: 10, maxBytes: Infinity };
  const passed: number[] = [];
  const evicted = (hash: number) => account.lruEvicted(hash);
  const lru = new Shadow(limits, judges, wholeCache, evicted);
  const account = new LruAccount(lru, (slot) => passed.push(slot));
  /** A request after which we have the key in this slot; `isServed` at once, else we took it in now. */
  const request = (hash: number, slot: number, isServed = false) => {
    account.asked(1, lru.request(hash, 1, 1), isServed);
    account.settle(hash, slot);
  };
  return { account, passed, request };
}

describe('the account of LRU', () => {
  it('holds dear what LRU would keep, when enough of that was given up', () => {
    const { account, request } = setUp();
    for (let hash = 0; hash < 10; hash++) request(hash, hash);
    expect(account.isTooDear(9, true, 0.5)).toBe(false);
    for (const hash of [0, 1]) account.settle(hash, none);
    expect(account.isTooDear(9, true, 0.5)).toBe(true);
    // Where LRU hits next to nothing, little is lost with what it keeps.
    expect(account.isTooDear(9, true, 0.01)).toBe(false);
    expect(account.isTooDear(99, true, 0.5)).toBe(false);
    expect(account.isTooDear(99, false, 0.5)).toBe(true);
    for (const hash of [0, 1]) account.settle(hash, hash);
    expect(account.isTooDear(9, true, 0.5)).toBe(false);
  });

  it('holds everything dear when we are behind, and nothing when we are ahead', () => {
    const { account, request } = setUp();
    for (let hash = 0; hash < 10; hash++) request(hash, none);
    for (let time = 0; time < 5; time++) request(7, none);
    for (let hash = 0; hash < 10; hash++) account.settle(hash, hash);
    expect(account.isTooDear(9, true, 0.01)).toBe(true);
    for (let hash = 100; hash < 200; hash++) request(hash, hash, true);
    for (let hash = 0; hash < 3; hash++) request(hash, none);
    expect(account.isTooDear(2, true, 0.5)).toBe(false);
  });

  it('tells which of ours LRU has let go, and forgets what neither has', () => {
    const { account, passed, request } = setUp();
    for (let hash = 0; hash < 10; hash++) request(hash, hash === 0 ? none : 100 + hash);
    for (let hash = 10; hash < 13; hash++) request(hash, 100 + hash);
    expect(passed).toEqual([101, 102]);
    expect(account.isTooDear(12, true, 0.5)).toBe(false);
  });
});
