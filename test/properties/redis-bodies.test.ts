import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { placeOf } from '../../src/cache/tiers/redis-place.ts';
import { apartOf } from '../../src/cache/tiers/sealed-value.ts';
import type { CacheEntry } from '../../src/cache/tier.ts';
import type { RedisLink } from '../../src/services/redis.ts';
import { hasRedis, startRedis } from '../services/redis-server.ts';
import {
  expectFound,
  linkTo,
  names,
  patientMs,
  prefix,
  tierOver,
  type TierOverRedis,
} from '../services/redis-tier.ts';
import { passTime } from '../services/redis-time.ts';

/** Times are odd multiples of this and what passes even ones, so that nothing hangs on a moment. */
const unitMs = 2 * patientMs;
const keys = ['a', 'b', 'c', 'd', 'e'];
const bodyBytes = 3000;

type Act =
  | { readonly kind: 'set'; readonly key: string; readonly seed: number; readonly units: number }
  | { readonly kind: 'delete'; readonly key: string }
  | { readonly kind: 'vanish'; readonly key: string }
  | { readonly kind: 'pass'; readonly units: number }
  | { readonly kind: 'clear' };

const key = fc.constantFrom(...keys);
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 30,
    arbitrary: fc.record({
      kind: fc.constant('set' as const),
      key,
      seed: fc.integer({ min: 1, max: 3 }),
      units: fc.integer({ min: 1, max: 6 }).map((half) => 2 * half - 1),
    }),
  },
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('delete' as const), key }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('vanish' as const), key }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      units: fc.integer({ min: 1, max: 3 }).map((half) => 2 * half),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear' as const) }) },
);

/** The tier beside what it should hold. */
class Trial {
  readonly #link: RedisLink;
  readonly #over: TierOverRedis;
  readonly #held = new Map<string, { readonly entry: CacheEntry; readonly seed: number }>();
  /** References of entries that Redis let go by itself last until the entries would have ended. */
  #vanished = 0;

  constructor(link: RedisLink) {
    this.#link = link;
    this.#over = tierOver(link);
  }

  async do(done: Act): Promise<void> {
    const { tier, clock } = this.#over;
    if (done.kind === 'set') {
      const more = { seed: done.seed, bytes: bodyBytes, ttlMs: done.units * unitMs };
      const entry = this.#over.entry(done.key, more);
      await tier.set(entry);
      this.#held.set(done.key, { entry, seed: done.seed });
    } else if (done.kind === 'delete') {
      expect(await tier.delete(done.key)).toBe(this.#held.delete(done.key));
    } else if (done.kind === 'vanish') {
      await this.#link.send(['DEL', placeOf(prefix, done.key)], patientMs);
      if (this.#held.delete(done.key)) this.#vanished++;
    } else if (done.kind === 'pass') {
      clock.advance(done.units * unitMs);
      await passTime(this.#link, done.units * unitMs);
      for (const [name, { entry }] of this.#held) {
        if (entry.staleUntil <= clock.now()) this.#held.delete(name);
      }
    } else {
      await tier.clear();
      this.#held.clear();
      this.#vanished = 0;
    }
    await tier.flush();
  }

  /** Every answer is there, and so are no others; each body lies once, and for those that are there. */
  async check(): Promise<void> {
    const { tier, told } = this.#over;
    const whole: number[] = [];
    const seals = new Set<string>();
    for (const name of keys) {
      const held = this.#held.get(name);
      if (held === undefined) {
        expect(await tier.get(name)).toBeUndefined();
        continue;
      }
      await expectFound(tier, held.entry);
      const value = await this.#link.send(['GET', placeOf(prefix, name)], patientMs);
      const apart = apartOf(value as Buffer);
      if (apart === undefined) whole.push(held.seed);
      else seals.add(apart.seal.toString('hex'));
    }
    expect(new Set(whole).size, 'each body whole once at most').toBe(whole.length);
    await this.#checkBodies(seals, whole);
    expect(told).toEqual([]);
  }

  async #checkBodies(seals: ReadonlySet<string>, whole: readonly number[]): Promise<void> {
    const bodies = await names(this.#link, 'b');
    const bearers = await names(this.#link, 'r');
    expect(bearers.map((each) => each.replace('r1:', 'b1:'))).toEqual(bodies);
    const found: string[] = [];
    for (const each of bearers) {
      // Those that have ended go with the next act on this body.
      const words = ['ZRANGEBYSCORE', each, String(Date.now()), '+inf'];
      const members = (await this.#link.send(words, patientMs)) as Buffer[];
      expect(members.length).toBeGreaterThan(0);
      found.push(...members.map((member) => member.toString('hex')));
    }
    for (const seal of seals) expect(found).toContain(seal);
    expect(found.length).toBeLessThanOrEqual(seals.size + this.#vanished);
    const apart = [...this.#held.values()]
      .map(({ seed }) => seed)
      .filter((s) => !whole.includes(s));
    expect(bodies.length).toBeGreaterThanOrEqual(new Set(apart).size);
    const { sharedBytesSaved } = await this.#over.tier.stats();
    expect(sharedBytesSaved).toBe((found.length - bodies.length) * (bodyBytes + 1));
  }

  /** After the time of the longest-lived. */
  async end(): Promise<void> {
    await this.do({ kind: 'pass', units: 20 });
    expect(await names(this.#link, '?')).toEqual([]);
  }
}

describe.skipIf(!hasRedis)('entries in Redis that share bodies', () => {
  it('are each found as long as they are held, and leave nothing behind', async () => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const link = await linkTo({ url: server.url });
    onTestFinished(() => link.close());
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 25 }), async (acts) => {
        await link.send(['FLUSHALL'], patientMs);
        const trial = new Trial(link);
        for (const each of acts) {
          await trial.do(each);
          await trial.check();
        }
        await trial.end();
      }),
      { numRuns: 150 },
    );
  }, 120_000);
});
