import type { Purged } from './purge-table.ts';

/** Tells the other gateways of an installation what was purged. */
export interface PurgeBus {
  /** Never throws; what cannot be sent shows as a gap to those who miss it. */
  publish(message: string): void;
  /** @param onGap messages may have been missed: called when the connection was lost in between, and when it stands for the first time. */
  subscribe(onMessage: (message: string) => void, onGap: () => void): BusSubscription;
}

export interface BusSubscription {
  /** Resolves when it was heard for the first time, or could not be. */
  readonly tried: Promise<void>;
  end(): void;
}

/** A cache beyond our tiers, such as one at the edge, that is told of each purge. */
export interface PurgeTarget {
  readonly name: string;
  /**
   * @param selectors as in `PurgeOrder`, each with its tenant.
   * @throws EconomizerError where it could not be told.
   */
  purge(
    selectors: readonly { readonly tenant: string; readonly selector: string }[],
    options: { readonly soft: boolean },
  ): Promise<void>;
  /** Told of what other gateways have purged, since they may have died over it. Never throws. */
  heard?(lines: readonly Purged[]): void;
}
