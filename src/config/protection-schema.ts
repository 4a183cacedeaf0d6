import { z } from 'zod';
import { choice, count, duration, flag, section, text, texts } from './fields.ts';
import { defaults } from './defaults.ts';

const { protection, runaway, alerts } = defaults;

/** What a level can ask; the words of `PressureAction`. */
export const pressureActions = [
  'cache-more',
  'cheaper-models',
  'batch',
  'defer',
  'scale-down',
  'shutdown',
] as const;

const percent = (description: string, usual: number, max: number) =>
  count(description, usual, { min: 1, max });

const level = section('One level of the ladder.', {
  at: z
    .union([z.number(), z.string()], { error: 'must be a percentage from 1 to 100' })
    .transform((given, context) => {
      const value = typeof given === 'string' && given.trim() === '' ? Number.NaN : Number(given);
      if (Number.isFinite(value) && value >= 1 && value <= 100) return value;
      context.addIssue({ code: 'custom', message: 'must be a percentage from 1 to 100' });
      return z.NEVER;
    })
    .meta({ description: 'Percentage of the limit from which on it holds.', kind: 'number' }),
  actions: z
    .array(choice('One action.', pressureActions), {
      error: `must be a list of actions: ${pressureActions.join(', ')}`,
    })
    .min(1, { error: 'must name at least one action' })
    .meta({
      description: `What is done from there on, beside what lower levels do: ${pressureActions.map((each) => `\`${each}\``).join(', ')}.`,
      kind: 'list of text',
    }),
});

const callers = {
  agents: texts('Agents, by name or by pattern with `*`.').default([]),
  keys: texts('Names of virtual keys, or patterns with `*`.').default([]),
  teams: texts('Teams, or patterns with `*`.').default([]),
  tags: texts('Tags, or patterns with `*`.').default([]),
};

/** What happens as budgets run out, before they are walls. */
export const protectionSchema = section(
  'The protection ladder: what is done as a budget runs out, level by level. Each level lifts by itself when the window turns or the limit is raised.',
  {
    enabled: flag('Whether budgets steer at all before they refuse.', false),
    levels: z
      .array(level, { error: 'must be a list of levels' })
      .default(protection.levels.map(({ at, actions }) => ({ at, actions: [...actions] })))
      .superRefine((levels, context) => {
        for (let index = 1; index < levels.length; index++) {
          if (levels[index]!.at > levels[index - 1]!.at) continue;
          const message = `must be more than that of the level before it (${levels[index - 1]!.at})`;
          context.addIssue({ code: 'custom', path: [index, 'at'], message });
        }
      })
      .meta({
        description:
          'The levels, lowest first. Default: 80 cache-more and cheaper-models, 90 batch and defer, 95 scale-down, 100 shutdown.',
        kind: 'list',
      }),
    margin_percent: percent(
      'So many points below its percentage a level is left again.',
      protection.marginPercent,
      50,
    ),
    essential: section(
      'Who goes on as far as the budget lets them. Callers name their agent and tags themselves; keys and teams are proved.',
      callers,
    ).prefault({}),
    deferrable: section(
      'Whose calls can wait. Default: all that are not essential.',
      callers,
    ).optional(),
    cache_more: section('How far `cache-more` goes.', {
      ttl_factor: count('Answers stay fresh so many times as long.', protection.ttlFactor, {
        min: 1,
        max: 1000,
      }),
      stale: duration(
        'So long after its time an answer still serves, marked as stale.',
        protection.stale,
      ),
      sampled: flag(
        'Whether answers drawn at a temperature above 0 without a seed are reused too.',
        false,
      ),
    }).prefault({}),
    cheaper_models: section('What `cheaper-models` asks instead.', {
      map: z
        .array(
          section('One model and its stand-in.', {
            from: text('The model as callers name it, or a pattern with `*`.'),
            to: text('The model of the same provider that is asked instead.'),
            provider: text('The provider’s name. Default: whichever.').optional(),
          }),
          { error: 'must be a list of models' },
        )
        .default([])
        .meta({ description: 'The first entry that fits counts.', kind: 'list' }),
      essential: flag('Whether essential calls get the stand-in too.', false),
    }).prefault({}),
    scale_down: section('How far `scale-down` goes.', {
      concurrent_calls: count(
        'Calls at the same time of each agent that is not essential; 0: none.',
        protection.concurrentCalls,
        { min: 0, max: 10_000 },
      ),
    }).prefault({}),
  },
);

/** Agents that run in circles. */
export const runawaySchema = section(
  'Agents that run away: loops of tool calls, and sessions without end.',
  {
    warn_after: count(
      'Warn when a conversation ends in so many repetitions of the same tool calls with the same arguments and results; 0: never.',
      runaway.warnAfter,
      { min: 0, max: 40 },
    ),
    refuse_after: count(
      'Refuse its calls from so many repetitions on; 0: never. Not below `warn_after`.',
      0,
      { min: 0, max: 40 },
    ),
    calls_per_session: count(
      'Calls that one session may make; 0: any number. For dollars give it a budget with the period `session`.',
      0,
      { min: 0, max: 100_000_000 },
    ),
  },
);

const webhook = section('One receiver of signed messages (Standard Webhooks).', {
  url: text('Its address, http or https.').refine(isHttp, {
    error: 'must be an address that begins with http:// or https://',
  }),
  secret: text(
    'What signs: `whsec_` and the base64 of 24 to 64 bytes, as from `echo whsec_$(openssl rand -base64 32)`.',
  ).refine(isWebhookSecret, {
    error: 'must be whsec_ followed by the base64 of 24 to 64 bytes',
  }),
  old_secret: text('Signs as well while the secret is being changed.')
    .refine(isWebhookSecret, { error: 'must be whsec_ followed by the base64 of 24 to 64 bytes' })
    .optional(),
});

const shares = (description: string) =>
  z
    .array(
      z.coerce
        .number({ error: 'must be a percentage from 1 to 100' })
        .min(1, { error: 'must be a percentage from 1 to 100' })
        .max(100, { error: 'must be a percentage from 1 to 100' }),
      { error: 'must be a list of percentages, such as [50, 80, 90, 100]' },
    )
    .meta({ description, kind: 'list of numbers' });

/** Who hears of budgets that run out. */
export const alertsSchema = section(
  'Alerts: each threshold of a budget once in each of its windows, however many gateways there are.',
  {
    thresholds: shares(
      'Percentages of the limit that are told of. Default: 50, 80, 90, 100.',
    ).default([...alerts.thresholds]),
    budgets: z
      .record(z.string(), shares('Percentages for one budget.'), {
        error: 'must be a mapping of budget ids to lists of percentages',
      })
      .default({})
      .meta({ description: 'Other percentages for single budgets, by id.', kind: 'mapping' }),
    webhooks: z
      .array(webhook, { error: 'must be a list of webhooks' })
      .default([])
      .meta({ description: 'Receivers of signed messages.', kind: 'list' }),
    slack: z
      .array(
        text('One address.').refine(isHttp, {
          error: 'must be an address that begins with http:// or https://',
        }),
        { error: 'must be a list of addresses' },
      )
      .default([])
      .meta({
        description:
          'Incoming webhooks of Slack, or of what takes their messages. The address is a secret.',
        kind: 'list of text',
      }),
    give_up: duration('How long an alert that does not arrive is tried.', alerts.giveUp, {
      min: 60_000,
    }),
  },
);

function isHttp(url: string): boolean {
  return /^https?:\/\//i.test(url) && URL.canParse(url);
}

export function isWebhookSecret(secret: string): boolean {
  const found = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret);
  const bytes = found === null ? 0 : Buffer.from(found[1]!, 'base64').length;
  return bytes >= 24 && bytes <= 64;
}
