import { z } from 'zod';
import { defaults } from './defaults.ts';
import { choice, duration, flag, section, text } from './fields.ts';

const address = (description: string) =>
  text(description).refine(isPlainUrl, {
    error:
      'must be an http or https URL without a name, password, query or fragment, such as https://edge.example.com',
  });

function isPlainUrl(value: string): boolean {
  if (!/^https?:\/\/[^\s?#@]+$/i.test(value) || !URL.canParse(value)) return false;
  return new URL(value).hostname !== '';
}

const kinds = ['varnish', 'fastly', 'cloudflare'] as const;

/** What each kind of edge must be told, and what only it can be. */
const fieldsOf = {
  varnish: { needed: ['secret'], allowed: ['urls'] },
  fastly: { needed: ['service', 'token'], allowed: ['api'] },
  cloudflare: { needed: ['zone', 'token'], allowed: ['api'] },
} as const;
const ownFields = ['secret', 'urls', 'service', 'zone', 'token', 'api'] as const;

const purge = section('How the edge is told that answers are gone.', {
  kind: choice('What it is.', kinds),
  urls: z
    .array(address('One Varnish.'), { error: 'must be a list of URLs' })
    .min(1, { error: 'must name at least one Varnish' })
    .meta({
      description: 'For `varnish`: each Varnish by itself. Default: `edge.url`.',
      kind: 'list of text',
    })
    .optional(),
  secret: text(
    'For `varnish`: what the VCL asks of whoever purges (`docs/edge/economizer.vcl`). Write it as `${NAME}`.',
  )
    .refine((value) => /^[\x21-\x7e]{16,200}$/.test(value), {
      error: 'must be 16 to 200 visible ASCII characters, so that nobody can guess it',
    })
    .optional(),
  service: text('For `fastly`: the id of the service.').optional(),
  zone: text('For `cloudflare`: the id of the zone.').optional(),
  token: text(
    'For `fastly` and `cloudflare`: a token of the API that may purge. Write it as `${NAME}`.',
  )
    .refine((value) => /^[\x21-\x7e]{1,500}$/.test(value), {
      error: 'must be visible ASCII characters',
    })
    .optional(),
  api: address(
    'For `fastly` and `cloudflare`: where the API is, if not at its usual address.',
  ).optional(),
  timeout: duration('How long one purge may take.', defaults.edge.purgeTimeout, {
    min: 50,
    max: 60_000,
  }),
}).superRefine((given, context) => {
  const { needed, allowed } = fieldsOf[given.kind];
  const known = new Set<string>([...needed, ...allowed]);
  for (const name of ownFields) {
    if (given[name] !== undefined && !known.has(name)) {
      const message = `has no meaning for ${given.kind}; leave it out`;
      context.addIssue({ code: 'custom', path: [name], message });
    }
  }
  for (const name of needed) {
    if ((given as Readonly<Record<string, unknown>>)[name] === undefined) {
      const message = `must be given for ${given.kind}`;
      context.addIssue({ code: 'custom', path: [name], message });
    }
  }
});

export const edgeSchema = section(
  'A shared HTTP cache (Varnish, Fastly, Cloudflare) that stands before gateways: the level `l4`, for answers of policies with `edge: public`. Left out: there is none.',
  {
    url: address(
      'Where the edge is, as gateways and toolkits reach it; it fetches from a gateway below `/economizer/edge/`.',
    ),
    lookup: duration(
      'How long the edge may take for a lookup; what is slower is a miss.',
      defaults.edge.lookup,
      { min: 1, max: 10_000 },
    ),
    query: flag(
      'Whether the edge may keep answers to `QUERY` too, each for its own key and question. What it answers so, neither ledger nor budgets see. For `varnish` alone.',
      defaults.edge.query,
    ),
    purge,
  },
);
