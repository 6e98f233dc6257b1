-- Shared by every script, as are `_alerts`, `_money`, `_breaker`, `_inbox`, `_figures`, `_server` and `_rates`. A script gets the functions
-- that it calls (redis_store.py), since each call makes them anew. ARGV[1] is the key prefix, ARGV[2] the ticket id ('' where a script has none).
-- KEYS[1] is the prefix, too, and no key: by its hash tag a client finds the node of every key that the script makes of it.
-- A script checks everything before its first write, since Redis does not roll back: a key of another type shows itself when
-- it is read, numbers are held to `whole` and `kept`. The journal is written first, which checks it; taking a member out of
-- an index cannot fail. What cannot be worked on must not stop a script that works on many: see `readable`.
local P, ID = ARGV[1], ARGV[2]
local T, J = P .. 't:' .. ID, P .. 'j:' .. ID

-- Store time: the server's clock, while it goes on as a clock does. `clock` holds the second in which it was seen last, and how
-- far store time was ahead of it then (ms): `1796042036+0`. A second or two back, or a minute on though every process looks
-- each few seconds (clock.lua), is a step: store time then goes on from where it was, and makes up what it is ahead or behind
-- by a tenth. What it was, `clock_step` (ms), a process says.
local NOW, AHEAD, AT -- the last one as text
do
  local t, c = redis.call('TIME'), redis.call('GET', P .. 'clock')
  local ms = math.floor(t[2] / 1000)
  NOW, AHEAD = t[1] * 1000 + ms, 0
  if c and c ~= t[1] .. '+0' then
    local passed, ahead = t[1] - string.sub(c, 1, 10), tonumber(string.sub(c, 11)) or 0
    local function made_up(by) return ahead > 0 and math.max(0, ahead - by) or math.min(0, ahead + by) end
    if passed < -1 or passed > 60 then
      ahead = ahead - passed * 1000
      redis.pcall('SET', P .. 'clock_step', string.format('%d', passed * 1000))
    else
      ahead = made_up(math.max(passed, 0) * 100)
    end
    if passed < -1 or passed > 0 then redis.pcall('SET', P .. 'clock', string.format('%s%+d', t[1], ahead)) end
    AHEAD = made_up(math.floor(ms / 10))
    NOW = NOW + AHEAD
  end
  AT = string.format('%d', NOW)
end

local MOST = 9007199254740991 -- 2^53 - 1: beyond it a double is not exact; two of them still fit in Redis's 64 bits
local function int(n) return string.format('%d', n) end -- of a whole number; half of what '%.0f' costs
local function whole(n) -- a number that was given
  n = tonumber(n)
  if not n or n ~= math.floor(n) or math.abs(n) > MOST then error('a number is out of range') end
  return n
end
local function kept(n) -- a number that is stored, 0 where it is not there yet
  if not n then return 0 end
  local v = tonumber(n)
  if not v or int(v) ~= n or v > MOST or v < -MOST then error('a stored number is none') end
  return v
end
local function texts(...) -- that were given
  for i = 1, select('#', ...) do if type((select(i, ...))) ~= 'string' then error('a text is missing') end end
end
local function sorted(one, other)
  redis.call('ZCARD', one)
  if other then redis.call('ZCARD', other) end
end
local function counters(...) -- of the hash that the audit balances
  for _, n in ipairs(redis.call('HMGET', P .. 'n', ...)) do kept(n) end
end

-- Which logical shard of a ledger over a cluster this is; nil where the ledger is whole.
local function shard() return string.match(P, '{(s%d+)}') end

-- Point the script at another ticket (sweeps and renewals touch many).
local function at_ticket(id) ID = id; T = P .. 't:' .. id; J = P .. 'j:' .. id end

-- Stamp an event with store time and epoch, and append it to the journal.
local function stamped(event, epoch) return '{"at":' .. AT .. ',"epoch":' .. epoch .. ',' .. string.sub(event, 2) end
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

-- One state, one index entry: the index is scored by when the state was entered. More fields of the row are written with it.
local function place(old, new, ...)
  if old then take_out(P .. 's:' .. old) end
  if old == 'queued' then take_out(P .. 'line') end
  redis.call('ZADD', P .. 's:' .. new, AT, ID)
  redis.call('HSET', T, 'state', new, 'since', AT, ...)
end

