import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createBounds } from '../budget/bounds.ts';
import { Ceilings } from '../budget/ceilings.ts';
import type { UnboundedReason } from '../budget/cost-bound.ts';
import type { BudgetStore } from '../budget/store.ts';
import { withLocalShare } from '../budget/stores/local-share.ts';
import { createMemoryBudgetStore } from '../budget/stores/memory.ts';
import { createRedisBudgetStore } from '../budget/stores/redis.ts';
import { createSqliteBudgetStore } from '../budget/stores/sqlite.ts';
import { Walls } from '../budget/walls.ts';
import type { Config } from '../config/config.ts';
import type { Clock } from '../kernel/clock.ts';
import { newId } from '../kernel/ids.ts';
import type { NanoUsd } from '../kernel/money.ts';
import type { Signals } from '../kernel/signals.ts';
import { dearestRates } from '../ledger/dearest-rates.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { outputLimit } from '../ledger/output-limits.ts';
import type { PriceBook } from '../ledger/price-book.ts';
import type { ReserveParts } from '../pipeline/reserve.ts';
import type { SharedParts } from './shared-parts.ts';

export interface BudgetSurroundings {
  readonly config: Config;
  readonly clock: Clock;
  readonly signals: Signals;
  readonly ledger: Ledger | undefined;
  readonly priceBook: PriceBook;
  readonly shared: SharedParts | undefined;
}

/** The walls, and where they are counted. */
export interface BudgetParts extends ReserveParts {
  readonly store: BudgetStore;
}

/** The walls of an installation; undefined where it has no budget. */
export function budgetsOf(surroundings: BudgetSurroundings): BudgetParts | undefined {
  const { config, clock, signals, ledger: past, priceBook } = surroundings;
  const { budgets, budgeting } = config;
  if (budgets.length === 0) return undefined;
  const { store, opening } = storeOf(surroundings);
  return {
    store,
    walls: new Walls({ budgets, store, leaseMs: budgeting.leaseMs, opening, past, clock, signals }),
    bounds: createBounds({
      rates: dearestRates(priceBook),
      outputLimit,
      outputTokens: budgeting.outputTokens,
      tokensPerSearch: budgeting.tokensPerSearch,
      ceilings: partCeilings(budgeting.ceilings),
      longWrites: config.care.breakpoints,
    }),
    ceilings: new Ceilings(budgeting.ceilings.filter((ceiling) => !isForPart(ceiling))),
    rules: {
      output: budgeting.outputCap,
      leastTokens: budgeting.clampTokens,
      waitMs: budgeting.waitMs,
      broken: budgeting.brokenStreams,
    },
  };
}

type CeilingConfig = Config['budgeting']['ceilings'][number];

/** One that names nothing but a reason is for that part of a call, beside what can be bounded of it. */
function isForPart({ provider, model, path, reason }: CeilingConfig): boolean {
  return reason !== undefined && (provider ?? model ?? path) === undefined;
}

function partCeilings(
  ceilings: readonly CeilingConfig[],
): Partial<Record<UnboundedReason, NanoUsd>> {
  return Object.fromEntries(
    ceilings.filter(isForPart).map(({ reason, limit }) => [reason!, limit] as const),
  );
}

interface OpenStore {
  readonly store: BudgetStore;
  /** Resolves when it can be asked, or not for a while; undefined: it can. */
  readonly opening: Promise<void> | undefined;
}

/** Opens the store that is configured, for whoever closes it. */
export function storeOf(surroundings: Omit<BudgetSurroundings, 'priceBook'>): OpenStore {
  const { config, clock, shared } = surroundings;
  const { store, leaseMs } = config.budgeting;
  const terms = { clock, leaseMs, owner: newId(clock.now()) };
  if (store === 'memory') return { store: createMemoryBudgetStore(terms), opening: undefined };
  if (store === 'redis') return redisStoreOf(surroundings, { ...terms, ...shared! });
  const path = join(config.dataDirectory, 'budgets.sqlite');
  return { store: createSqliteBudgetStore({ ...terms, path }), opening: undefined };
}

function redisStoreOf(
  { config, signals, ledger }: Omit<BudgetSurroundings, 'priceBook'>,
  terms: SharedParts & { readonly clock: Clock; readonly owner: string; readonly leaseMs: number },
): OpenStore {
  const { clock, owner, link, ready, leaseMs } = terms;
  // Three signs of life: all who live have joined by then.
  const settleMs = leaseMs / 3;
  const redis = createRedisBudgetStore({
    clock,
    owner,
    leaseMs,
    settleMs: Math.ceil(settleMs),
    link,
    signals,
    ledger: ledger === undefined ? owner : ledgerName(config.dataDirectory),
    prefix: terms.prefix.replace(/:$/, ''),
  });
  const opening = ready.then(() => redis.whenOpen(1.5 * settleMs)).catch(() => {}); // whoever asks it then is told
  const { lostShare: share } = config.budgeting;
  const store =
    share === undefined ? redis : withLocalShare(redis, { clock, signals, owner, share });
  return { store, opening };
}

/** Tells the ledger in this directory from all others that gateways on one Redis may have. */
function ledgerName(directory: string): string {
  const file = join(directory, 'ledger-name');
  try {
    writeFileSync(file, randomUUID(), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return readFileSync(file, 'utf8');
}
