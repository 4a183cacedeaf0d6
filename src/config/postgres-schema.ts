import { defaults } from './defaults.ts';
import { count, duration, flag, section, size, text } from './fields.ts';
import { tlsSection } from './tls-schema.ts';

const usual = defaults.postgres;

const url = text(
  'The server: `postgres://user@host:5432/database`. `?sslmode=require` encrypts, and the certificate is always checked. Write a password as `postgres://user:${NAME}@host/database`, or apart as `password`.',
).refine((value) => isPostgresUrl(value), {
  error:
    'must be a URL such as postgres://user@127.0.0.1:5432/database, perhaps with ?sslmode=require',
});

function isPostgresUrl(value: string): boolean {
  if (!/^postgres(?:ql)?:\/\/[^\s]+$/.test(value) || !URL.canParse(value)) return false;
  const { pathname, search, hash, hostname } = new URL(value);
  const isPlain = /^(?:\?sslmode=(?:disable|require|verify-ca|verify-full))?$/.test(search);
  return hostname !== '' && /^\/?[^/]*$/.test(pathname) && isPlain && hash === '';
}

export const postgresSchema = section(
  'PostgreSQL (13 or later), for the level `postgres` of the cache. Needs `npm install pg`. Left out: it is not used.',
  {
    url,
    username: text('The name to log in with, where the URL has none.').optional(),
    password: text('The password to log in with. Write it as `${NAME}`.').optional(),
    tls: tlsSection('?sslmode=require'),
    schema: text(
      `Where the tables are made: a schema of the database. Gateways that share must have the same. Default: \`${usual.schema}\`.`,
    )
      .regex(/^[a-z_][a-z0-9_]{0,30}$/, {
        error: 'must be a name of lower-case letters, digits and _, at most 31',
      })
      .prefault(usual.schema),
    connections: count(
      'Connections for lookups at most; there is one more for writing and, without a Redis, two for purges.',
      usual.connections,
      {
        min: 1,
        max: 100,
      },
    ),
    connect: duration('A connection stands.', usual.connect, { min: 50, max: 60_000 }),
  },
).superRefine(({ url: given, username, tls }, context) => {
  const complain = (path: string, message: string): void =>
    context.addIssue({ code: 'custom', path: [path], message });
  if (URL.canParse(given) && new URL(given).username === '' && username === undefined) {
    complain('username', 'must be given where the URL has none');
  }
  if ((tls?.cert === undefined) !== (tls?.key === undefined)) {
    complain('tls', 'must have both cert and key, or neither');
  }
  if (tls !== undefined && given.endsWith('sslmode=disable')) {
    complain('tls', 'must not stand beside sslmode=disable; keep one of them');
  }
});

const cached = defaults.cache.postgres;

export const postgresCacheSchema = section(
  'The level that gateways share and that survives them; used where there is a section `postgres`.',
  {
    enabled: flag('Whether it is used.', true),
    max_bytes: size('Bytes of all that gateways keep there together.', cached.maxBytes, {
      min: 1_048_576,
    }),
    max_answer_bytes: size('Answers larger than this are not kept there.', cached.maxAnswerBytes, {
      min: 1024,
    }),
    lookup: duration('How long a lookup may take; after that it counts as a miss.', cached.lookup, {
      min: 1,
      max: 10_000,
    }),
    store: duration('How long one statement that writes may take.', cached.store, {
      min: 100,
      max: 60_000,
    }),
  },
).prefault({});
