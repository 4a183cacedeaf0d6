import { z } from 'zod';
import {
  amount,
  choice,
  patterns,
  section,
  share,
  span,
  text,
  texts,
  toggle,
  whole,
  wrongMapping,
} from './fields.ts';

/** The policies that are always there; see `docs/guide/caching.md`. */
export const builtInPolicies = [
  'response',
  'model-output',
  'conversation-context',
  'tool-results',
] as const;

const levels = z
  .array(
    z.enum(['memory', 'redis', 'disk', 'postgres'], {
      error: 'must be one of: memory, redis, disk, postgres',
    }),
    {
      error: 'must be a list of levels, such as [memory, redis]',
    },
  )
  .min(1, { error: 'must name a level; with mode: off nothing is kept' })
  .meta({
    description:
      'Levels that it uses. Where there is no Redis, `disk` stands in for it, so that a restart does not lose what was to outlive it. Where there is a PostgreSQL, a built-in policy that uses `disk` uses it too.',
    kind: 'list of text',
  })
  .optional();

const policy = section('One policy. What it does not say is as in the one that it extends.', {
  extends: choice(
    'The built-in policy that it starts from. Default: its own name, else `response`.',
    builtInPolicies,
  ).optional(),
  mode: choice(
    'Whether stored answers are served and new ones stored, neither, only the one or only the other.',
    ['on', 'off', 'read-only', 'write-only'],
  ).optional(),
  ttl: span('How long an answer is fresh.', { min: 1000 }).optional(),
  jitter: share(
    'The share of `ttl` by which chance may shorten it, so that what was stored together does not end together.',
  ).optional(),
  stale_while_revalidate: span(
    'How long after that it may still be served while a new one is fetched in the background.',
  ).optional(),
  refresh_chance: share(
    'A new one is fetched only where, by the hits so far, it will serve again with at least this chance.',
  ).optional(),
  stale_if_error: span(
    'How long after its time it may still be served when the provider fails (grace).',
  ).optional(),
  negative_ttl: span(
    'How long a refusal that would come again (status 400, 404, 413 or 422) is kept; 0: not at all.',
    { max: 3_600_000 },
  ).optional(),
  reuse_sampled: toggle(
    'Whether to reuse answers drawn at a temperature above 0 without a seed.',
  ).optional(),
  reuse_unset: toggle(
    'Whether to reuse answers of calls that say nothing of temperature or seed.',
  ).optional(),
  max_answer_bytes: amount('Answers larger than this are not kept.', { min: 1024 }).optional(),
  levels,
  compress: toggle(
    'Whether answers are compressed in every level where that helps (true) or in none (false). Default: below memory only.',
  ).optional(),
  deduplicate: toggle(
    'Whether equal answers are kept once, however many calls they answer.',
  ).optional(),
  messages: whole('Answers kept of one conversation: those to its latest calls. 0: all of them.', {
    min: 0,
    max: 10_000,
  }).optional(),
  scope: choice(
    'With whom answers are shared: the `tenant`, only the `team`, or, `shared`, the tenants in `share_with`.',
    ['tenant', 'team', 'shared'],
  ).optional(),
  share_as: text(
    'For scope `shared`: the name of what is shared. Policies of the same name share.',
  ).optional(),
  share_with: texts(
    'For scope `shared`: the tenants that share. All others keep to themselves.',
  ).optional(),
  edge: choice(
    'For scope `shared`: `public` lets answers lie at the edge too (`edge`), where whoever has their unguessable address may read them. Not those of callers who bring a credential of their own.',
    ['off', 'public'],
  ).optional(),
  ignore: texts(
    'Members of the request body that do not count: what differs in them alone is the same question. Only what cannot change the answer.',
  ).optional(),
  similarity: share(
    'How alike two questions must be for one to answer the other. Needs an embedder, and this version has none.',
  ).optional(),
  invalidate_by_meaning: toggle(
    'Whether a purge also reaches what means the same. Needs an embedder, and this version has none.',
  ).optional(),
}).superRefine((given, context) => {
  const complain = (path: string, message: string): void =>
    context.addIssue({ code: 'custom', path: [path], message });
  if (given.scope === 'shared') {
    if (given.share_as === undefined) complain('share_as', 'must name what is shared');
    if (given.share_with === undefined) complain('share_with', 'must list the tenants that share');
  }
  if (given.similarity !== undefined) {
    complain(
      'similarity',
      'cannot be honoured without an embedder, and this version has none; leave it out',
    );
  }
  if (given.invalidate_by_meaning === true) {
    complain(
      'invalidate_by_meaning',
      'cannot be honoured without an embedder, and this version has none; leave it out or say false',
    );
  }
});

const policyName = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, {
  error:
    'must be a name of lower-case letters, digits and hyphens, at most 32, with a letter first',
});

export const policies = z
  .record(policyName, policy, { error: wrongMapping })
  .prefault({})
  .meta({
    description: `How long, where and with whom answers are kept, by name: ${builtInPolicies.join(', ')}, and your own.`,
    kind: 'mapping',
  });

const rule = section(
  'Which calls get a policy. All that is given must fit; `*` stands for anything.',
  {
    policy: text('The name of the policy.'),
    route: patterns(
      'Paths below the provider’s base URL, such as `/chat/completions`; `/v1` before it does not count.',
    ).optional(),
    provider: patterns('Providers.').optional(),
    agent: patterns('Agents.').optional(),
    tool: patterns('Tools, one of which the request offers to the model.').optional(),
    model: patterns('Models, as the caller names them.').optional(),
    tenant: patterns('Tenants.').optional(),
    team: patterns('Teams.').optional(),
    tag: patterns('Tags of the call (`x-economizer-tags`) or of its answer.').optional(),
    min_messages: whole('Conversations of at least so many messages.', {
      min: 1,
      max: 1_000_000,
    }).optional(),
  },
);

export const rules = z.array(rule, { error: 'must be a list of rules' }).default([]).meta({
  description:
    'Which policy holds for a call: that of the first rule that fits. Behind yours stand two of ours: embeddings and token counts get `model-output`, everything else `response`.',
  kind: 'list',
});
