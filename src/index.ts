import { assemble } from './assembly.ts';
import type { BudgetStanding } from './budget/standing.ts';
import { configOf } from './config/load.ts';
import type { ConfigFile } from './config/schema.ts';
import { createFetch } from './gateway/fetch.ts';
import { systemClock, type Clock } from './kernel/clock.ts';
import { Signals } from './kernel/signals.ts';
import type { LedgerRow } from './ledger/row.ts';
import type { ReportLine, ReportQuery } from './ledger/store.ts';

export { EconomizerError } from './kernel/errors.ts';
export { Signals, type SignalMap } from './kernel/signals.ts';
export type { ErrorCode, ErrorKind } from './kernel/error-codes.ts';
export type { BudgetStanding, ConfigFile, LedgerRow, ReportLine, ReportQuery };

/** What an `Economizer` runs with besides its configuration. */
export interface EconomizerParts {
  /** Hears what happens inside; without it nobody does. */
  readonly signals?: Signals;
  readonly clock?: Clock;
  /** Serves URLs that are no provider's. Default: the global `fetch`. */
  readonly fetch?: typeof fetch;
}

/** The gateway without a socket, for use inside one program. */
export interface Economizer {
  /**
   * Give it to an SDK client in place of its own: `new OpenAI({ fetch: economizer.fetch })`. Calls to a configured provider's base URL
   * take the same path as through the gateway (cache, accounts, limits); all others pass to the ordinary `fetch`.
   */
  readonly fetch: typeof fetch;
  /** Spend and savings so far. Empty where the ledger is switched off. */
  report(query: ReportQuery): Promise<readonly ReportLine[]>;
  /**
   * How the budgets stand now: those with one account each, and of those for each agent, session, ... what was drawn on through this program. Empty
   * where none is configured. @throws EconomizerError `ECO_BUDGET_STORE`.
   */
  budgets(): Promise<readonly BudgetStanding[]>;
  /** The newest calls first. */
  recent(limit: number): Promise<readonly LedgerRow[]>;
  /** Finishes what is under way and closes everything. */
  close(): Promise<void>;
}

/**
 * Makes an `Economizer` from a configuration in the notation of `economizer.yaml`. The environment is not read: callers' clients bring their own keys.
 * @throws EconomizerError `ECO_CONFIG` that names every fault.
 */
export function createEconomizer(
  options: ConfigFile = {},
  parts: EconomizerParts = {},
): Economizer {
  const config = configOf(options);
  const { clock = systemClock, signals = new Signals() } = parts;
  const assembly = assemble({ config, clock, signals });
  const ownFetch = createFetch({
    ...assembly,
    clock,
    bodyBytes: config.limits.bodyBytes,
    totalMs: config.limits.totalMs,
    providers: config.providers,
    otherwise: parts.fetch ?? fetch,
  });
  const ready = assembly.shared === undefined ? undefined : assembly.ready();
  return {
    fetch: ready === undefined ? ownFetch : (...asked) => ready.then(() => ownFetch(...asked)),
    report: async (query) => (await assembly.ledger?.report(query)) ?? [],
    recent: async (limit) => (await assembly.ledger?.recent(limit)) ?? [],
    budgets: async () => (await assembly.walls?.standings()) ?? [],
    close: () => assembly.close(),
  };
}
