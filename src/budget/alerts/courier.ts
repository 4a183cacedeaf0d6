import type { Clock } from '../../kernel/clock.ts';
import type { Random } from '../../kernel/random.ts';
import type { Signals } from '../../kernel/signals.ts';
import type { BudgetStore } from '../store.ts';
import { alertName, type Alert, type AlertSink } from './alert.ts';

export interface CourierOptions {
  readonly store: Pick<BudgetStore, 'claim'>;
  readonly sinks: readonly AlertSink[];
  readonly clock: Clock;
  readonly random: Random;
  readonly signals: Signals;
  /** How long an alert is tried, in milliseconds. */
  readonly giveUpMs: number;
  /** Alerts on their way at most. */
  readonly queueMax?: number;
}

/** An alert on its way to one sink. */
interface Errand {
  readonly name: string;
  readonly account: string;
  readonly alert: Alert;
  readonly passed: readonly number[];
  readonly sink: AlertSink;
  readonly giveUpAt: number;
  failures: number;
  /** Until then it is ours to deliver. */
  leasedUntil: number;
  waiting: (() => void) | undefined;
  running: boolean;
}

/** Longer than any attempt may take. */
const leaseMs = 60_000;
const attemptMs = 20_000;
const firstBackoffMs = 1000;
const longestBackoffMs = 900_000;
/** Accounts without an end: so long after, an alert may come again. */
const forgetMs = 400 * 86_400_000;
const dayMs = 86_400_000;

/**
 * Brings each alert to each sink once, however many replicas saw its cause. Who delivers takes a lease (a short claim), looks whether the alert was sent
 * already (a claim of a millisecond on the mark that only the lease's holder ever touches), delivers, and then sets the mark for good. A process
 * that dies in between leaves a lease that lapses, and whoever else saw the cause takes over: an alert is never lost as long as one of them lives, and
 * comes twice only where a process dies between delivery and mark; both copies carry the same id.
 */
export class Courier {
  readonly #options: CourierOptions;
  readonly #errands = new Map<string, Errand>();
  readonly #running = new Set<Promise<void>>();
  #closed = false;

  constructor(options: CourierOptions) {
    this.#options = options;
  }

  get pending(): number {
    return this.#errands.size;
  }

  /** @param passed all thresholds that this alert speaks for. */
  send(alert: Alert, passed: readonly number[]): void {
    if (this.#closed) return;
    const { sinks, clock, giveUpMs } = this.#options;
    for (const sink of sinks) {
      const name = `${sink.name}/${alertName(alert.standing, alert.threshold)}`;
      if (this.#errands.has(name)) continue;
      const { account } = alert.standing;
      this.#supersede(sink, account, alert.threshold);
      const giveUpAt = clock.now() + giveUpMs;
      this.#add({
        name,
        account,
        alert,
        passed,
        sink,
        giveUpAt,
        failures: 0,
        leasedUntil: 0,
        waiting: undefined,
        running: false,
      });
    }
  }

  /** Stops trying, and resolves when no attempt is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const errand of this.#errands.values()) errand.waiting?.();
    await Promise.all(this.#running);
  }

  /** A lower alert that has not got through yet is old news. */
  #supersede(sink: AlertSink, account: string, threshold: number): void {
    for (const errand of this.#errands.values()) {
      if (errand.sink !== sink || errand.account !== account || errand.running) continue;
      if (errand.alert.threshold < threshold) this.#drop(errand);
    }
  }

  #add(errand: Errand): void {
    const { queueMax = 1000 } = this.#options;
    if (this.#errands.size >= queueMax) {
      const oldest = [...this.#errands.values()].find(({ running }) => !running);
      if (oldest === undefined) return this.#lost(errand, new Error('too many alerts wait'));
      this.#drop(oldest);
      this.#lost(oldest, new Error('too many alerts wait'));
    }
    this.#errands.set(errand.name, errand);
    this.#start(errand);
  }

  #drop(errand: Errand): void {
    errand.waiting?.();
    this.#errands.delete(errand.name);
  }

  #lost({ alert, sink }: Errand, error: unknown): void {
    this.#options.signals.emit('part-failed', {
      part: 'alerts',
      operation: `give-up:${sink.name}:${alert.standing.budget.id}:${alert.threshold}`,
      error,
    });
  }

  #start(errand: Errand): void {
    if (this.#closed) return;
    errand.waiting = undefined;
    errand.running = true;
    const attempt = this.#attempt(errand)
      .catch((error: unknown) => this.#failed(errand, error))
      .finally(() => {
        errand.running = false;
        this.#running.delete(attempt);
      });
    this.#running.add(attempt);
  }

  #later(errand: Errand, ms: number): void {
    if (this.#closed) return;
    errand.waiting = this.#options.clock.after(ms, () => this.#start(errand));
  }

  async #attempt(errand: Errand): Promise<void> {
    const { store, clock } = this.#options;
    if (clock.now() + attemptMs > errand.leasedUntil) {
      const until = clock.now() + leaseMs;
      // Somebody else is at it; if it dies, its lease lapses.
      if (!(await store.claim(`alert-lease/${errand.name}`, until))) {
        return this.#later(errand, leaseMs + 1000);
      }
      errand.leasedUntil = until;
      if (!(await store.claim(`alert-sent/${errand.name}`, clock.now() + 1))) {
        return this.#drop(errand);
      }
    }
    if ((await errand.sink.deliver(errand.alert)) === 'gone') {
      this.#drop(errand);
      this.#lost(errand, new Error('the receiver wants no more alerts'));
      return;
    }
    if (errand.failures > 0) this.#options.signals.emit('part-healed', { part: 'alerts' });
    await this.#mark(errand);
    this.#drop(errand);
  }

  /** For good, and for the lower ones too, so that a replica that lags does not send them afterwards. */
  async #mark(errand: Errand): Promise<void> {
    const { sink, alert, passed } = errand;
    const { store, clock } = this.#options;
    const { endsAt } = alert.standing.window;
    const until = endsAt === undefined ? clock.now() + forgetMs : endsAt + dayMs;
    for (const threshold of passed) {
      const name = `alert-sent/${sink.name}/${alertName(alert.standing, threshold)}`;
      const isSet = await store.claim(name, until);
      if (!isSet && threshold === alert.threshold) await this.#markLater(errand, name, until);
    }
  }

  /** Our own look at the mark is remembered for a millisecond, by a clock that may run behind ours. Within the lease nobody else looks. */
  async #markLater({ leasedUntil }: Errand, name: string, until: number): Promise<void> {
    const { store, clock } = this.#options;
    for (let waitMs = 2; !this.#closed && clock.now() < leasedUntil; waitMs *= 2) {
      await new Promise<void>((resolve) => void clock.after(Math.min(waitMs, 1000), resolve));
      if (await store.claim(name, until)) return;
    }
  }

  #failed(errand: Errand, error: unknown): void {
    const { clock, random, signals } = this.#options;
    errand.failures++;
    if (clock.now() >= errand.giveUpAt) {
      this.#drop(errand);
      this.#lost(errand, error);
      return;
    }
    if (errand.failures === 1) {
      signals.emit('part-failed', { part: 'alerts', operation: errand.sink.name, error });
    }
    const backoff = Math.min(longestBackoffMs, firstBackoffMs * 4 ** (errand.failures - 1));
    this.#later(errand, backoff * (0.5 + random.next() / 2));
  }
}
