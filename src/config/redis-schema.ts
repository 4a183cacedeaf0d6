import { z } from 'zod';
import { defaults } from './defaults.ts';
import { count, duration, section, text, textOr } from './fields.ts';
import { tlsSection } from './tls-schema.ts';

const url = text(
  'One server: `redis://host:6379/0`, or `rediss://` for an encrypted connection. Write a password as `redis://:${NAME}@host`, or apart as `password`.',
).refine((value) => isRedisUrl(value), {
  error: 'must be a URL such as redis://127.0.0.1:6379/0 or rediss://redis.example.com:6380',
});

function isRedisUrl(value: string): boolean {
  if (!/^rediss?:\/\/[^\s]+$/.test(value) || !URL.canParse(value)) return false;
  const { pathname, search, hash, hostname } = new URL(value);
  return hostname !== '' && /^\/?\d{0,4}$/.test(pathname) && search + hash === '';
}

const nodePattern = /^(?:\[([0-9a-fA-F:]+)\]|([^\s:/@]+)):(\d{1,5})$/;

const nodes = (description: string) =>
  z
    .array(
      text('One entry.').transform((given, context) => {
        const match = nodePattern.exec(given);
        const port = Number(match?.[3]);
        if (match === null || port < 1 || port > 65_535) {
          const message = 'must be a host and a port, such as 10.0.0.7:6379';
          context.addIssue({ code: 'custom', message });
          return z.NEVER;
        }
        return { host: (match[1] ?? match[2])!, port };
      }),
      { error: 'must be a list of hosts with ports, such as [10.0.0.7:6379]' },
    )
    .min(1, { error: 'must name at least one host with its port' })
    .meta({ description, kind: 'list of `host:port`' });

const credentials = {
  username: text('The name to log in with, where the server has users.').optional(),
  password: text('The password to log in with. Write it as `${NAME}`.').optional(),
};

export const redisSchema = section(
  'Redis (6 or later) or Valkey, for what gateways share: the level `redis` of the cache, flights, budgets. Needs `npm install @redis/client`. Left out: nothing is shared. Name exactly one of `url`, `sentinel` and `cluster`.',
  {
    url: url.optional(),
    sentinel: section('Sentinels that know who the master is; it is followed when it changes.', {
      name: text('The name of the master.'),
      nodes: nodes('The sentinels.'),
      ...credentials,
    }).optional(),
    cluster: section('A Redis Cluster.', {
      nodes: nodes('Some of its nodes; the others are learnt from them.'),
    }).optional(),
    ...credentials,
    database: count('The number of the database.', 0, { min: 0, max: 9999 }),
    tls: tlsSection('rediss://'),
    prefix: textOr(
      'What all keys and channels begin with. Gateways that share must have the same; houses that must not mix, different ones.',
      defaults.redis.prefix,
    ),
    connect: duration('A connection stands.', defaults.redis.connect, { min: 50, max: 60_000 }),
  },
).superRefine((given, context) => {
  const places = ['url', 'sentinel', 'cluster'] as const;
  const named = places.filter((name) => given[name] !== undefined);
  const complain = (path: readonly string[], message: string): void =>
    context.addIssue({ code: 'custom', path: [...path], message });
  if (named.length === 0) complain(['url'], 'must be given, or else sentinel or cluster');
  for (const extra of named.slice(1)) {
    complain([extra], `must not stand beside ${named[0]!}; keep one of them`);
  }
  if (given.cluster !== undefined && given.database !== 0) {
    complain(['database'], 'must be 0 with a cluster, which has no others');
  }
  if ((given.tls?.cert === undefined) !== (given.tls?.key === undefined)) {
    complain(['tls'], 'must have both cert and key, or neither');
  }
});
