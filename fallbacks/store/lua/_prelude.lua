-- Shared by every script; what only some need is in `_alerts`, `_money`, `_breaker`, `_inbox` and `_figures`, and a script says
-- which by `Needs`, since each call makes its functions anew. ARGV[1] is the key prefix, ARGV[2] the ticket id ('' where a script has none).
-- A script checks everything before its first write, since Redis does not roll back: a key of another type shows itself when
-- it is read, numbers are held to `whole` and `kept`. The journal is written first, which checks it; taking a member out of
-- an index cannot fail. What cannot be worked on must not stop a script that works on many: see `readable`.
local P, ID = ARGV[1], ARGV[2]
local T, J = P .. 't:' .. ID, P .. 'j:' .. ID

local MOST = 9007199254740991 -- 2^53 - 1: beyond it a double is not exact; two of them still fit in Redis's 64 bits
local function whole(n) -- a number that was given
  n = tonumber(n)
  if not n or n ~= math.floor(n) or math.abs(n) > MOST then error('a number is out of range') end
  return n
end
local function kept(n) -- a number that is stored, 0 where it is not there yet
  if not n then return 0 end
  if not string.find(n, '^-?%d+$') then error('a stored number is none') end
  return whole(n)
end
local function texts(...) -- that were given
  for i = 1, select('#', ...) do if type((select(i, ...))) ~= 'string' then error('a text is missing') end end
end
local function sorted(...) for i = 1, select('#', ...) do redis.call('ZCARD', (select(i, ...))) end end
local function counters(...) -- of the hash that the audit balances
  for _, n in ipairs(redis.call('HMGET', P .. 'n', ...)) do kept(n) end
end

local function int(n) return string.format('%.0f', n + 0) end -- + 0: a negative zero prints as -0, which is no integer to Redis

-- Store time: the server's clock, while it goes on as a clock does. `clock` holds the greatest time seen of it, to a second,
-- and how far store time is ahead of it. A second back, or a minute on though every process looks each few seconds
-- (clock.lua), is a step: store time then goes on from where it was, and makes up what it is ahead or behind by a tenth.
-- What it was, `clock_step`, a process says.
local NOW
do
  local t, c = redis.call('TIME'), redis.call('GET', P .. 'clock')
  NOW = t[1] * 1000 + math.floor(t[2] / 1000)
  if c then
    local wall, ahead = NOW, tonumber(string.sub(c, 14))
    local passed = wall - tonumber(string.sub(c, 1, 13))
    local stepped = passed < -1000 or passed > 60000
    if stepped then
      ahead = ahead - passed
      redis.pcall('SET', P .. 'clock_step', int(passed))
    elseif ahead ~= 0 and passed > 0 then
      ahead = ahead > 0 and math.max(0, ahead - math.floor(passed / 10)) or math.min(0, ahead + math.floor(passed / 10))
    end
    if stepped or passed > 1000 then redis.pcall('SET', P .. 'clock', string.format('%.0f%+.0f', wall, ahead)) end
    NOW = wall + ahead
  end
end

-- Point the script at another ticket (sweeps and renewals touch many).
local function at_ticket(id) ID = id; T = P .. 't:' .. id; J = P .. 'j:' .. id end

-- Stamp an event with store time and epoch, and append it to the journal.
local function stamped(event, epoch) return '{"at":' .. int(NOW) .. ',"epoch":' .. epoch .. ',' .. string.sub(event, 2) end
local function append(event, epoch) redis.call('RPUSH', J, stamped(event, epoch)) end

-- The events from an argument on, for one write: the first, where the script has not settled before.
local function events_from(first, epoch)
  if #ARGV - first > 4000 then error('too many events') end -- what Lua can hand over at once is bounded
  local events = {}
  for i = first, #ARGV do events[#events + 1] = stamped(ARGV[i], epoch) end
  return events
end
local function append_all(events) if events[1] then redis.call('RPUSH', J, unpack(events)) end end

-- Where an index is none, there is nothing to take out of it.
local function take_out(index) redis.pcall('ZREM', index, ID) end

-- One state, one index entry: the index is scored by when the state was entered.
local function place(old, new)
  if old == new then return end
  if old then take_out(P .. 's:' .. old) end
  redis.call('ZADD', P .. 's:' .. new, NOW, ID)
  redis.call('HSET', T, 'state', new, 'since', int(NOW))
end

local function due_at(ms)
  if ms then redis.call('ZADD', P .. 'due', int(ms), ID) else take_out(P .. 'due') end
end

-- Counters of /metrics (fallbacks/ledger/meters.py), never labelled by ticket or person. n: text, which Redis takes as it is.
-- One that cannot count any more stays as it is: a figure for people must not stop a ticket.
local function count(name, n) redis.pcall('HINCRBY', P .. 'm', name, n or '1') end
local function count_all(meters)
  for name, n in pairs(meters or {}) do redis.pcall('HINCRBY', P .. 'm', name, n) end
end

-- Figures of a UTC day, for people (fallbacks/ledger/figures.py). Senders name their sources: what comes after a thousand
-- names of a day is counted as `other`. They stop nothing either.
local function figure(what, name, n)
  local F, field = P .. 'f:' .. int(math.floor(NOW / 86400000)), what .. '|' .. name
  local size = redis.pcall('HLEN', F)
  if type(size) ~= 'number' then return end
  if size >= 1000 and redis.call('HEXISTS', F, field) == 0 then field = what .. '|other' end
  redis.pcall('HINCRBY', F, field, n or '1')
  if size == 0 then redis.call('PEXPIRE', F, 5356800000) end -- 62 days
end

-- Whether this owner still holds this epoch's lease; and the row's fields that settling needs, read with it.
-- A swept or stolen lease changes state, epoch or owner. after: the last call that this lease settled, nil before one:
-- a promoted replica may lack it, and then nothing can be written behind it.
local function holds(epoch, owner, after)
  local r = redis.call('HMGET', T, 'state', 'epoch', 'owner', 'rsv', 'rsv_day', 'rsv_call', 'rsv_model', 'spent', 'steps', 'settled_call')
  return r[1] == 'running' and r[2] == epoch and r[3] == owner and (not after or r[10] == after),
    {rsv = r[4], day = r[5], call = r[6], model = r[7], spent = r[8], steps = r[9], settled_call = r[10]}
end

-- More fields of the row may be written with it.
local function lease_until(ms, ...)
  redis.call('HSET', T, 'lease', int(NOW + ms), ...)
  due_at(NOW + ms)
end

-- What `look` finds of one ticket of many, nil where it cannot be read. It must write nothing: a write that is refused
-- (no memory, a replica) is everybody's.
local function readable(look)
  local could, found = pcall(look)
  return could and found or nil
end
