import type { RedisScript } from '../../services/redis.ts';
import { addressBytes, sealAt, sealedHeadBytes } from './sealed-value.ts';

/**
 * What is done to entries and to bodies that several of them bear; each act is one step for Redis. An entry and its body lie in different
 * slots of a cluster, so no script touches both. Where memory is full Redis refuses a script at its first writing command only, so
 * that is always one that it would refuse.
 */

/** What `apartOf` must know of what lies at a place; of any other kind of value nothing. */
export const extract = `
local function extract(place)
  local head = redis.pcall('GETRANGE', place, 0, ${sealedHeadBytes - 1})
  if type(head) ~= 'string' then return '' end
  return head .. redis.call('GETRANGE', place, ${-addressBytes}, -1)
end
local function sealAt(place)
  return extract(place):sub(${sealAt + 1}, ${sealedHeadBytes})
end`;

/** `KEYS[1]` is the place of an entry. ARGV: the value, milliseconds. Gives the extract of what it takes the place of. */
export const put: RedisScript = {
  source: `${extract}
local old = extract(KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return old`,
};

/** ARGV: the seal of the one that is meant, or nothing. Gives the extract of what was removed, or nothing where nothing was. */
export const remove: RedisScript = {
  source: `${extract}
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
if ARGV[1] ~= '' and sealAt(KEYS[1]) ~= ARGV[1] then return false end
local old = extract(KEYS[1])
redis.call('UNLINK', KEYS[1])
return old`,
};

/** Puts another form of the same entry in its place, unless it has gone. ARGV: seal of the one and of the other, the other. */
export const replace: RedisScript = {
  source: `${extract}
local seal = sealAt(KEYS[1])
if seal == ARGV[2] then return 1 end
if seal ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[3], 'KEEPTTL')
return 1`,
};

/** A body and its references end with the last of these. The time is the server's: gateways' clocks differ. */
const bearing = `
local mark, body, bearers = KEYS[1], KEYS[2], KEYS[3]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function settle()
  redis.call('ZREMRANGEBYSCORE', bearers, '-inf', now)
  local last = redis.call('ZRANGE', bearers, -1, -1, 'WITHSCORES')[2]
  if not last then return redis.call('UNLINK', body, bearers) end
  last = string.format('%.0f', last)
  redis.call('PEXPIREAT', body, last)
  redis.call('PEXPIREAT', bearers, last)
end`;

/**
 * An entry has this body. ARGV: its key, its reference, milliseconds, the body or nothing. Gives 1 where the body lies here, now with the reference; nothing
 * where no other entry is known to have it; else the key of that: then the body must be brought.
 */
export const bear: RedisScript = {
  source: `${bearing}
if redis.call('EXISTS', body) == 0 then
  if ARGV[4] == '' then
    local bearer = redis.call('GET', mark)
    if bearer and bearer ~= ARGV[1] then return bearer end
    redis.call('SET', mark, ARGV[1], 'PX', ARGV[3])
    return false
  end
  redis.call('SET', body, ARGV[4])
  redis.call('UNLINK', mark, bearers)
end
redis.call('ZADD', bearers, now + ARGV[3], ARGV[2])
settle()
return 1`,
};

/** ARGV: the reference of an entry that is gone. Where that is not known any more the others are not either, and the body ends by itself. */
export const leave: RedisScript = {
  source: `${bearing}
if redis.call('ZREM', bearers, ARGV[1]) == 1 then settle() end
return 1`,
};

/** Bytes that would be held if each bearer had the body to itself. `KEYS`: the body, who bears it. */
export const savedBy: RedisScript = {
  source: `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local bearers = redis.call('ZCOUNT', KEYS[2], now, '+inf')
return math.max(0, bearers - 1) * redis.call('STRLEN', KEYS[1])`,
};
