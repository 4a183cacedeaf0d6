import type { RedisScript } from '../../services/redis.ts';
import { prelude } from './redis-prelude.ts';

const script = (body: string): RedisScript => ({ source: `${prelude}\n${body}` });

/** KEYS: accounts, owners. ARGV: owner, new token, lease, settle time. Answers whether the owner is known to this generation, how long until that opens, the run of the server, and what it does when its memory is full. */
export const joinScript = script(`
local leaseMs, settleMs = tonumber(ARGV[3]), tonumber(ARGV[4])
local gen, run, opens = generation()
local here = serverRun()
local begins = not gen or run ~= here
if begins then gen = text(time[1]) .. string.format('%06d', time[2]) end
opens = begins and now + settleMs or tonumber(opens)
-- A time further away than any settle time: the clock was set back.
if begins or opens > now + settleMs then
  opens = math.min(opens, now + settleMs)
  redis.call('HSET', accounts, 'g', gen .. ' ' .. here .. ' ' .. text(opens))
end
local memory = redis.pcall('INFO', 'memory')
local evicts = type(memory) == 'string' and string.match(memory, 'maxmemory_policy:(%S+)') or 'unknown'
local found = redis.call('HGET', owners, owner)
local ready = found and string.match(found, '^%S+ %d+ (%S+)') or '-'
if ready ~= gen then ready = '-' end
renew(ready, leaseMs)
return {ready == gen and '1' or '0', text(math.max(0, opens - now)), here, evicts}
`);

/** KEYS: accounts, owners. ARGV: owner, token, lease. The owner has said all that it knows; from now on it may hold. */
export const readyScript = script(`
local gen = joined()
if not gen then return {'join'} end
renew(gen, tonumber(ARGV[3]))
return {'ok'}
`);

/** KEYS: accounts, owners, holds, ends, settled id. ARGV: owner, token, lease, keep, ledger, id, amount, at least, then account, limit (-1: soft), end for each line. */
export const holdScript = script(`
local gen, opens, lease, ready = joined()
if not gen or ready ~= gen then return {'join'} end
local leaseMs, keepMs, ledger, id = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5], ARGV[6]
local amount, least = tonumber(ARGV[7]), tonumber(ARGV[8])
local names, fields = {}, {}
for i = 9, #ARGV, 3 do
  names[#names + 1] = ARGV[i]
  fields[#fields + 1] = 'a' .. ARGV[i]
end
local known = redis.call('HGET', KEYS[3], id)
if known then known = cjson.decode(known)[2]
else
  known = redis.call('GET', KEYS[5])
  if known then known = cjson.decode(known)[1] end
end
if known then return balances({'held', known}, names) end
if opens > now then return {'wait', text(opens - now)} end
local values = redis.call('HMGET', accounts, unpack(fields))
local grant = amount
for i, name in ipairs(names) do
  local spent, held = read(values[i])
  local limit = tonumber(ARGV[7 + 3 * i])
  if limit < 0 then limit = greatest end
  local left = limit - spent - held
  if left < least then return balances({'short', name}, names) end
  if left < grant then grant = left end
end
local answer = {'held', text(grant)}
for i, name in ipairs(names) do
  local spent, held, before, shares = read(values[i])
  local ends = laterEnd(before, ARGV[8 + 3 * i])
  write(name, spent, held + grant, ends, shares)
  noteEnd(KEYS[4], name, before, ends, keepMs)
  answer[#answer + 1] = name
  answer[#answer + 1] = text(spent)
  answer[#answer + 1] = text(held + grant)
end
redis.call('HSET', KEYS[3], id, cjson.encode({'held', text(grant), '0', owner, ledger, names}))
if lease - now < leaseMs / 2 or lease - now > leaseMs then renew(ready, leaseMs) end
return answer
`);

/** KEYS: accounts, owners, holds, settled id. ARGV: owner, token, id, charged, how long the id is remembered. */
export const settleScript = script(`
if not joined() then return {'join'} end
local id, charged = ARGV[3], tonumber(ARGV[4])
local found = redis.call('HGET', KEYS[3], id)
if not found then
  local before = redis.call('GET', KEYS[4])
  if not before then return {'unknown'} end
  return balances({'already'}, cjson.decode(before)[2])
end
local hold = cjson.decode(found)
charge(hold, charged)
redis.call('HDEL', KEYS[3], id)
redis.call('SET', KEYS[4], cjson.encode({hold[2], hold[6]}), 'PX', ARGV[5])
return balances({'settled'}, hold[6])
`);

/** KEYS: accounts, owners, holds. ARGV: owner, token, ids. As if these holds of this owner had never been. */
export const undoScript = script(`
if not joined() then return {'join'} end
for i = 3, #ARGV do
  local found = redis.call('HGET', KEYS[3], ARGV[i])
  local hold = found and cjson.decode(found)
  if hold and hold[4] == owner then
    charge(hold, 0)
    redis.call('HDEL', KEYS[3], ARGV[i])
  end
end
return {'ok'}
`);

