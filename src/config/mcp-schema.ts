import { z } from 'zod';
import { parseUsd } from '../kernel/money.ts';
import { defaults } from './defaults.ts';
import {
  choiceOr,
  count,
  duration,
  flag,
  section,
  size,
  span,
  text,
  texts,
  amount,
  wrongMapping,
} from './fields.ts';

const scope = z
  .string({ error: 'must be user, tenant or shared:NAME' })
  .regex(/^(?:user|tenant|shared:.+)$/, { error: 'must be user, tenant or shared:NAME' })
  .transform((given) => {
    if (given === 'user' || given === 'tenant') return { kind: given } as const;
    return { kind: 'shared', name: given.slice('shared:'.length) } as const;
  })
  .prefault('user')
  .meta({
    description:
      'With whom results are shared: `user` with nobody, `tenant` with all users of this installation, `shared:NAME` with all servers and installations on the same cache that name it so.',
    default: 'user',
    kind: '`user`, `tenant` or `shared:NAME`',
  });

const invalidates = z
  .union([z.enum(['all', 'own', 'none']), z.array(z.string().min(1)).min(1)], {
    error: 'must be all, own, none or a list of tools',
  })
  .prefault('all')
  .meta({
    description:
      'With `mode: write`, what is not served any more after a call: `all` that is kept of the server’s tools and resources, what is its caller’s `own`, what the tools of a list gave, or `none`.',
    default: 'all',
    kind: '`all`, `own`, `none` or list of text',
  });

const price = z
  .union([z.string(), z.number()], { error: 'must be US dollars from 0, such as 0.005' })
  .transform((given, context) => {
    const nanos = parseUsd(String(given));
    if (nanos !== undefined) return nanos;
    context.addIssue({ code: 'custom', message: 'must be US dollars from 0, such as 0.005' });
    return z.NEVER;
  })
  .prefault('0')
  .meta({
    description: 'What one call costs; what a hit saves.',
    default: '0',
    kind: 'US dollars',
  });

const path = /^[^.]+(?:\.[^.]+)*$/;
const paths = (description: string) =>
  texts(description)
    .refine((given) => given.every((each) => path.test(each)), {
      error: 'must be paths such as meta.request_id',
    })
    .prefault([])
    .meta({ description, kind: 'list of text' });

const tool = section(
  'One tool. A tool that is not listed counts as one that may change anything.',
  {
    mode: choiceOr(
      'Whether its results are kept (`cache`), whether it changes nothing but is called each time (`read`), or whether it changes things (`write`).',
      ['cache', 'read', 'write'],
      'cache',
    ),
    ttl: span('How long a result is served. Default: that of the cache policy `tool-results`.', {
      min: 1,
    }).optional(),
    scope,
    volatile: paths(
      'Paths in the arguments of what cannot change the result; `*` stands for any name.',
    ),
    sets: paths('Paths of lists whose order and repetitions cannot change the result.'),
    nfc: flag('Whether texts count as equal in every Unicode form.', false),
    max_bytes: amount(
      'Larger results are not kept. Default: `max_answer_bytes` of the cache policy `tool-results`.',
      { min: 1 },
    ).optional(),
    price_usd: price,
    invalidates,
  },
);

const serverName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, {
  error: 'must be a name of letters, digits, dots, hyphens and underscores',
});

const server = section('One server. Name exactly one of `command` and `url`.', {
  command: texts('What starts it, word by word: it speaks over standard input and output.')
    .min(1, { error: 'must name a program' })
    .optional(),
  env: z
    .record(z.string(), z.string({ error: 'must be text' }), { error: wrongMapping })
    .prefault({})
    .meta({ description: 'Its environment, beside what every program needs.', kind: 'mapping' }),
  cwd: text('The directory that it is started in.').optional(),
  url: text('Where it listens, over streamable HTTP.')
    .refine((value) => /^https?:\/\//.test(value) && URL.canParse(value), {
      error: 'must be a URL such as https://mcp.example.com/mcp',
    })
    .optional(),
  headers: z
    .record(z.string(), z.string({ error: 'must be text' }), { error: wrongMapping })
    .prefault({})
    .meta({ description: 'Sent with each request, such as its `authorization`.', kind: 'mapping' }),
  forward_authorization: flag(
    'Whether it gets the `Authorization` that the client shows us. Only where it is meant for this server.',
    false,
  ),
  lists: duration(
    'How long its lists are kept where it does not say (`ttlMs`); 0: not at all.',
    defaults.mcp.lists,
  ),
  reads: duration('The same of resources that were read.', defaults.mcp.reads),
  max_message: size('The largest message that is taken from it.', defaults.mcp.maxMessage, {
    min: 65_536,
  }),
  tools: z
    .record(z.string().min(1), tool, { error: wrongMapping })
    .prefault({})
    .meta({ description: 'Its tools by name.', kind: 'mapping' }),
}).superRefine((values, context) => {
  const { command, url, tools } = values;
  if ((command === undefined) === (url === undefined)) {
    const message = 'must be there, or url instead; exactly one of the two';
    context.addIssue({ code: 'custom', path: ['command'], message });
  }
  for (const [name, { invalidates: named }] of Object.entries(tools)) {
    if (!Array.isArray(named)) continue;
    for (const [index, each] of named.entries()) {
      if (Object.hasOwn(tools, each)) continue;
      const message = `must be tools that are listed too; ${each} is not`;
      context.addIssue({ code: 'custom', path: ['tools', name, 'invalidates', index], message });
    }
  }
});

export const mcpSchema = section(
  '`economizer mcp`: servers of the Model Context Protocol, with a cache in front.',
  {
    servers: z
      .record(serverName, server, { error: wrongMapping })
      .prefault({})
      .meta({ description: 'Servers by name.', kind: 'mapping' }),
    sessions: count('Sessions at the same time, with `--listen`.', defaults.mcp.sessions, {
      min: 1,
      max: 100_000,
    }),
    idle: duration('A session that says nothing for so long is ended.', defaults.mcp.idle, {
      min: 1000,
      max: 7 * 86_400_000,
    }),
  },
);
