import type { Clock } from '../../kernel/clock.ts';
import type { EconomizerError } from '../../kernel/errors.ts';
import type { Signals } from '../../kernel/signals.ts';
import type { PurgeWay } from './purge-way.ts';

/** A name that an edge must still be told of, and whether softly. */
export type Untold = readonly [surrogateKey: string, soft: boolean];

export interface PurgeQueueOptions {
  readonly way: PurgeWay;
  /** What stands for all names there are: takes the place of more than `most` of them. */
  readonly everything: () => readonly string[];
  /** Told of since an earlier life of this process has not told it. */
  readonly untold?: readonly Untold[];
  /** Hears of every change of what is still to be told. */
  readonly onChange?: (untold: readonly Untold[]) => void;
  readonly most?: number;
  readonly clock: Clock;
  readonly signals: Signals;
}

const part = 'cache.edge';
const firstRetryMs = 500;
const longestRetryMs = 60_000;
/**
 * An answer may have left its gateway before the purge and reach the edge after it, or come from a gateway that has not heard yet. So each purge is said
 * again after this time, in milliseconds.
 */
const echoMs = 1000;

/** Tells one edge what is gone, until it has heard. Bounded: of too many names one purge of everything remains. */
export class PurgeQueue {
  readonly #options: PurgeQueueOptions;
  readonly #untold = new Map<string, boolean>();
  readonly #echoes = new Set<() => void>();
  #round: Promise<EconomizerError | undefined> | undefined;
  #failures = 0;
  #notBefore = -Infinity;
  #cancelRetry: (() => void) | undefined;
  #closed = false;

  constructor(options: PurgeQueueOptions) {
    this.#options = options;
    for (const [key, soft] of options.untold ?? []) this.#untold.set(key, soft);
    if (this.#untold.size > 0) void this.#tell();
  }

  /** True while the edge has not heard of everything. */
  get isBehind(): boolean {
    return this.#untold.size > 0;
  }

  /** Resolves when the edge has heard, or with why it could not be told for now; then it is told later. Never rejects. */
  add(keys: readonly string[], soft: boolean, once = false): Promise<EconomizerError | undefined> {
    this.#take(keys, soft);
    if (!once) this.#echo(keys, soft);
    return this.#tell();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRetry?.();
    for (const cancel of this.#echoes) cancel();
    await this.#round;
  }

  #take(keys: readonly string[], soft: boolean): void {
    const { most = 10_000, everything } = this.#options;
    // What is gone is past its time too.
    for (const key of keys) this.#untold.set(key, soft && this.#untold.get(key) !== false);
    if (this.#untold.size > most) {
      this.#untold.clear();
      for (const key of everything()) this.#untold.set(key, false);
    }
    this.#changed();
  }

  #echo(keys: readonly string[], soft: boolean): void {
    const cancel = this.#options.clock.after(echoMs, () => {
      this.#echoes.delete(cancel);
      this.#take(keys, soft);
      void this.#tell();
    });
    this.#echoes.add(cancel);
  }

  /** A round that is under way may have begun before the latest names came. */
  #tell(): Promise<EconomizerError | undefined> {
    const before = this.#round ?? Promise.resolve(undefined);
    const round = before.then(() => this.#tellAll());
    this.#round = round;
    return round;
  }

  async #tellAll(): Promise<EconomizerError | undefined> {
    const { way, clock, signals } = this.#options;
    if (clock.tick() < this.#notBefore) return this.#waiting;
    while (this.#untold.size > 0 && !this.#closed) {
      const { keys, soft } = this.#batch();
      const failure = await way.purge(keys, soft);
      if (failure !== undefined) {
        this.#waiting = failure.error;
        signals.emit('part-failed', { part, operation: 'purge', error: failure.error });
        this.#retryLater(failure.retryAfterMs);
        return failure.error;
      }
      for (const key of keys) if (this.#untold.get(key) === soft) this.#untold.delete(key);
      this.#changed();
      if (this.#failures > 0) signals.emit('part-healed', { part });
      this.#failures = 0;
    }
    return undefined;
  }

  #waiting: EconomizerError | undefined;

  #batch(): { readonly keys: readonly string[]; readonly soft: boolean } {
    const all = [...this.#untold];
    const soft = all.every(([, each]) => each);
    const keys = all.filter(([, each]) => each === soft).map(([key]) => key);
    return { keys: keys.slice(0, this.#options.way.batchMax), soft };
  }

  #retryLater(askedMs: number | undefined): void {
    const { clock } = this.#options;
    const usual = Math.min(longestRetryMs, firstRetryMs * 2 ** this.#failures++);
    const delay = Math.max(usual, Math.min(askedMs ?? 0, 60 * longestRetryMs));
    if (askedMs !== undefined) this.#notBefore = clock.tick() + delay;
    this.#cancelRetry?.();
    if (!this.#closed) this.#cancelRetry = clock.after(delay, () => void this.#tell());
  }

  #changed(): void {
    this.#options.onChange?.([...this.#untold]);
  }
}