/** KEYS: accounts, owners, holds, ends, settled id. ARGV: owner, token, keep, ledger, id, amount, then account, end for each line. Holds again what was held before the loss, whatever is left. */
export const holdAgainScript = script(`
if not joined() then return {'join'} end
local keepMs, ledger, id, amount = tonumber(ARGV[3]), ARGV[4], ARGV[5], tonumber(ARGV[6])
if redis.call('HEXISTS', KEYS[3], id) == 1 or redis.call('EXISTS', KEYS[5]) == 1 then return {'ok'} end
local names = {}
for i = 7, #ARGV, 2 do
  local name = ARGV[i]
  names[#names + 1] = name
  local spent, held, before, shares = read(redis.call('HGET', accounts, 'a' .. name))
  local ends = laterEnd(before, ARGV[i + 1])
  write(name, spent, math.min(held + amount, greatest), ends, shares)
  noteEnd(KEYS[4], name, before, ends, keepMs)
end
redis.call('HSET', KEYS[3], id, cjson.encode({'held', text(amount), '0', owner, ledger, names}))
return {'ok'}
`);

/** KEYS: accounts, owners, ends. ARGV: owner, token, keep, ledger, account, spent, end. */
export const restoreScript = script(`
if not joined() then return {'join'} end
local keepMs, ledger, name, known = tonumber(ARGV[3]), ARGV[4], ARGV[5], tonumber(ARGV[6])
local spent, held, before, shares = read(redis.call('HGET', accounts, 'a' .. name))
local share = 0
for found, sum in string.gmatch(shares, '(%S+)=(%d+)') do
  if found == ledger then share = tonumber(sum) end
end
local more = math.max(0, known - share)
local ends = laterEnd(before, ARGV[7])
write(name, math.min(spent + more, greatest), held, ends, addShare(shares, ledger, more))
noteEnd(KEYS[3], name, before, ends, keepMs)
return {'ok'}
`);

/** KEYS: accounts, owners, holds, ends. ARGV: owner, token, lease, keep, settle time, 1 to look through all holds. */
export const heartbeatScript = script(`
local gen, opens, lease, ready = joined()
if not gen then return {'join'} end
local leaseMs, keepMs, settleMs = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
renew(ready, leaseMs)
if opens > now + settleMs then
  opens = now + settleMs
  redis.call('HSET', accounts, 'g', gen .. ' ' .. serverRun() .. ' ' .. text(opens))
end
local alive, look = {}, ARGV[6] == '1'
local all = redis.call('HGETALL', owners)
for i = 1, #all, 2 do
  local known, till, at, since = string.match(all[i + 1], '^(%S+) (%d+) (%S+) ?(%d*)')
  till = tonumber(till)
  if till > now then
    alive[all[i]] = true
    -- Where the clock was set back, a lease would else outlive its owner by as much.
    if till > now + leaseMs then redis.call('HSET', owners, all[i], known .. ' ' .. text(now + leaseMs) .. ' ' .. at) end
  elseif till > 0 then
    look = true
    redis.call('HSET', owners, all[i], known .. ' 0 ' .. at .. ' ' .. text(now))
  elseif since == '' or tonumber(since) + 86400000 < now then
    redis.call('HDEL', owners, all[i])
  end
end
local charged = 0
-- Before all have joined again, an owner that is not here may yet come.
if look and opens <= now then
  local open = redis.call('HGETALL', KEYS[3])
  for i = 1, #open, 2 do
    local hold = cjson.decode(open[i + 1])
    if hold[1] == 'held' and not alive[hold[4]] then
      charge(hold, tonumber(hold[2]))
      hold[1] = 'charged'
      hold[3] = text(now)
      redis.call('HSET', KEYS[3], open[i], cjson.encode(hold))
      charged = charged + 1
    elseif hold[1] == 'charged' and tonumber(hold[3]) + keepMs <= now then
      redis.call('HDEL', KEYS[3], open[i])
    end
  end
end
local over = redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now, 'LIMIT', 0, 500)
for _, name in ipairs(over) do
  local _, held = read(redis.call('HGET', accounts, 'a' .. name))
  if held == 0 then
    redis.call('HDEL', accounts, 'a' .. name)
    redis.call('ZREM', KEYS[4], name)
  end
end
return {'ok', text(charged)}
`);

/** KEYS: accounts, owners. ARGV: owner, token. */
export const leaveScript = script(`
if joined() then redis.call('HSET', owners, owner, token .. ' 1 -') end
return {'ok'}
`);

/** KEYS: accounts, owners. ARGV: owner, token, account names. */
export const readScript = script(`
if not joined() then return {'join'} end
local names = {}
for i = 3, #ARGV do names[i - 2] = ARGV[i] end
return balances({'ok'}, names)
`);

/** KEYS: accounts, owners, holds. ARGV: owner, token. */
export const openHoldsScript = script(`
if not joined() then return {'join'} end
local all = redis.call('HGETALL', KEYS[3])
table.insert(all, 1, 'ok')
return all
`);

/** KEYS: accounts, owners, the claim. ARGV: owner, token, until. */
export const claimScript = script(`
if not joined() then return {'join'} end
if tonumber(ARGV[3]) <= now then return {'ok', '1'} end
return {'ok', redis.call('SET', KEYS[3], '1', 'NX', 'PXAT', ARGV[3]) and '1' or '0'}
`);

/** KEYS: accounts, owners, flags. ARGV: owner, token, name, value if there is one. */
export const setFlagScript = script(`
if not joined() then return {'join'} end
if ARGV[4] then redis.call('HSET', KEYS[3], ARGV[3], ARGV[4]) else redis.call('HDEL', KEYS[3], ARGV[3]) end
return {'ok'}
`);

/** KEYS: accounts, owners, flags. ARGV: owner, token. */
export const flagsScript = script(`
if not joined() then return {'join'} end
local all = redis.call('HGETALL', KEYS[3])
table.insert(all, 1, 'ok')
return all
`);
