import { EconomizerError } from '../kernel/errors.ts';
import { usdText, type NanoUsd } from '../kernel/money.ts';
import type { UnboundedReason } from './cost-bound.ts';
import type { Touched } from './plan.ts';
import type { Short } from './walls.ts';

/** A call that costs more than a budget has left. */
export function shortOf(short: Short, needed: NanoUsd, now: number): EconomizerError {
  const { by, left } = short;
  const { endsAt } = by.window;
  const advice = [
    ...(needed > by.limit ? [] : endsAt === undefined ? [] : [`wait until ${timeOf(endsAt)}`]),
    'ask for fewer output tokens',
    'or have the limit raised',
  ].join(', ');
  return new EconomizerError(
    'ECO_BUDGET',
    `The ${nameOf(by)} has $${usdText(left)} of $${usdText(by.limit)} left, and this call can cost up to $${usdText(needed)}; ${advice}.`,
    {
      retryAfterMs: endsAt === undefined ? undefined : Math.max(0, endsAt - now),
      details: {
        budget: by.budget.id,
        ...(by.value === undefined ? {} : { value: by.value }),
        period: by.budget.period,
        limit_usd: usdText(by.limit),
        left_usd: usdText(left),
        needed_usd: usdText(needed),
        resets_at: endsAt === undefined ? null : timeOf(endsAt),
      },
    },
  );
}

const reasons: Readonly<Record<UnboundedReason, string>> = {
  'price-unknown': 'its model, or the way it is asked, has no price here; add one under prices',
  'output-unknown':
    'nobody says how much its model writes; set an output cap in the request, or budgeting.output_tokens',
  'stored-input': 'its input lies at the provider',
  'remote-input': 'the provider fetches documents for it',
  'media-input': 'the tokens of its audio, video or documents do not follow from their bytes',
  'server-tool': 'the provider runs tools for it as often as it likes; cap their uses',
  'opaque-path': 'this gateway does not understand its path',
  unread: 'its body cannot be read',
};

/** A call of which nobody knows what it can cost. */
export function unbounded(by: Touched, why: UnboundedReason): EconomizerError {
  return new EconomizerError(
    'ECO_UNBOUNDED',
    `The ${nameOf(by)} is hard, and what this call can cost has no bound: ${reasons[why]}, or set a ceiling for it under budgeting.ceilings.`,
    { details: { budget: by.budget.id, reason: why } },
  );
}

/** A call without an output cap, where the gateway asks for one. */
export function uncapped(by: Touched): EconomizerError {
  return new EconomizerError(
    'ECO_UNBOUNDED',
    `The ${nameOf(by)} takes only calls that cap their output (budgeting.output_cap: refuse); set max_tokens, or the field that this API has for it.`,
    { details: { budget: by.budget.id, reason: 'no-output-cap' } },
  );
}

function nameOf({ budget, value }: Touched): string {
  const whose =
    value === undefined
      ? ''
      : value === ''
        ? ' for calls without a name'
        : ` of "${value.slice(0, 80)}"`;
  return `${budget.period} budget "${budget.id}"${whose}`;
}

function timeOf(at: number): string {
  return new Date(at).toISOString().replace('.000', '');
}
