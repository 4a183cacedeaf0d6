/**
 * What every script begins with. KEYS[1] is the hash of the accounts, with the generation under `g`: who loses one loses both, so that no
 * account can be missing unnoticed. KEYS[2] is the hash of the owners. ARGV[1] is the owner, ARGV[2] the token of its last join.
 *
 * A generation is a run of the server process over data that it has not lost: `g` names the run that it began in, and each act holds that
 * against the server's own. After a restart, a failover or a loss of all data nobody acts before he has joined again and said what
 * he holds, and nobody holds anew before all have had the time to do so.
 *
 * An account is `SPENT HELD END SHARES`: END is when its window is over (`-`: never), SHARES what each ledger has of SPENT.
 * Whole numbers to 2^53 are exact in Lua; they travel as text, since Redis would cut a number to 17 digits and cjson to 14.
 */
export const prelude = `
local accounts, owners = KEYS[1], KEYS[2]
local owner, token = ARGV[1], ARGV[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local greatest = 9007199254740991

local function text(number) return string.format('%.0f', number) end

local function serverRun()
  local info = redis.pcall('INFO', 'server')
  return type(info) == 'string' and string.match(info, 'run_id:(%x+)') or 'unknown'
end

local function generation()
  local found = redis.call('HGET', accounts, 'g')
  if not found then return nil end
  return string.match(found, '^(%S+) (%S+) (%d+)$')
end

-- The generation, when it opens, until when the owner is taken to live, and the generation that it is ready for; nothing where it must join.
local function joined()
  local gen, run, opens = generation()
  if not gen or run ~= serverRun() then return nil end
  local found = redis.call('HGET', owners, owner)
  if not found then return nil end
  local known, lease, ready = string.match(found, '^(%S+) (%d+) (%S+)')
  if known ~= token then return nil end
  return gen, tonumber(opens), tonumber(lease), ready
end

local function renew(ready, leaseMs)
  redis.call('HSET', owners, owner, token .. ' ' .. text(now + leaseMs) .. ' ' .. ready)
end

local function read(value)
  if not value then return 0, 0, nil, '' end
  local spent, held, ends, shares = string.match(value, '^(%d+) (%d+) (%S+) ?(.*)$')
  return tonumber(spent), tonumber(held), ends, shares
end

local function write(name, spent, held, ends, shares)
  redis.call('HSET', accounts, 'a' .. name, text(spent) .. ' ' .. text(held) .. ' ' .. ends .. ' ' .. shares)
end

-- Adds to what one ledger has of an account. Of more than 32 ledgers the first are counted together.
local function addShare(shares, ledger, amount)
  local names, sums, found = {}, {}, false
  for name, sum in string.gmatch(shares, '(%S+)=(%d+)') do
    sum = tonumber(sum)
    if name == ledger then
      sum = sum + amount
      found = true
    end
    names[#names + 1] = name
    sums[#sums + 1] = math.max(0, math.min(sum, greatest))
  end
  if not found and amount > 0 then
    names[#names + 1] = ledger
    sums[#sums + 1] = amount
  end
  if #names > 32 then
    sums[2] = sums[1] + sums[2]
    names[2] = '-'
    table.remove(names, 1)
    table.remove(sums, 1)
  end
  local parts = {}
  for i, name in ipairs(names) do parts[i] = name .. '=' .. text(sums[i]) end
  return table.concat(parts, ' ')
end

-- Takes charged in the place of what the hold counts for now. A hold is [state, amount, since, owner, ledger, accounts].
local function charge(hold, charged)
  local amount = tonumber(hold[2])
  for _, name in ipairs(hold[6]) do
    local value = redis.call('HGET', accounts, 'a' .. name)
    if value then
      local spent, held, ends, shares = read(value)
      local more = charged
      if hold[1] == 'held' then held = held - amount else more = charged - amount end
      local after = math.max(0, math.min(spent + more, greatest))
      write(name, after, held, ends, addShare(shares, hold[5], after - spent))
    end
  end
end

local function balances(answer, names)
  for _, name in ipairs(names) do
    local spent, held = read(redis.call('HGET', accounts, 'a' .. name))
    answer[#answer + 1] = name
    answer[#answer + 1] = text(spent)
    answer[#answer + 1] = text(held)
  end
  return answer
end

-- Notes when an account is over. The later end counts, and never is the latest.
local function laterEnd(before, ends)
  if before == nil then return ends end
  if before == '-' or ends == '-' then return '-' end
  return tonumber(ends) > tonumber(before) and ends or before
end

local function noteEnd(zset, name, before, ends, keepMs)
  if ends == before then return end
  if ends == '-' then redis.call('ZREM', zset, name)
  else redis.call('ZADD', zset, text(tonumber(ends) + keepMs), name) end
end
`;
