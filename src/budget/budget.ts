import type { NanoUsd } from '../kernel/money.ts';

/** Where in the hierarchy a call stands; from its key, its headers and its body. */
export interface Standpoint {
  /** The organisation: nothing is ever shared across tenants. */
  readonly tenant: string;
  readonly team?: string | undefined;
  /** Name of the virtual key. */
  readonly key?: string | undefined;
  readonly agent: string | undefined;
  readonly session: string | undefined;
  readonly tags: readonly string[];
}

/**
 * Whose calls a budget is for: every named field must match. `*` matches whatever is there, and each value found has a budget of its own
 * (`{ agent: '*' }`: the limit is for each agent). An empty scope is all calls of the installation.
 */
export interface BudgetScope {
  readonly tenant?: string | undefined;
  readonly team?: string | undefined;
  readonly key?: string | undefined;
  readonly agent?: string | undefined;
  readonly session?: string | undefined;
  readonly tag?: string | undefined;
}

/** Calendar windows in the budget's time zone (weeks begin on Monday, ISO 8601); `total` never ends, `session` is one window for each session. */
export type BudgetPeriod = 'daily' | 'weekly' | 'monthly' | 'total' | 'session';

/** A limit on the spend of a scope. */
export interface BudgetDefinition {
  readonly id: string;
  readonly scope: BudgetScope;
  readonly period: BudgetPeriod;
  /** IANA name, such as `Europe/Berlin`. */
  readonly timeZone: string;
  readonly limit: NanoUsd;
  /** False: it warns and steers, and never refuses. */
  readonly hard: boolean;
}

/** One window of time. */
export interface BudgetWindow {
  /** Names it within its budget: `2026-11-25`, `2026-W48`, `2026-11`, `total`, `session`. */
  readonly name: string;
  /** Milliseconds since the epoch, inclusive. */
  readonly startsAt: number;
  /** Exclusive; undefined: it never ends. */
  readonly endsAt: number | undefined;
}
