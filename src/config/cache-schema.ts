import { defaults } from './defaults.ts';
import { count, duration, flag, section, size, text } from './fields.ts';
import { policies, rules } from './policy-schema.ts';
import { sharedCacheFields } from './shared-cache-schema.ts';

/** Reuse of answers. */
export const cacheSchema = section('Reuse of answers.', {
  enabled: flag('Whether answers are reused at all.', true),
  ttl: duration(
    'How long an answer is fresh. Less than an hour shortens the time of the other policies too.',
    defaults.cache.ttl,
    { min: 1000 },
  ),
  stale_while_revalidate: duration(
    'How long after that it may still be served while a new one is fetched in the background.',
    defaults.cache.staleWhileRevalidate,
  ),
  stale_if_error: duration(
    'How long after that it may still be served when the provider fails.',
    defaults.cache.staleIfError,
  ),
  reuse_sampled: flag(
    'Whether to reuse answers drawn at a temperature above 0 without a seed. The caller asked for chance; it would get the same answer each time.',
    false,
  ),
  reuse_unset: flag(
    'Whether to reuse answers of calls that say nothing of temperature or seed.',
    true,
  ),
  max_answer_bytes: size('Answers larger than this are not kept.', defaults.cache.maxAnswerBytes, {
    min: 1024,
  }),
  show_keys: flag(
    'Whether `Cache-Status` tells the key of each call, for `economizer purge --key`.',
    false,
  ),
  policies,
  rules,
  memory: section('The first level, in memory.', {
    enabled: flag('Whether it is used.', true),
    max_entries: count('Answers at most.', defaults.cache.memory.maxEntries, {
      min: 1,
      max: 100_000_000,
    }),
    max_bytes: size('Bytes at most.', defaults.cache.memory.maxBytes, { min: 65_536 }),
  }).prefault({}),
  disk: section('The level that survives a restart, in SQLite.', {
    enabled: flag('Whether it is used.', true),
    path: text('Its file. Default: `cache.sqlite` in the data directory.').optional(),
    max_bytes: size('Bytes at most.', defaults.cache.disk.maxBytes, { min: 1_048_576 }),
  }).prefault({}),
  ...sharedCacheFields,
});
