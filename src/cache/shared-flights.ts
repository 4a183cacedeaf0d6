import { randomBytes } from 'node:crypto';
import type { Clock } from '../kernel/clock.ts';
import type { Signals } from '../kernel/signals.ts';
import type { RedisArgument, RedisLink, RedisReply, RedisScript } from '../services/redis.ts';
import { Breaker } from '../kernel/breaker.ts';
import { enter, land, release, renew } from './flight-scripts.ts';
import { FlightWaiters, type FlightWaiter, type Landing } from './flight-waiters.ts';
import { placeOf } from './tiers/redis-place.ts';

export interface SharedFlightsOptions {
  readonly link: RedisLink;
  /** What all keys and channels of this house begin with. */
  readonly prefix: string;
  /** How long a lease holds that is not renewed, in milliseconds. */
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly signals: Signals;
}

/** What Redis says to who wants to begin: lead with this lease, an answer is there, or another gateway flies and its lease runs for so long. */
export type Entrance =
  | { readonly lease: Lease }
  | { readonly stored: true }
  | { readonly busyMs: number };

const part = 'cache.flights';
const failuresMax = 3;
const coolDownMs = 5000;
/** A release may take longer than a question that a caller waits for. */
const releaseMs = 1000;

/**
 * One flight for all gateways on a Redis. Who begins holds a lease and renews it; the others wait for word that it has landed. Whatever
 * Redis does, a call waits no longer than it is told to: where it cannot be asked there are local flights, as without it.
 */
export class SharedFlights {
  readonly #options: SharedFlightsOptions;
  readonly #waiters: FlightWaiters;
  readonly #leases = new Map<string, Lease>();
  readonly #breaker: Breaker;
  readonly #releases = new Set<Promise<unknown>>();
  readonly #channel: string;
  #unsubscribe: (() => Promise<void>) | undefined;

