import { z } from 'zod';
import { defaults } from './defaults.ts';
import { postgresCacheSchema } from './postgres-schema.ts';
import { duration, flag, section, size, text } from './fields.ts';

const levels = ['memory', 'disk', 'redis', 'postgres'] as const;

/** What of the cache concerns several gateways, and the order of its levels. */
export const sharedCacheFields = {
  redis: section('The level that gateways share; used where there is a section `redis`.', {
    enabled: flag('Whether it is used.', true),
    max_answer_bytes: size(
      'Answers larger than this are not kept there.',
      defaults.cache.redis.maxAnswerBytes,
      { min: 1024 },
    ),
    lookup: duration(
      'How long a lookup may take; after that it counts as a miss.',
      defaults.cache.redis.lookup,
      { min: 1, max: 10_000 },
    ),
    store: duration('How long keeping an answer may take.', defaults.cache.redis.store, {
      min: 10,
      max: 60_000,
    }),
  }).prefault({}),
  postgres: postgresCacheSchema,
  order: z
    .array(z.enum(levels, { error: `must be one of: ${levels.join(', ')}` }), {
      error: `must be a list of: ${levels.join(', ')}`,
    })
    .refine((given) => new Set(given).size === given.length, {
      error: 'must name each level once',
    })
    .prefault([...levels])
    .meta({
      description:
        'In which order the levels are asked; what is not named comes after. The cheaper first: a read from the file takes a tenth of a round trip to a Redis next door.',
      default: '[memory, disk, redis, postgres]',
      kind: 'list of text',
    }),
  secret: text(
    'What keys and seals of stored answers are made with; write it as `${NAME}`. Gateways that share a cache need the same. Default: made at the first start, and shared through Redis where there is one.',
  )
    .min(16, { error: 'must have at least 16 characters' })
    .optional(),
  flights: section('One call to the provider for identical calls at several gateways.', {
    enabled: flag('Whether gateways that share a Redis share flights.', true),
    wait: duration(
      'How long a call waits for the answer to the same call at another gateway before it goes to the provider itself.',
      defaults.cache.flights.wait,
      { min: 10, max: 3_600_000 },
    ),
    lease: duration(
      'How long the others wait for a gateway that has died; while it lives it renews its lease.',
      defaults.cache.flights.lease,
      { min: 500, max: 300_000 },
    ),
  }).prefault({}),
};
