import { join } from 'node:path';
import { createBounds } from './budget/bounds.ts';
import { Ceilings } from './budget/ceilings.ts';
import type { UnboundedReason } from './budget/cost-bound.ts';
import type { BudgetStore } from './budget/store.ts';
import { createMemoryBudgetStore } from './budget/stores/memory.ts';
import { createSqliteBudgetStore } from './budget/stores/sqlite.ts';
import { Walls } from './budget/walls.ts';
import type { Config } from './config/config.ts';
import type { Clock } from './kernel/clock.ts';
import { EconomizerError } from './kernel/errors.ts';
import { newId } from './kernel/ids.ts';
import type { NanoUsd } from './kernel/money.ts';
import type { Signals } from './kernel/signals.ts';
import { dearestRates } from './ledger/dearest-rates.ts';
import type { Ledger } from './ledger/ledger.ts';
import { outputLimit } from './ledger/output-limits.ts';
import type { PriceBook } from './ledger/price-book.ts';
import type { ReserveParts } from './pipeline/reserve.ts';

export interface BudgetSurroundings {
  readonly config: Config;
  readonly clock: Clock;
  readonly signals: Signals;
  readonly ledger: Ledger | undefined;
  readonly priceBook: PriceBook;
}

/** The walls of an installation; undefined where it has no budget. */
export function budgetsOf(surroundings: BudgetSurroundings): ReserveParts | undefined {
  const { config, clock, signals, ledger: past, priceBook } = surroundings;
  const { budgets, budgeting } = config;
  if (budgets.length === 0) return undefined;
  return {
    walls: new Walls({ budgets, store: storeOf(surroundings), past, clock, signals }),
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

function storeOf({ config, clock }: BudgetSurroundings): BudgetStore {
  const { store } = config.budgeting;
  const terms = { clock, owner: newId(clock.now()) };
  if (store === 'memory') return createMemoryBudgetStore(terms);
  if (store === 'sqlite') {
    return createSqliteBudgetStore({
      ...terms,
      path: join(config.dataDirectory, 'budgets.sqlite'),
    });
  }
  throw new EconomizerError(
    'ECO_CONFIG',
    'Budgets in Redis need a Redis; choose another budgeting.store.',
    { param: 'budgeting.store' },
  );
}
