import type { Source } from '../../exchange/account.ts';
import { Cancellation } from '../../kernel/cancellation.ts';
import type { Clock } from '../../kernel/clock.ts';
import { digestOf } from '../../kernel/digest.ts';
import type { NanoUsd } from '../../kernel/money.ts';
import type { Random } from '../../kernel/random.ts';
import type { PurgeView } from '../invalidation/purge-watch.ts';
import type { CachePolicy } from '../policy.ts';
import type { CacheStack } from '../stack.ts';
import type { CacheEntry } from '../tier.ts';
import { answerWith, resultIn, storageUnder } from './tool-entry.ts';
import { ToolFlights } from './tool-flights.ts';
import { unpackResult, type PackedResult } from './tool-result.ts';

/** Who calls a tool. */
export interface ToolCaller {
  readonly tenant: string;
  /** Undefined where nobody said. */
  readonly user: string | undefined;
  readonly agent?: string | undefined;
  readonly session?: string | undefined;
}

/** A call of a tool, as far as it may be answered from the cache. */
export interface ToolQuestion {
  /** Such as `tool:get_weather`; what its calls are booked under. */
  readonly path: string;
  readonly caller: ToolCaller;
  /** Where an answer may lie, in the order in which they are asked; the first names the call among those under way. */
  readonly keys: readonly string[];
  /** An answer is served for so long at most, whatever held when it was stored, in milliseconds. */
  readonly ttlMs: number;
  /** Names to invalidate it by, without what is said of every entry. */
  readonly tags: readonly string[];
  /** What the call itself costs, in nano-dollars. */
  readonly priceNanos: NanoUsd;
}

/** What a real call brought. */
export interface ToolRun<Value> {
  readonly value: Value;
  /** Undefined where no copy can be made of it: others under way make their own call. */
  readonly packed: PackedResult | undefined;
  /** Where and how long it is kept; undefined: not at all. */
  readonly keep: { readonly key: string; readonly ttlMs: number } | undefined;
}

/** An answer to a question; a copy of what was kept, but for whoever made the call. */
export interface ToolGiven<Value> {
  readonly source: Source;
  readonly value: Value;
  /** How long ago the call was made, in milliseconds. */
  readonly ageMs: number;
}

/** One call of a tool, for the books. */
export interface ToolBooking {
  readonly path: string;
  readonly caller: ToolCaller;
  /** Wall time in milliseconds since the epoch. */
  readonly at: number;
  readonly source: Source;
  readonly outcome: 'ok' | 'failed' | 'cancelled';
  readonly bytes: number;
  readonly totalMs: number;
  /** How long the call itself took when it was made; undefined where that is not known. */
  readonly realMs: number | undefined;
  readonly priceNanos: NanoUsd;
}

export interface ToolCacheOptions {
  readonly stack: Pick<CacheStack, 'find' | 'store'>;
  readonly purges: Pick<PurgeView, 'version'>;
  /** `tool-results`, as configured: levels, mode, size, jitter and how entries are kept. */
  readonly policy: CachePolicy;
  readonly secret: { readonly current: string };
  readonly clock: Clock;
  readonly random: Random;
  /** Hears of every call; must not throw. */
  readonly book: (booking: ToolBooking) => void;
}

interface Landed<Value> extends ToolRun<Value> {
  readonly realMs: number;
}

/** Raised whenever the meaning of a key changes. */
const keyVersion = 'economizer-tool-key-1';

/** Results of tools in the tiers of the cache. Errors are never kept, and what fails here is a call that is made. */
export class ToolCache {
  readonly #options: ToolCacheOptions;
  readonly #flights = new ToolFlights<Landed<unknown>>();

  constructor(options: ToolCacheOptions) {
    this.#options = options;
  }

  get policy(): CachePolicy {
    return this.#options.policy;
  }

  /** A key from all that tells one question from another; secret to this installation. */
  key(parts: readonly (string | undefined)[]): string {
    const { secret } = this.#options;
    return digestOf(
      JSON.stringify([keyVersion, secret.current, ...parts.map((each) => each ?? null)]),
    );
  }

