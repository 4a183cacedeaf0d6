import { z } from 'zod';
import { parseUsd } from '../kernel/money.ts';
import { defaults } from './defaults.ts';
import { choice, choiceOr, count, duration, flag, section, text, textOr } from './fields.ts';

/** Above it, sums of nano-dollars would no longer be exact in every case. */
const largestUsd = 4_000_000;
const longestValue = 256;

/** An amount of US dollars, to the nano-dollar; whole nano-dollars once read. */
function money(description: string) {
  const allowed = `must be an amount of US dollars above 0, at most ${largestUsd}, with at most nine decimals, such as 25 or 0.50`;
  return z
    .union([z.number(), z.string()], { error: allowed })
    .transform((given, context) => {
      const nano = parseUsd(decimalText(given));
      if (nano === undefined || nano <= 0 || nano > largestUsd * 1e9) {
        context.addIssue({ code: 'custom', message: allowed });
        return z.NEVER;
      }
      return nano;
    })
    .meta({ description, kind: 'US dollars' });
}

/** A number as people write it: small ones come as `1e-7` otherwise. */
function decimalText(given: number | string): string {
  if (typeof given === 'string') return given.trim();
  const fixed = given.toFixed(9);
  return Number(fixed) === given ? fixed : String(given);
}

const value = (whose: string) =>
  text(whose)
    .max(longestValue, { error: `must not be longer than ${longestValue} characters` })
    .optional();

const scope = section(
  'Whose calls it is for: all fields that are given must match. `*` gives each value a budget of its own, calls without one sharing theirs.',
  {
    tenant: value('Organisation. Default: all of them together.'),
    team: value('Team, from the key.'),
    key: value('Name of a virtual key.'),
    agent: value('Agent, as its calls name it.'),
    session: value('Conversation, as its calls name it.'),
    tag: value('One of the call’s tags.'),
  },
);

const budget = section('One budget.', {
  id: text('Its name in refusals, headers and reports.').regex(/^[A-Za-z0-9][\w.-]{0,63}$/, {
    error:
      'must be letters, digits, dots, hyphens and underscores, at most 64, the first a letter or digit',
  }),
  scope: scope.prefault({}),
  limit_usd: money('What may be spent in one period.'),
  period: choice(
    'How long a limit is for. Days begin at midnight of `time_zone`, weeks on Monday, months on the 1st; `total` never ends; `session` is for each conversation.',
    ['daily', 'weekly', 'monthly', 'total', 'session'],
  ),
  time_zone: textOr(
    'IANA name of the zone whose calendar holds, such as `Europe/Berlin`.',
    'UTC',
  ).refine(isTimeZone, {
    error: 'must be the IANA name of a time zone, such as UTC, Europe/Berlin or America/New_York',
  }),
  hard: flag(
    'Whether calls are refused that could pass the limit. A soft budget counts, warns and steers.',
    true,
  ),
});

function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false; // an offset has no calendar of its own
  try {
    new Intl.DateTimeFormat('en', { timeZone: name }).format(0);
    return true;
  } catch {
    return false;
  }
}

export const budgetsSchema = z
  .array(budget, { error: 'must be a list of budgets' })
  .max(1000, { error: 'must not be more than 1000 budgets; use * for one each' })
  .superRefine((budgets, context) => {
    const seen = new Set<string>();
    for (const [index, { id }] of budgets.entries()) {
      const message = 'must be different for each budget; another has the same id';
      if (seen.has(id)) context.addIssue({ code: 'custom', path: [index, 'id'], message });
      seen.add(id);
    }
  })
  .default([])
  .meta({
    description:
      'Limits on spend. A call draws on all that are for it, and goes out only if none could be passed.',
    kind: 'list',
  });

const ceiling = section('What calls cost at most that nothing else bounds.', {
  provider: text('The provider’s name. Default: any.').optional(),
  model: text(
    'The model as callers name it; `*` stands for anything. Default: any, and calls that name none.',
  ).optional(),
  path: text(
    'The path below the provider’s base URL; `*` stands for anything. Default: any.',
  ).optional(),
  reason: choice(
    'Why it has no bound. Default: whichever. Alone, without provider, model and path, the amount is for that part of a call only, beside what can be bounded of it.',
    [
      'price-unknown',
      'output-unknown',
      'stored-input',
      'remote-input',
      'media-input',
      'server-tool',
      'opaque-path',
      'unread',
    ],
  ).optional(),
  usd: money(
    'What such a call is taken to cost at most; held before it, and charged where its cost stays unknown.',
  ),
});

export const budgetingSchema = section('How budgets are held.', {
  store: choiceOr(
    'Where they are counted: one process’s memory (rebuilt from the ledger at its start), a file that processes of one machine share, or Redis for several machines.',
    ['memory', 'sqlite', 'redis'],
    'sqlite',
  ),
  store_lost: choiceOr(
    'What happens while Redis cannot be asked: calls under hard budgets are refused, or each gateway goes on with a share of what is left, which it sets aside beforehand.',
    ['refuse', 'share'],
    'refuse',
  ),
  lost_share_percent: count(
    'The percentage of what is left of each budget that a gateway sets aside where `store_lost` is `share`.',
    defaults.budgeting.lostSharePercent,
    { min: 1, max: 50 },
  ),
  lease: duration(
    'So long after the last sign of life of a gateway, what it holds is charged. A third of it is how long gateways wait for each other on a Redis that is empty or was started again. Gateways that share a store need the same.',
    defaults.budgeting.lease,
    { min: 2000, max: 600_000 },
  ),
  output_cap: choiceOr(
    'A call that sets no output cap is sent with the model’s maximum, and refused where that could pass a limit. `clamp` sends a lower cap instead, which may cut the answer; `wait` waits for other calls to settle; `refuse` takes only calls that set a cap.',
    ['model-maximum', 'clamp', 'wait', 'refuse'],
    'model-maximum',
  ),
  clamp_tokens: count(
    'An answer is not clamped to fewer tokens than so many.',
    defaults.budgeting.clampTokens,
    {
      min: 1,
      max: 1_000_000,
    },
  ),
  wait: duration(
    'How long a call waits at most where `output_cap` is `wait`.',
    defaults.budgeting.wait,
    {
      min: 1,
      max: 600_000,
    },
  ),
  ceilings: z.array(ceiling, { error: 'must be a list of ceilings' }).default([]).meta({
    description:
      'Calls of unknown price, and others without a bound, are refused under hard budgets unless one of these is for them. The first that fits counts.',
    kind: 'list',
  }),
  output_tokens: count(
    'The cap for models of which no list says how much they write at most; 0: calls to them need a cap of their own.',
    0,
    { min: 0, max: 100_000_000 },
  ),
  tokens_per_search: count(
    'What one of the provider’s own web searches may add to the input, in tokens; 0: calls that may search need a ceiling.',
    0,
    { min: 0, max: 10_000_000 },
  ),
  broken_streams: choiceOr(
    'What an answer that broke off is charged: what the provider may bill for it at most, or what was counted of it.',
    ['at-most', 'counted'],
    'at-most',
  ),
});
