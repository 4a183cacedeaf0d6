import type { Purged } from './purge-table.ts';

/** A cache beyond our tiers, such as one at the edge, that is told of each purge. */
export interface PurgeTarget {
  readonly name: string;
  /**
   * @param selectors as in `PurgeOrder`, each with its tenant.
   * @param options.once nothing that is meant can be on its way to there now.
   * @throws EconomizerError where it could not be told.
   */
  purge(
    selectors: readonly { readonly tenant: string; readonly selector: string }[],
    options: { readonly soft: boolean; readonly once?: boolean },
  ): Promise<void>;
  /** Told of what other gateways have purged, since they may have died over it. Never throws. */
  heard?(lines: readonly Purged[]): void;
}
