-- Shared by every script. ARGV[1] is the key prefix, ARGV[2] the ticket id ('' where a script has none).
-- Time is the server's: a worker's own clock decides nothing.
local P, ID = ARGV[1], ARGV[2]
local clock = redis.call('TIME')
local NOW = clock[1] * 1000 + math.floor(clock[2] / 1000)
local T, J = P .. 't:' .. ID, P .. 'j:' .. ID

local function int(n) return string.format('%.0f', n + 0) end -- + 0: a negative zero prints as -0, which is no integer to Redis

-- Point the script at another ticket (sweeps and renewals touch many).
local function at_ticket(id) ID = id; T = P .. 't:' .. id; J = P .. 'j:' .. id end

-- Stamp an event with store time and epoch, and append it to the journal.
local function stamped(event, epoch) return '{"at":' .. int(NOW) .. ',"epoch":' .. epoch .. ',' .. string.sub(event, 2) end
local function append(event, epoch) redis.call('RPUSH', J, stamped(event, epoch)) end

local function append_from(first, epoch)
  if first > #ARGV then return end
  local events = {}
  for i = first, #ARGV do events[#events + 1] = stamped(ARGV[i], epoch) end
  redis.call('RPUSH', J, unpack(events))
end

-- One state, one index entry: the index is scored by when the state was entered.
local function place(new)
  local old = redis.call('HGET', T, 'state')
  if old == new then return end
  if old then redis.call('ZREM', P .. 's:' .. old, ID) end
  redis.call('ZADD', P .. 's:' .. new, NOW, ID)
  redis.call('HSET', T, 'state', new, 'since', int(NOW))
end

local function due_at(ms)
  if ms then redis.call('ZADD', P .. 'due', int(ms), ID) else redis.call('ZREM', P .. 'due', ID) end
end

-- Counters of /metrics (fallbacks/ledger/meters.py), never labelled by ticket or person. n: text, which Redis takes as it is.
local function count(name, n) redis.call('HINCRBY', P .. 'm', name, n or '1') end
local function count_all(counters)
  for name, n in pairs(counters or {}) do redis.call('HINCRBY', P .. 'm', name, n) end
end

-- One observation of a histogram, its sum in thousandths.
local function observe(name, value)
  local bounds, le = name == 'run_steps' and {0, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20}
    or {0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400, 86400}, '+Inf'
  for _, bound in ipairs(bounds) do
    if value <= bound then le = bound; break end
  end
  count(name .. '|le=' .. le)
  count(name .. '|sum', int(value * 1000))
end

-- A run's end, whoever brings it about; the row still says since when it ran.
local function end_run(outcome, reason)
  local r = redis.call('HMGET', T, 'since', 'steps', 'steps_before')
  count('runs|outcome=' .. outcome .. '|reason=' .. reason)
  observe('run_duration_seconds', (NOW - r[1]) / 1000)
  observe('run_steps', (r[2] or 0) - (r[3] or 0))
end

-- Settle the open reservation at `cost`, or in full where its result was lost (cost nil). Returns what was charged.
-- open: what `holds` has read of it; looked up where it is not given.
local function settle(cost, open)
  local r = open or redis.call('HMGET', T, 'rsv', 'rsv_day', 'rsv_call', 'rsv_model')
  if not r[1] then return nil end
  local held = tonumber(r[1])
  cost = cost or held
  redis.call('HDEL', T, 'rsv', 'rsv_day', 'rsv_call', 'rsv_model')
  redis.call('HINCRBY', T, 'spent', int(cost))
  redis.call('HINCRBY', r[2], 'spent', int(cost))
  redis.call('HINCRBY', r[2], 'reserved', int(-held))
  count('llm_cost_nanodollars|model=' .. (r[4] or 'unknown'), int(cost))
  if cost > held then redis.call('HINCRBY', P .. 'n', 'bound_violations', 1) end
  return cost, r[3], r[4] or 'unknown'
end

local function settle_lost(epoch)
  local cost, call, model = settle(nil)
  if cost then
    count('llm_requests|model=' .. model .. '|outcome=lost')
    append('{"type":"call_lost","v":1,"call_id":"' .. call .. '","cost_nanodollars":' .. int(cost) .. '}', epoch)
  end
end

-- Whether this owner still holds this epoch's lease; and the open reservation and what was spent, read with it.
-- A swept or stolen lease changes state, epoch or owner.
local function holds(epoch, owner)
  local r = redis.call('HMGET', T, 'state', 'epoch', 'owner', 'rsv', 'rsv_day', 'rsv_call', 'rsv_model', 'spent')
  return r[1] == 'running' and r[2] == epoch and r[3] == owner, {r[4], r[5], r[6], r[7]}, tonumber(r[8] or '0')
