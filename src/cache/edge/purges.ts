import type { Clock } from '../../kernel/clock.ts';
import type { Signals } from '../../kernel/signals.ts';
import type { PurgeTarget } from '../invalidation/purge-target.ts';
import {
  everyTenant,
  everything,
  everythingShared,
  type Purged,
} from '../invalidation/purge-table.ts';
import type { EdgeNames } from './names.ts';
import type { PurgeFile } from './purge-file.ts';
import { PurgeQueue, type Untold } from './purge-queue.ts';
import type { PurgeWay } from './purge-way.ts';

/** A name under which answers are shared at the edge, and whose they are. */
export interface EdgeShare {
  readonly name: string;
  readonly tenants: ReadonlySet<string>;
}

export interface EdgePurgesOptions {
  readonly ways: readonly PurgeWay[];
  readonly shares: readonly EdgeShare[];
  readonly names: EdgeNames;
  /** Undefined: what is still to be told is forgotten with this process. */
  readonly file?: PurgeFile | undefined;
  readonly clock: Clock;
  readonly signals: Signals;
}

type Selected = Pick<Purged, 'tenant' | 'selector'>;

/**
 * Tells the edge of purges: of ours when they are made, of others' when we hear of them. What an edge cannot be told it is told again until it has heard;
 * until then it is not asked for answers.
 */
export class EdgePurges implements PurgeTarget {
  readonly name = 'edge';
  readonly #options: EdgePurgesOptions;
  readonly #queues: readonly PurgeQueue[];
  #listens = false;

  constructor(options: EdgePurgesOptions) {
    this.#options = options;
    this.#queues = options.ways.map((way) => this.#queueFor(way));
  }

  /** True while an edge has not heard of everything that is gone. */
  get isBehind(): boolean {
    return this.#queues.some(({ isBehind }) => isBehind);
  }

  async purge(
    selected: readonly Selected[],
    { soft, once }: { readonly soft: boolean; readonly once?: boolean },
  ): Promise<void> {
    const keys = this.#keysFor(selected);
    if (keys.length === 0) return;
    const failures = await Promise.all(this.#queues.map((queue) => queue.add(keys, soft, once)));
    const failure = failures.find((each) => each !== undefined);
    if (failure !== undefined) throw failure;
  }

  /** From now on what others purge is repeated: before, this gateway has given the edge nothing that they meant. */
  listen(): void {
    this.#listens = true;
  }

  heard(lines: readonly Purged[]): void {
    if (!this.#listens) return;
    const isSoft = ({ mark }: Purged): boolean => mark.hard === 0 && mark.hardBefore === 0;
    const soft = this.#keysFor(lines.filter(isSoft));
    const hard = this.#keysFor(lines.filter((line) => !isSoft(line)));
    for (const queue of this.#queues) {
      // Each queue tells of its failures.
      if (soft.length > 0) void queue.add(soft, true);
      if (hard.length > 0) void queue.add(hard, false);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#queues.map((queue) => queue.close()));
  }

  /** An edge knows whole names only and no ages: what they are part of is purged with them. */
  #keysFor(selected: readonly Selected[]): readonly string[] {
    const { shares, names } = this.#options;
    const keys = new Set<string>();
    for (const { tenant, selector } of selected) {
      const isWide = selector.startsWith('prefix:') || selector === everythingShared;
      for (const share of shares) {
        if (tenant !== everyTenant && !share.tenants.has(tenant)) continue;
        keys.add(names.surrogateKey(share.name, isWide ? everything : selector));
      }
    }
    return [...keys];
  }

  #queueFor(way: PurgeWay): PurgeQueue {
    const { file, shares, names, clock, signals } = this.#options;
    const all = (): readonly string[] =>
      shares.map(({ name }) => names.surrogateKey(name, everything));
    // What was to be told and cannot be read any more may have been anything.
    const untold = file === undefined ? [] : (file.untold(way.name) ?? all().map(gone));
    const onChange = (list: readonly Untold[]): void => {
      try {
        file?.keep(way.name, list);
      } catch (error) {
        signals.emit('part-failed', { part: 'cache.edge', operation: 'keep purges', error });
      }
    };
    return new PurgeQueue({ way, everything: all, untold, onChange, clock, signals });
  }
}

function gone(key: string): Untold {
  return [key, false];
}
