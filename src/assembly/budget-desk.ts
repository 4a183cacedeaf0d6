import { BudgetDesk, type BudgetDeskOptions } from '../budget/desk.ts';
import { cheaperOf } from '../budget/ladder/cheaper-models.ts';
import { kinOf } from '../budget/ladder/kinship.ts';
import { estimateSaving, type PastCall, type SavingEstimate } from '../budget/ladder/savings.ts';
import type { Config } from '../config/config.ts';
import { inputTokens } from '../exchange/usage.ts';
import type { Clock } from '../kernel/clock.ts';
import type { PriceBook } from '../ledger/price-book.ts';
import type { LedgerRow } from '../ledger/row.ts';
import { usagePricer } from '../ledger/usage-pricer.ts';

/** Calls of the last week that an estimate looks at, at most. */
const rowsMax = 20_000;
const weekMs = 7 * 86_400_000;

/** The newest rows of a ledger first; undefined where there is none. */
export type RecentRows = (limit: number) => Promise<readonly LedgerRow[] | undefined>;

type Given = Pick<BudgetDeskOptions, 'store' | 'standings' | 'rungs' | 'pace' | 'decisions'>;

/** The operator's desk over a running gateway's parts, or over what a command opened for itself. */
export function budgetDesk(
  given: Given & {
    readonly config: Config;
    readonly clock: Clock;
    readonly priceBook: PriceBook;
    readonly rows: RecentRows;
  },
): BudgetDesk {
  const { config, clock } = given;
  const { enabled, levels, margin } = config.protection;
  return new BudgetDesk({
    ...given,
    policy: enabled ? { levels, margin } : undefined,
    levels,
    saving: () => savingOf(config, { ...given, now: clock.now() }),
  });
}

async function savingOf(
  { protection, cache, providers }: Config,
  parts: { readonly priceBook: PriceBook; readonly rows: RecentRows; readonly now: number },
): Promise<SavingEstimate | undefined> {
  const { priceBook, rows, now } = parts;
  const recent = await rows(rowsMax);
  if (recent === undefined) return undefined;
  const priceIds = new Map(providers.map(({ name, priceId }) => [name, priceId]));
  const price = usagePricer(priceBook);
  const calls = recent
    .filter(({ at }) => at >= now - weekMs)
    .map((row) => pastCall(row, priceIds.get(row.provider) ?? row.provider, price));
  return estimateSaving(calls, {
    essential: kinOf(protection.essential),
    cheaper: cheaperOf(protection.cheaperModels.map),
    cheaperForEssential: protection.cheaperModels.essential,
    ttlMs: cache.ttlMs,
    ttlFactor: protection.cacheMore.ttlFactor,
    now,
    isSample: recent.length === rowsMax,
  });
}

function pastCall(
  row: LedgerRow,
  priceId: string,
  price: ReturnType<typeof usagePricer>,
): PastCall {
  const { usage, serviceTier, at } = row;
  const { tenant, team, key, agent, session, tags, provider } = row;
  return {
    tenant,
    team,
    key,
    agent,
    session,
    tags,
    provider,
    at,
    model: row.modelAsked,
    wasSent: row.source === 'upstream',
    cost: row.costNanos,
    costOn: (model) => usage && price({ provider: priceId, model, serviceTier, at, usage }),
    likeness: likenessOf(row),
  };
}

/** The ledger keeps no questions; the same agent that sends just as many tokens to the same model has probably asked the same. */
function likenessOf(row: LedgerRow): string | undefined {
  const usage = row.withoutUsage ?? row.usage;
  const tokens = usage === undefined ? 0 : inputTokens(usage);
  if (tokens === 0) return undefined;
  return JSON.stringify([row.tenant, row.agent, row.provider, row.path, row.modelAsked, tokens]);
}