end

-- More fields of the row may be written with it.
local function lease_until(ms, ...)
  redis.call('HSET', T, 'lease', int(NOW + ms), ...)
  due_at(NOW + ms)
end

-- The inbox: one index of everything, one per facet value, all scored by when a person should have looked.
local function leave_inbox()
  local facets = redis.call('HGET', T, 'facets')
  if not facets then return end
  redis.call('ZREM', P .. 'inbox', ID)
  for _, facet in ipairs(cjson.decode(facets)) do redis.call('ZREM', P .. 'inbox:' .. facet, ID) end
  redis.call('HDEL', T, 'facets', 'sla', 'holder', 'held_until', 'held_since', 'snoozed_until')
end

local function enter_inbox(sla, facets)
  leave_inbox()
  redis.call('HSET', T, 'facets', cjson.encode(facets), 'sla', int(sla))
  redis.call('ZADD', P .. 'inbox', int(sla), ID)
  for _, facet in ipairs(facets) do redis.call('ZADD', P .. 'inbox:' .. facet, int(sla), ID) end
end

-- A failure raises an alert: counted per reason, due in three seconds (a storm gathers), or after the quiet time.
local function raise_alert(reason, severity)
  local A = P .. 'alert:' .. reason
  redis.call('HINCRBY', A, 'count', 1)
  redis.call('HINCRBY', P .. 'n', 'alerts_raised', 1)
  redis.call('HSETNX', A, 'first', int(NOW))
  redis.call('HSET', A, 'last', int(NOW), 'severity', severity)
  if redis.call('LPUSH', A .. ':tickets', ID) > 5 then redis.call('LTRIM', A .. ':tickets', 0, 4) end
  local quiet_until = tonumber(redis.call('HGET', A, 'quiet_until') or '0')
  redis.call('ZADD', P .. 'alerts', 'NX', int(math.max(NOW + 3000, quiet_until)), reason)
end

-- An alert that no hand-off raises; the audit balances those of hand-offs only.
local function raise_other_alert(name, severity, about)
  redis.call('HSET', P .. 'alert:' .. name, 'told_as', 'escalations', 'about', about)
  raise_alert(name, severity)
  redis.call('HINCRBY', P .. 'n', 'alerts_raised', -1)
end

-- A model's circuit breaker learns of a failure {model, reason, severity, at_once, retry_after_ms}. It opens with the fifth
-- in a row, or at once where it is the same for every ticket; for longer with each. Once open for long, people hear of it.
local function fail_breaker(f)
  local B = P .. 'breaker:' .. f.model
  local b = redis.call('HMGET', B, 'open_until', 'alerted')
  local open_until, wait = tonumber(b[1] or '0'), f.retry_after_ms or 0
  if NOW >= open_until then -- a call begun before it opened says nothing new: a burst must not count as failed probes
    local failures = redis.call('HINCRBY', B, 'failures', 1)
    local doublings = f.at_once and failures - 1 or failures - 4
    if f.at_once or failures >= 5 then wait = math.max(wait, math.min(300000, 2500 * 2 ^ math.min(doublings, 8))) end
    redis.call('HDEL', B, 'probe_until')
  end
  if wait > 0 and NOW + wait > open_until then
    open_until = NOW + wait
    redis.call('HSET', B, 'open_until', int(open_until), 'reason', f.reason)
    if not b[2] and (f.at_once or wait >= 60000) then
      redis.call('HSET', B, 'alerted', 1)
      raise_other_alert('breaker_open', f.severity, f.reason .. ' ' .. f.model)
    end
  end
  redis.call('PEXPIRE', B, int(math.max(600000, (open_until - NOW) * 2)))
end

-- A call has succeeded: everybody may call. An alert that was not sent yet has nothing to say any more.
local function close_breaker(model)
  if redis.call('DEL', P .. 'breaker:' .. model) == 0 then return end
  local A = P .. 'alert:breaker_open'
  local a = redis.call('HMGET', A, 'about', 'sending')
  if not a[1] or a[2] or string.sub(a[1], -#model - 1) ~= ' ' .. model then return end
  redis.call('HSET', A, 'count', 0)
  redis.call('HDEL', A, 'first')
  redis.call('ZREM', P .. 'alerts', 'breaker_open')
  redis.call('DEL', A .. ':tickets')
end