  constructor(options: SharedFlightsOptions) {
    const { clock, prefix, link } = options;
    this.#options = options;
    this.#waiters = new FlightWaiters(clock);
    this.#breaker = new Breaker({ clock, failuresMax, coolDownMs });
    this.#channel = `${prefix}flights`;
    link
      .subscribe(
        this.#channel,
        (message) => this.#hear(message.toString()),
        () => this.#waiters.tellAll(),
      )
      .then((end) => {
        this.#unsubscribe = end;
        this.#waiters.tellAll(); // until now nothing was heard
      })
      .catch((error: unknown) => this.#fail('subscribe', error));
  }

  /** See `RedisLink`. */
  get waitedMs(): number {
    return this.#options.link.waitedMs;
  }

  /** Must be called before `enter`, so that nothing is missed in between. */
  waiter(key: string): FlightWaiter {
    return this.#waiters.add(key);
  }

  /**
   * Asks to begin. Never rejects; undefined where Redis cannot be asked.
   * @param insists begins though an answer is stored, because it does not serve.
   * @param limitMs for the question.
   */
  async enter(key: string, insists: boolean, limitMs: number): Promise<Entrance | undefined> {
    const { link, leaseMs, clock } = this.#options;
    if (!link.connected || !this.#breaker.mayTry()) return undefined;
    const token = randomBytes(16).toString('base64url');
    try {
      const args = [token, String(leaseMs), insists ? '1' : '0'];
      const [what, ms] = (await this.run(enter, key, args, limitMs)) as [number, number];
      if (this.#breaker.succeeded()) this.#options.signals.emit('part-healed', { part });
      if (what === 2) return { stored: true };
      if (what === 0) return { busyMs: Math.max(0, ms) };
      const lease = new Lease({ flights: this, key, token, leaseMs, clock });
      this.#leases.set(key, lease);
      return { lease };
    } catch (error) {
      this.#breaker.failed();
      this.#fail('begin', error);
      // Redis may have heard us all the same.
      this.giveBack(key, token, 'free');
      return undefined;
    }
  }

  /** The lease that the answer to this key lands with; the caller answers for it from now on. */
  take(key: string): Lease | undefined {
    return this.#leases.get(key)?.take();
  }

  async close(): Promise<void> {
    for (const lease of this.#leases.values()) lease.giveUp('free');
    await Promise.all(this.#releases);
    await this.#unsubscribe?.();
  }

  /** @internal For leases. */
  run(
    script: RedisScript,
    key: string,
    args: readonly RedisArgument[],
    deadlineMs: number,
  ): Promise<RedisReply> {
    const { link, prefix } = this.#options;
    const keys = [`${prefix}f1:{${key}}`, placeOf(prefix, key)];
    return link.script(script, keys, args, deadlineMs);
  }

  /** @internal Stores the answer with the lease; see `Lease`. */
  async land(
    lease: Lease,
    value: Buffer,
    ttlMs: number,
    deadlineMs: number,
  ): Promise<Buffer | undefined> {
    const { key, token } = lease;
    const args = [token, value, String(ttlMs), this.#channel, `stored ${key}`];
    const replaced = await this.run(land, key, args, deadlineMs);
    return Buffer.isBuffer(replaced) ? replaced : undefined;
  }

  /** @internal Nobody waits for it; where it fails, the lease runs out. */
  giveBack(key: string, token: string, how: Landing): void {
    const args = [token, this.#channel, `${how} ${key}`];
    const released = this.run(release, key, args, releaseMs)
      .catch((error: unknown) => this.#fail('end', error))
      .finally(() => this.#releases.delete(released));
    this.#releases.add(released);
  }

  /** @internal */
  forget(lease: Lease): void {
    if (this.#leases.get(lease.key) === lease) this.#leases.delete(lease.key);
  }

  #hear(message: string): void {
    const [how, key] = message.split(' ') as [Landing, string];
    if (key !== undefined) this.#waiters.tell(key, how);
  }

  #fail(operation: string, error: unknown): void {
    this.#options.signals.emit('part-failed', { part, operation, error });
  }
}

interface LeaseOptions {
  readonly flights: SharedFlights;
  readonly key: string;
  readonly token: string;
  readonly leaseMs: number;
  readonly clock: Clock;
}

/** The right to answer a key for all gateways, for as long as it is renewed. */
export class Lease {
  readonly key: string;
  readonly token: string;
  readonly #options: LeaseOptions;
  #state: 'held' | 'taken' | 'over' = 'held';
  #cancelRenewal = (): void => {};

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.key = options.key;
    this.token = options.token;
    this.#scheduleRenewal();
  }

  /** Once; then it is the taker's to land or give up. */
  take(): Lease | undefined {
    if (this.#state !== 'held') return undefined;
    this.#state = 'taken';
    return this;
  }

  /**
   * Stores the answer and wakes who waits.
   * @returns the extract of what it takes the place of, see `tiers/redis-scripts.ts`; undefined where another gateway has taken over: nothing is stored then.
   */
  async land(value: Buffer, ttlMs: number, deadlineMs: number): Promise<Buffer | undefined> {
    try {
      return await this.#options.flights.land(this, value, ttlMs, deadlineMs);
    } catch (error) {
      this.giveUp('unstored');
      throw error;
    } finally {
      this.#end();
    }
  }

  /** The flight is over without an answer that others could have. Does nothing where the answer is about to land. */
  release(how: 'unstored' | 'free'): void {
    if (this.#state === 'held') this.giveUp(how);
  }

  /** Also where it was taken. */
  giveUp(how: 'unstored' | 'free'): void {
    if (this.#state === 'over') return;
    this.#end();
    this.#options.flights.giveBack(this.key, this.token, how);
  }

  #scheduleRenewal(): void {
    const { clock, leaseMs } = this.#options;
    this.#cancelRenewal = clock.after(leaseMs / 3, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    const { flights, leaseMs } = this.#options;
    const args = [this.token, String(leaseMs)];
    // A question that fails is asked again; what is lost for good shows when the answer lands.
    const isOurs = await flights.run(renew, this.key, args, leaseMs / 3).catch(() => 1);
    if (isOurs !== 0 && this.#state !== 'over') this.#scheduleRenewal();
  }

  #end(): void {
    this.#state = 'over';
    this.#cancelRenewal();
    this.#options.flights.forget(this);
  }
}
