import type { RedisScript } from '../services/redis.ts';
import { extract } from './tiers/redis-scripts.ts';

/**
 * What gateways do to a shared flight; each act is one step for Redis. `KEYS[1]` is the lease, whose value names who holds it, `KEYS[2]`
 * the place of the answer.
 */

/** ARGV: our token, milliseconds, 1 to begin even if there is an answer. Gives 2: there is one; 1: the lease is ours; 0 and its time: another's. */
export const enter: RedisScript = {
  source: `
if ARGV[3] == '0' and redis.call('EXISTS', KEYS[2]) == 1 then return {2, 0} end
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return {1, 0} end
return {0, redis.call('PTTL', KEYS[1])}`,
};

/** ARGV: our token, milliseconds. Gives 0 where the lease is lost. */
export const renew: RedisScript = {
  source: `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`,
};

/**
 * Stores the answer, gives the lease back and wakes who waits, unless another has taken over: then it is he who answers. A lease that
 * has run out harms nobody as long as nobody has answered since. ARGV: our token, the value, milliseconds, channel, message. Gives the extract of what
 * the answer takes the place of; nothing where another has taken over.
 */
export const land: RedisScript = {
  source: `${extract}
local holder = redis.call('GET', KEYS[1])
if holder ~= ARGV[1] and (holder or redis.call('EXISTS', KEYS[2]) == 1) then return false end
local old = extract(KEYS[2])
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
if holder then redis.call('DEL', KEYS[1]) end
redis.call('PUBLISH', ARGV[4], ARGV[5])
return old`,
};

/** Gives the lease back without an answer. ARGV: our token, channel, message. */
export const release: RedisScript = {
  source: `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 1`,
};
