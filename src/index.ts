import { assemble } from './assembly/assembly.ts';
import type { ToolPolicy } from './cache/tools/function-policy.ts';
import {
  FunctionTools,
  type AnyFunction,
  type CachedTool,
  type ToolIdentity,
} from './cache/tools/wrap-function.ts';
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
export type { AnyFunction, CachedTool, ToolIdentity, ToolPolicy };

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
  /**
   * The same function as a tool whose results are kept: calls with the same arguments on behalf of the same user get the result of the first, for as long as
   * the policy says. Errors are not kept. What cannot be kept (no user named, arguments or results that are no JSON) is called each time, and a notice tells why.
   * @throws EconomizerError `ECO_CONFIG` for a policy that cannot be, or a name that another tool has.
   */
  tool<Original extends AnyFunction>(original: Original, policy: ToolPolicy): CachedTool<Original>;
  /** Says on whose behalf tools are called, for everything that `act` calls and awaits. */
  runAs<Value>(identity: ToolIdentity, act: () => Value): Value;
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
  const sharesNothing = assembly.shared === undefined && config.postgres === undefined;
  const ready = sharesNothing ? undefined : assembly.ready();
  const tools = new FunctionTools({
    cache: assembly.tools.cache,
    writes: assembly.tools.newWrites(),
    signals,
    ready,
  });
  return {
    tool: (original, policy) => tools.wrap(original, policy),
    runAs: (identity, act) => tools.runAs(identity, act),
    fetch: ready === undefined ? ownFetch : (...asked) => ready.then(() => ownFetch(...asked)),
    report: async (query) => (await assembly.ledger?.report(query)) ?? [],
    recent: async (limit) => (await assembly.ledger?.recent(limit)) ?? [],
    budgets: async () => (await assembly.walls?.standings()) ?? [],
    close: () => assembly.close(),
  };
}