  /**
   * Answers from the cache or from an identical call under way, else by `act`, and keeps what that brings.
   * @param leaving cancelled when the caller wants nothing any more.
   * @throws what `act` throws.
   */
  async ask<Value>(
    question: ToolQuestion,
    act: (cancellation: Cancellation) => Promise<ToolRun<Value>>,
    leaving?: Cancellation,
  ): Promise<ToolGiven<Value>> {
    const { clock, policy, purges } = this.#options;
    const started = { at: clock.now(), tick: clock.tick() };
    const found = await this.#recall(question);
    if (found !== undefined) {
      const { tier, size, realMs, value, ageMs } = found;
      const source = tier as Source;
      this.#book(question, started, { source, outcome: 'ok', bytes: size, realMs });
      return { source, value: value as Value, ageMs };
    }
    // A call that was begun before a purge does not answer what is asked after it.
    const version = purges.version();
    const land = async (cancellation: Cancellation): Promise<Landed<Value>> => {
      const from = clock.tick();
      const run = await act(cancellation);
      const landed = { ...run, realMs: clock.tick() - from };
      this.#remember(question, landed, version);
      return landed;
    };
    const mayShare = policy.enabled && policy.mode !== 'off';
    try {
      const name = `${version} ${question.keys[0]}`;
      const ride = await (mayShare ? this.#flights : aloneFlights()).ride(name, land, leaving);
      const { landed, led } = ride;
      const own = led || landed.packed === undefined;
      // Of what cannot be copied, who rode along gets none.
      const { packed, value, realMs } =
        led || !own ? landed : await land(leaving ?? new Cancellation());
      const source = own ? 'upstream' : 'flight';
      const bytes = packed?.bytes.byteLength ?? 0;
      this.#book(question, started, { source, outcome: 'ok', bytes, realMs });
      return { source, value: (own ? value : unpackResult(packed!)) as Value, ageMs: 0 };
    } catch (error) {
      const outcome = leaving?.reason === undefined ? 'failed' : 'cancelled';
      const source = 'upstream';
      this.#book(question, started, { source, outcome, bytes: 0, realMs: undefined });
      throw error;
    }
  }

  async #recall({ keys, caller, ttlMs }: ToolQuestion): Promise<Recalled | undefined> {
    const { stack, policy, clock } = this.#options;
    if (!policy.enabled || policy.mode === 'off' || policy.mode === 'write-only') return undefined;
    for (const key of keys) {
      const given = stack.find(key, { levels: policy.levels, reader: caller.tenant });
      const found = given instanceof Promise ? await given : given;
      if (found === undefined) continue;
      const { freshUntil, storedAt, answer } = found.entry;
      const now = clock.now();
      if (now >= Math.min(freshUntil, storedAt + ttlMs)) continue;
      const result = resultIn(found.entry);
      if (result === undefined) continue;
      const ageMs = Math.max(0, now - storedAt);
      const size = answer.final.byteLength;
      return { tier: found.tier, size, realMs: answer.totalMs, value: result.value, ageMs };
    }
    return undefined;
  }

  #remember(
    question: ToolQuestion,
    { packed, keep, realMs }: Landed<unknown>,
    epoch: number,
  ): void {
    const { stack, policy, clock, random } = this.#options;
    if (packed === undefined || keep === undefined || keep.ttlMs <= 0) return;
    if (!policy.enabled || policy.mode === 'off' || policy.mode === 'read-only') return;
    if (packed.bytes.byteLength > policy.maxAnswerBytes) return;
    const storedAt = clock.now();
    const until = storedAt + Math.round(keep.ttlMs * (1 - policy.jitter * random.next()));
    const { tenant, agent } = question.caller;
    const own = [`tenant:${tenant}`, `policy:${policy.name}`];
    if (agent !== undefined) own.push(`agent:${agent}`);
    const entry: CacheEntry = {
      key: keep.key,
      answer: answerWith(packed, realMs),
      storedAt,
      freshUntil: until,
      staleUntil: until,
      tags: [...own, ...question.tags.map((tag) => `tag:${tag}`)],
      epoch,
      worthNanos: question.priceNanos === 0 ? undefined : question.priceNanos,
      ...storageUnder(policy),
    };
    stack.store(entry, { levels: policy.levels });
  }

  #book({ path, caller, priceNanos }: ToolQuestion, { at, tick }: Started, booked: Booked): void {
    const { clock, book } = this.#options;
    book({ path, caller, at, totalMs: clock.tick() - tick, priceNanos, ...booked });
  }
}

/** For a call that shares nothing. */
function aloneFlights(): ToolFlights<Landed<unknown>> {
  return new ToolFlights();
}

interface Started {
  readonly at: number;
  readonly tick: number;
}

type Booked = Pick<ToolBooking, 'source' | 'outcome' | 'bytes' | 'realMs'>;

interface Recalled {
  readonly tier: string;
  readonly size: number;
  readonly realMs: number;
  readonly value: unknown;
  readonly ageMs: number;
}
