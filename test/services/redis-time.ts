import type { RedisLink } from '../../src/services/redis.ts';

const passing = `
for _, key in ipairs(redis.call('KEYS', '*')) do
  if redis.call('TYPE', key).ok == 'zset' then
    for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do
      redis.call('ZINCRBY', key, '-' .. ARGV[1], member)
    end
  end
  local left = redis.call('PTTL', key)
  if left > 0 then redis.call('PEXPIRE', key, left - ARGV[1]) end
end`;

/** As if so much time had passed for all that a Redis of one's own keeps: expiries, and scores that are times. */
export async function passTime(link: RedisLink, ms: number): Promise<void> {
  await link.send(['EVAL', passing, '0', String(ms)], 10_000);
}
