import type { Clock } from '../../kernel/clock.ts';
import type { Signals } from '../../kernel/signals.ts';
import type { PurgeOrder, PurgeStore, PurgeSubscription, SharedPurgeStore } from './purge-store.ts';
import {
  PurgeTable,
  everyTenant,
  everythingShared,
  type Labelled,
  type Purged,
  type PurgeTableLimits,
  type PurgeVerdict,
  type Reading,
} from './purge-table.ts';
import type { SqlitePurges } from './sqlite-purges.ts';

export interface PurgeWatchOptions {
  /** Of this installation; undefined where nothing is kept. */
  readonly local: SqlitePurges | PurgeStore;
  /** Of all gateways together. */
  readonly shared?: SharedPurgeStore | undefined;
  readonly clock: Clock;
  readonly signals: Signals;
  readonly limits?: PurgeTableLimits;
}

/** What the stack and the stages ask at each entry. */
export interface PurgeView {
  /** Whether what others purged is known; false after a gap, until it was read again. */
  readonly inStep: boolean;
  judge(entry: Labelled, reading?: Reading): PurgeVerdict;
  /** For an answer that is asked for now: only later purges mean it. */
  version(): number;
  /** The version of the last purge that could mean entries of this tenant. */
  versionFor(tenant: string): number;
}

/** What others have purged. */
export type NewsListener = (lines: readonly Purged[]) => void;

/** How soon another process's purge is seen, in milliseconds; without a timer, at the next read. */
const lookAgainMs = 100;
const retryMs = 500;
const part = 'cache.purges';

/** Knows what was purged, by this gateway or any other, and passes on what this one purges. */
export class PurgeWatch implements PurgeView {
  readonly #options: PurgeWatchOptions;
  readonly #table: PurgeTable;
  readonly #listeners = new Set<NewsListener>();
  readonly #gapListeners = new Set<() => void>();
  #lookedAt = -Infinity;
  #inStep: boolean;
  #catchingUp: Promise<void> | undefined;
  #cancelRetry: (() => void) | undefined;
  #subscription: PurgeSubscription | undefined;
  #gaps = 0;
  #failing = false;
  #closed = false;