-- Put a queued ticket in line: who goes first is who has the lowest score. Urgency comes first, and within one the share of the
-- ticket's source (start-time fair queueing): its turn is one step after that of the source's ticket before it, but not before
-- what is served now. A source that had none waiting is up to eight tickets ahead. step: 10,000 by the source's weight; nil: 1.
-- `shares` holds the next turn of each source and urgency, and under an empty name the last one served. What comes after a
-- thousand names shares one. Where an index is none the order is lost, and no ticket. begun: it was at work until now, and goes on
-- before what waits as urgently, unless it has outlived two workers: it may be what ends them.
local function line_up(source, priority, step, begun)
  local class, S = ({urgent = 0, high = 1, low = 3})[priority] or 2, P .. 'shares'
  if begun and (tonumber(redis.call('HGET', T, 'losses')) or 0) < 2 then
    return redis.pcall('ZADD', P .. 'line', int(class * 2 ^ 50), ID)
  end
  local from, name = class * 2 ^ 50, class .. '|' .. source
  local turns = redis.pcall('ZMSCORE', S, class .. '|', name)
  local served, own = tonumber(turns[1] or nil) or from + 2 ^ 40, tonumber(turns[2] or nil)
  if not own and not turns.err and redis.call('ZCARD', S) >= 1000 then
    redis.call('ZREMRANGEBYSCORE', S, int(from), '(' .. int(served)) -- they would begin anew as well
    if redis.call('ZCARD', S) >= 1000 then
      name = class .. '|other'
      own = tonumber(redis.call('ZSCORE', S, name) or nil)
    end
  end
  local turn = math.max(own or 0, served - 80000)
  redis.pcall('ZADD', S, int(turn + (tonumber(step) or 10000)), name)
  redis.pcall('ZADD', P .. 'line', int(turn), ID)
end

-- What an index of the tickets that are here does not see by their states: one changed within its state, came back or left.
local function touched()
  redis.pcall('ZADD', P .. 'touched', AT, ID)
  redis.pcall('ZREMRANGEBYRANK', P .. 'touched', 0, -10001)
end

local function due_at(ms)
  if ms then redis.call('ZADD', P .. 'due', int(ms), ID) else take_out(P .. 'due') end
end

-- Counters of /metrics (fallbacks/ledger/sums/meters.py), never labelled by ticket or person. n: text, which Redis takes as it is.
-- One that cannot count any more stays as it is: a figure for people must not stop a ticket.
local function count(name, n) redis.pcall('HINCRBY', P .. 'm', name, n or '1') end
local function count_all(meters)
  for name, n in pairs(meters or {}) do redis.pcall('HINCRBY', P .. 'm', name, n) end
end

-- Figures of a UTC day, for people (fallbacks/ledger/sums/figures.py). Senders name their sources: what comes after a thousand
-- names of a day is counted as `other`. They stop nothing either.
local function figure(what, name, n)
  local F, by = P .. 'f:' .. int(math.floor(NOW / 86400000)), n or '1'
  local field = what .. '|' .. name
  if redis.pcall('HINCRBY', F, field, by) ~= tonumber(by) then return end
  local size = redis.call('HLEN', F) -- it may be a new one
  if size == 1 then redis.call('PEXPIRE', F, 5356800000) end -- 62 days
  if size <= 1000 then return end
  redis.call('HDEL', F, field)
  redis.pcall('HINCRBY', F, what .. '|other', by)
end

-- Whether this owner still holds this epoch's lease; and the row's fields that settling needs, read with it.
-- A swept or stolen lease changes state, epoch or owner. after: the last call that this lease settled, nil before one:
-- a promoted replica may lack it, and then nothing can be written behind it.
local function holds(epoch, owner, after)
  local r = redis.call('HMGET', T, 'state', 'epoch', 'owner', 'rsv', 'rsv_day', 'rsv_call', 'rsv_model', 'spent', 'steps', 'settled_call',
    'lease', 'news', 'source', 'rsv_source')
  return r[1] == 'running' and r[2] == epoch and r[3] == owner and (not after or r[10] == after),
    {rsv = r[4], day = r[5], call = r[6], model = r[7], spent = r[8], steps = r[9], settled_call = r[10],
      lease = r[11], news = r[12], source = r[13] or '', rsv_source = r[14]}
end

-- Whether a step has to renew its lease: not where that was done within the last tenth of it. Looked at before the first write.
local function lapsing(row, ms)
  if (tonumber(row.lease) or 0) - NOW >= whole(ms) * 0.9 then return false end
  sorted(P .. 'due')
  return true
end

local function lease_until(ms)
  redis.call('HSET', T, 'lease', int(NOW + ms))
  due_at(NOW + ms)
end

-- What `look` finds of one ticket of many, nil where it cannot be read. It must write nothing: a write that is refused
-- (no memory, a replica) is everybody's.
local function readable(look)
  local could, found = pcall(look)
  return could and found or nil
end
