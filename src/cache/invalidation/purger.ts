import type { Clock } from '../../kernel/clock.ts';
import type { Signals } from '../../kernel/signals.ts';
import type { CacheStack } from '../stack.ts';
import type { PurgeTarget } from './purge-target.ts';
import { ordersOf, type PurgeRequest } from './purge-request.ts';
import { purgedAt } from './purge-store.ts';
import type { Purged } from './purge-table.ts';
import type { PurgeWatch } from './purge-watch.ts';

export interface PurgerOptions {
  readonly watch: PurgeWatch;
  readonly stack: Pick<CacheStack, 'sweep' | 'forget'>;
  readonly targets?: readonly PurgeTarget[];
  readonly clock: Clock;
  readonly signals: Signals;
}

/** What a purge did, or would do. */
export interface PurgeReport {
  readonly dry_run: boolean;
  readonly soft: boolean;
  /** What it named, in the words of the table. */
  readonly selectors: readonly { readonly tenant: string | null; readonly selector: string }[];
  /** Entries that it means, by tier; null where a tier cannot tell. */
  readonly entries: Readonly<Record<string, number | null>>;
  /** Caches beyond our tiers, and whether they were told. */
  readonly targets: Readonly<Record<string, 'purged' | 'failed'>>;
  /** False where other gateways will hear of it only later, since what they share could not be asked. */
  readonly told_others: boolean;
}

const part = 'cache.purges';

/** Purges: first in the table, so that nothing purged is served from then on, then physically, tier by tier. */
export class Purger {
  readonly #options: PurgerOptions;
  #sweeping: Promise<void> = Promise.resolve();
  #news: Purged[] = [];

  constructor(options: PurgerOptions) {
    this.#options = options;
    const { watch, stack, targets = [] } = options;
    watch.onNews((lines) => {
      this.#sweepLater(lines);
      for (const target of targets) target.heard?.(lines);
    });
    watch.onGap(() => void stack.forget('l1'));
  }

  /** What `request` would purge. @throws EconomizerError `ECO_BAD_PURGE`. */
  async count(request: PurgeRequest): Promise<PurgeReport> {
    const { stack, clock } = this.#options;
    const orders = ordersOf(request, clock.now());
    const lines = orders.map((order) => purgedAt(order, Number.MAX_SAFE_INTEGER));
    const entries = shown(await stack.sweep(lines, { remove: false }));
    return { ...reportOn(request, lines), dry_run: true, entries, targets: {}, told_others: true };
  }

  /**
   * Nothing of it is served from the moment that this is called; it resolves when the tiers have been gone through too.
   * @throws EconomizerError `ECO_BAD_PURGE`.
   */
  async purge(request: PurgeRequest): Promise<PurgeReport> {
    const { watch, stack, clock } = this.#options;
    const { lines, failure } = await watch.add(ordersOf(request, clock.now()));
    const [counts, targets] = await Promise.all([
      stack.sweep(lines, { remove: true }),
      this.#tellTargets(lines, request.soft === true),
    ]);
    const told_others = failure === undefined;
    return {
      ...reportOn(request, lines),
      dry_run: false,
      entries: shown(counts),
      targets,
      told_others,
    };
  }

  /** Resolves when no sweep is under way. */
  async idle(): Promise<void> {
    await this.#sweeping;
  }

  /** What others purged is not served any more; here its room is given back, in one go for all that came meanwhile. */
  #sweepLater(lines: readonly Purged[]): void {
    const isFirst = this.#news.length === 0;
    this.#news.push(...lines);
    if (!isFirst) return;
    this.#sweeping = this.#sweeping.then(async () => {
      const news = this.#news;
      this.#news = [];
      await this.#options.stack.sweep(news, { remove: true, own: true });
    });
  }

  async #tellTargets(lines: readonly Purged[], soft: boolean): Promise<PurgeReport['targets']> {
    const { targets = [], signals } = this.#options;
    const told = targets.map(async (target) => {
      try {
        await target.purge(lines, { soft });
        return [target.name, 'purged'] as const;
      } catch (error) {
        signals.emit('part-failed', { part, operation: `purge ${target.name}`, error });
        return [target.name, 'failed'] as const;
      }
    });
    return Object.fromEntries(await Promise.all(told));
  }
}

function reportOn(
  { soft = false }: PurgeRequest,
  lines: readonly Purged[],
): Pick<PurgeReport, 'soft' | 'selectors'> {
  const selectors = lines.map(({ tenant, selector }) => ({
    tenant: tenant === '' ? null : tenant,
    selector,
  }));
  return { soft, selectors };
}

function shown(counts: Readonly<Record<string, number | undefined>>): PurgeReport['entries'] {
  return Object.fromEntries(Object.entries(counts).map(([tier, count]) => [tier, count ?? null]));
}