  constructor(options: PurgeWatchOptions) {
    this.#options = options;
    this.#table = new PurgeTable(options.limits);
    this.#inStep = options.shared === undefined;
    this.#readLocal();
    this.#subscription = options.shared?.listen(
      (lines) => this.#hear(lines),
      () => this.#onGap(),
    );
    if (options.shared !== undefined) void this.#catchUp();
  }

  get inStep(): boolean {
    return this.#inStep;
  }

  judge(entry: Labelled, reading?: Reading): PurgeVerdict {
    this.#look();
    return this.#table.judge(entry, reading);
  }

  version(): number {
    this.#look();
    return this.#table.version;
  }

  versionFor(tenant: string): number {
    this.#look();
    return this.#table.versionFor(tenant);
  }

  /** Hears what others have purged. */
  onNews(listener: NewsListener): void {
    this.#listeners.add(listener);
  }

  /** Hears that purges may have been missed. */
  onGap(listener: () => void): void {
    this.#gapListeners.add(listener);
  }

  /** Asks the others what they have purged; resolves when that is known or they cannot be asked. */
  async ready(): Promise<void> {
    await this.#subscription?.tried;
    await this.#catchingUp;
    if (!this.#inStep) await this.#catchUp();
  }

  /**
   * Purges, here at once and for the others as soon as they hear.
   * @returns the lines, and what stood against telling the others.
   */
  async add(
    orders: readonly PurgeOrder[],
  ): Promise<{ readonly lines: readonly Purged[]; readonly failure: unknown }> {
    const { shared, local, clock } = this.#options;
    this.#look();
    let failure: unknown;
    let lines: readonly Purged[] | undefined;
    if (shared !== undefined) {
      try {
        lines = await shared.add(orders, this.#table.version, clock.now());
      } catch (error) {
        failure = error;
        this.#tell('purge', error);
        this.#outOfStep();
      }
    }
    if (lines === undefined) {
      lines = await local.add(orders, this.#table.version, clock.now());
      this.#table.merge(lines);
    } else {
      this.#table.merge(lines);
      await local.keep(lines);
    }
    this.#fold();
    return { lines, failure };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRetry?.();
    this.#subscription?.end();
    await this.#catchingUp;
    await this.#options.local.close();
    await this.#options.shared?.close();
  }

  /** Another process may have purged: its lines are in the file. */
  #look(): void {
    const { local, clock } = this.#options;
    if (!('changed' in local)) return;
    const now = clock.tick();
    if (now - this.#lookedAt < lookAgainMs) return;
    this.#lookedAt = now;
    try {
      if (local.changed()) this.#readLocal();
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#tell('read', error);
      this.#failing = true;
    }
  }

  #readLocal(): void {
    const lines = this.#options.local.load();
    if (!(lines instanceof Promise)) this.#learn(lines);
  }

  #hear(lines: readonly Purged[]): void {
    const news = this.#learn(lines);
    if (news.length > 0) this.#keepLocally(news);
  }

  #learn(lines: readonly Purged[]): readonly Purged[] {
    const news = this.#table.merge(lines);
    this.#fold();
    if (news.length > 0) for (const listener of this.#listeners) listener(news);
    return news;
  }

  #onGap(): void {
    for (const listener of this.#gapListeners) listener();
    this.#outOfStep();
  }

  #outOfStep(): void {
    if (this.#options.shared === undefined) return;
    this.#inStep = false;
    this.#gaps++;
    void this.#catchUp();
  }

  #catchUp(): Promise<void> {
    this.#catchingUp ??= this.#exchangeWithShared().finally(() => (this.#catchingUp = undefined));
    return this.#catchingUp;
  }

  /** Reads what the others purged and writes what they may have missed; tried again until it succeeds. */
  async #exchangeWithShared(): Promise<void> {
    const { shared, clock } = this.#options;
    if (shared === undefined || this.#closed) return;
    this.#cancelRetry?.();
    const gaps = this.#gaps;
    try {
      const theirs = await shared.load();
      const news = this.#learn(theirs);
      if (news.length > 0) this.#keepLocally(news);
      if (theirs.length === 0) await this.#beginShared(shared);
      else await shared.keep([...this.#table]);
      // What was read before another gap does not close that one.
      if (gaps !== this.#gaps) return await this.#exchangeWithShared();
      if (!this.#inStep) this.#options.signals.emit('part-healed', { part });
      this.#inStep = true;
    } catch (error) {
      this.#tell('catch-up', error);
      if (!this.#closed) this.#cancelRetry = clock.after(retryMs, () => void this.#catchUp());
    }
  }

  /** A table that is not there was never written, or lost: what it would have said of the shared tier nobody knows. */
  async #beginShared(shared: SharedPurgeStore): Promise<void> {
    const { clock } = this.#options;
    const lost = {
      tenant: everyTenant,
      selector: everythingShared,
      soft: false,
      before: undefined,
    };
    await shared.add([lost], this.#table.version, clock.now());
    // Another gateway may have begun it at the same time.
    const lines = await shared.load();
    this.#keepLocally(this.#learn(lines));
    await shared.keep([...this.#table]);
  }

  #keepLocally(lines: readonly Purged[]): void {
    try {
      void this.#options.local.keep(lines);
    } catch (error) {
      this.#tell('keep', error);
    }
  }

  #fold(): void {
    const { raised, dropped } = this.#table.fold();
    if (dropped.length === 0) return;
    try {
      void this.#options.local.keep(raised, dropped);
    } catch (error) {
      this.#tell('fold', error);
    }
    const { shared } = this.#options;
    if (shared === undefined) return;
    Promise.resolve(shared.keep(raised, dropped)).catch((error: unknown) => {
      this.#tell('fold', error);
      this.#outOfStep();
    });
  }

  #tell(operation: string, error: unknown): void {
    this.#options.signals.emit('part-failed', { part, operation, error });
  }
}
