import type { Awaitable } from '../tier.ts';
import { type Purged } from './purge-table.ts';
import { noMark, type Mark } from './mark.ts';

/** What is to be purged, before it has a version. */
export interface PurgeOrder {
  /** `everyTenant` for all. */
  readonly tenant: string;
  readonly selector: string;
  /** The entries are past their time from now on, but not gone. */
  readonly soft: boolean;
  /** Only entries stored before this time, in milliseconds since the epoch; undefined: all whose answers were asked for before now. */
  readonly before: number | undefined;
}

/** Keeps what was purged, for this process and for others. A store may throw: who asks it decides what that means. */
export interface PurgeStore {
  load(): Awaitable<readonly Purged[]>;
  /**
   * Gives the orders one new version, greater than every one before it, and keeps them.
   * @param known the greatest version that the caller has heard of.
   * @param now wall time in milliseconds since the epoch: versions follow it where they can, so that a store that was lost and begun anew goes on above the old ones.
   */
  add(orders: readonly PurgeOrder[], known: number, now: number): Awaitable<readonly Purged[]>;
  /** Takes in lines that were purged elsewhere, and forgets those that were folded into others. */
  keep(lines: readonly Purged[], folded?: readonly Purged[]): Awaitable<void>;
  close(): Awaitable<void>;
}

/** Keeps what was purged for all gateways of an installation, and tells those that listen of whatever `add` and `keep` change. */
export interface SharedPurgeStore extends PurgeStore {
  /**
   * Hears what other gateways changed.
   * @param onGap something may have been missed: called when the connection was lost in between, when it stands for the first time, and
   * where something was said that nobody understands.
   */
  listen(onNews: (lines: readonly Purged[]) => void, onGap: () => void): PurgeSubscription;
}

export interface PurgeSubscription {
  /** Resolves when it was heard for the first time, or could not be. */
  readonly tried: Promise<void>;
  end(): void;
}

/** The next version after all that are known. */
export function nextVersion(stored: number, known: number, now: number): number {
  return Math.max(stored + 1, known + 1, now);
}

/** An order as a line of the table. */
export function purgedAt(order: PurgeOrder, version: number): Purged {
  const { tenant, selector, soft, before } = order;
  return { tenant, selector, mark: { ...noMark, ...numbers(soft, before, version) } };
}

function numbers(soft: boolean, before: number | undefined, version: number): Partial<Mark> {
  if (before === undefined) return soft ? { soft: version } : { hard: version };
  return soft ? { softBefore: before, softBeforeAt: version } : { hardBefore: before };
}
