-- Shared by every script. ARGV[1] is the key prefix, ARGV[2] the ticket id ('' where a script has none).
-- Time is the server's: a worker's own clock decides nothing.
-- A script checks everything before its first write, since Redis does not roll back: a key of another type shows itself when
-- it is read, numbers are held to `whole` and `kept`. The journal is written first, which checks it; taking a member out of
-- an index cannot fail. What cannot be worked on must not stop a script that works on many: see `readable`.
local P, ID = ARGV[1], ARGV[2]
local clock = redis.call('TIME')
local NOW = clock[1] * 1000 + math.floor(clock[2] / 1000)
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

-- A run's end, whoever brings it about. since: when it began (ms).
local function end_run(outcome, reason, since, steps, steps_before)
  count('runs|outcome=' .. outcome .. '|reason=' .. reason)
  observe('run_duration_seconds', (NOW - since) / 1000)
  observe('run_steps', steps - steps_before)
end

-- A failure raises an alert: counted per reason, due in three seconds (a storm gathers), or after the quiet time.
-- Checked first by `alertable`, which returns until when it is quiet.
local function alertable(name)
  local a = redis.call('HMGET', P .. 'alert:' .. name, 'count', 'quiet_until')
  redis.call('LLEN', P .. 'alert:' .. name .. ':tickets')
  sorted(P .. 'alerts')
  return kept(a[1]) and kept(a[2])
end
local function raise_alert(name, severity, quiet_until)
  local A = P .. 'alert:' .. name
  redis.call('HINCRBY', A, 'count', 1)
  redis.call('HSETNX', A, 'first', int(NOW))
  redis.call('HSET', A, 'last', int(NOW), 'severity', severity)
  if redis.call('LPUSH', A .. ':tickets', ID) > 5 then redis.call('LTRIM', A .. ':tickets', 0, 4) end
  redis.call('ZADD', P .. 'alerts', 'NX', int(math.max(NOW + 3000, quiet_until)), name)
end

-- An alert that no hand-off raises; the audit balances those of hand-offs only.
local function raise_other_alert(name, severity, about, quiet_until)
  redis.call('HSET', P .. 'alert:' .. name, 'told_as', 'escalations', 'about', about)
  raise_alert(name, severity, quiet_until)
end

-- A model's circuit breaker learns of a failure {model, reason, severity, at_once, retry_after_ms}. It opens with the fifth
-- in a row, or at once where it is the same for every ticket; for longer with each. Once open for long, people hear of it.
-- `failing` checks, and says what there is to do.
local function failing(f)
  local B = P .. 'breaker:' .. f.model
  local b = redis.call('HMGET', B, 'open_until', 'alerted', 'failures')
  local open_until, failures, wait = kept(b[1]), kept(b[3]) + 1, whole(f.retry_after_ms or 0)
  local plan = {key = B, f = f, counts = NOW >= open_until} -- a call begun before it opened says nothing new
  if plan.counts then
    local doublings = f.at_once and failures - 1 or failures - 4
    if f.at_once or failures >= 5 then wait = math.max(wait, math.min(300000, 2500 * 2 ^ math.min(doublings, 8))) end
  end
  plan.opens = wait > 0 and NOW + wait > open_until
  plan.open_until = plan.opens and NOW + wait or open_until
  if plan.opens and not b[2] and (f.at_once or wait >= 60000) then plan.quiet_until = alertable('breaker_open') end
  return plan
end
local function fail_breaker(plan)
  local B, f = plan.key, plan.f
  if plan.counts then
    redis.call('HINCRBY', B, 'failures', 1)
    redis.call('HDEL', B, 'probe_until')
  end
  if plan.opens then redis.call('HSET', B, 'open_until', int(plan.open_until), 'reason', f.reason) end
  if plan.quiet_until then
    redis.call('HSET', B, 'alerted', 1)
    raise_other_alert('breaker_open', f.severity, f.reason .. ' ' .. f.model, plan.quiet_until)
  end
  redis.call('PEXPIRE', B, int(math.max(600000, (plan.open_until - NOW) * 2)))
end

-- What settling the open reservation of a row needs, nil where there is none. All that it touches is checked.
-- row: {rsv, day, call, model, spent}. cost: what it will be settled at; nil: in full, its result was lost.
local function settleable(row, cost)
  if not row.rsv then return nil end
  local held, sums = kept(row.rsv), redis.call('HMGET', row.day, 'spent', 'reserved')
  kept(row.spent); kept(sums[1]); kept(sums[2])
  local open = {held = held, day = row.day, call = row.call, model = row.model or 'unknown', cost = cost and whole(cost) or held}
  if open.cost > held then -- a provider bills more than it may
    counters('bound_violations')
    kept(redis.call('HGET', T, 'overbilled'))
    open.quiet_until = alertable('bound_violation')
  end
  return open
end
local function settle(open)
  redis.call('HDEL', T, 'rsv', 'rsv_day', 'rsv_call', 'rsv_model')
  redis.call('HINCRBY', T, 'spent', int(open.cost))
  redis.call('HINCRBY', open.day, 'spent', int(open.cost))
  redis.call('HINCRBY', open.day, 'reserved', int(-open.held))
  count('llm_cost_nanodollars|model=' .. open.model, int(open.cost))
  if open.cost > open.held then
    redis.call('HINCRBY', T, 'overbilled', 1)
    redis.call('HINCRBY', P .. 'n', 'bound_violations', 1)
    raise_other_alert('bound_violation', 'error', '', open.quiet_until)
  end
end
local function settle_lost(open, epoch)
  if not open then return end
  append('{"type":"call_lost","v":1,"call_id":' .. cjson.encode(open.call) .. ',"cost_nanodollars":' .. int(open.cost) .. '}', epoch)
  settle(open)
  count('llm_requests|model=' .. open.model .. '|outcome=lost')
end

-- Whether this owner still holds this epoch's lease; and the row's fields that settling needs, read with it.
-- A swept or stolen lease changes state, epoch or owner.
local function holds(epoch, owner)
  local r = redis.call('HMGET', T, 'state', 'epoch', 'owner', 'rsv', 'rsv_day', 'rsv_call', 'rsv_model', 'spent', 'steps', 'settled_call')
  return r[1] == 'running' and r[2] == epoch and r[3] == owner,
    {rsv = r[4], day = r[5], call = r[6], model = r[7], spent = r[8], steps = r[9], settled_call = r[10]}
end

-- More fields of the row may be written with it.
local function lease_until(ms, ...)
  redis.call('HSET', T, 'lease', int(NOW + ms), ...)
  due_at(NOW + ms)
end

-- The inbox: one index of everything, one per facet value, all scored by when a person should have looked.
-- facets: a list, checked first by `faceted`. before: those it stands under, nil where it is not in the inbox.
local function faceted(facets)
  sorted(P .. 'inbox')
  for _, facet in ipairs(facets) do sorted(P .. 'inbox:' .. facet) end
  return facets
end
local function leave_inbox(before)
  if not before then return end
  take_out(P .. 'inbox')
  for _, facet in ipairs(before) do take_out(P .. 'inbox:' .. facet) end
  redis.call('HDEL', T, 'facets', 'sla', 'holder', 'held_until', 'held_since', 'snoozed_until')
end

local function enter_inbox(sla, facets, before)
  leave_inbox(before)
  redis.call('HSET', T, 'facets', cjson.encode(facets), 'sla', int(sla))
  redis.call('ZADD', P .. 'inbox', int(sla), ID)
  for _, facet in ipairs(facets) do redis.call('ZADD', P .. 'inbox:' .. facet, int(sla), ID) end
end

-- What `look` finds of one ticket of many, nil where it cannot be read. It must write nothing: a write that is refused
-- (no memory, a replica) is everybody's.
local function readable(look)
  local could, found = pcall(look)
  return could and found or nil
end

-- A call has succeeded: everybody may call. An alert that was not sent yet has nothing to say any more.
-- `closing` checks, and says what there is to do.
local function closing(model)
  local a = redis.call('HMGET', P .. 'alert:breaker_open', 'about', 'sending')
  return {model = model, calms = a[1] and not a[2] and string.sub(a[1], -#model - 1) == ' ' .. model}
end
local function close_breaker(plan)
  redis.call('DEL', P .. 'breaker:' .. plan.model)
  if not plan.calms then return end
  local A = P .. 'alert:breaker_open'
  redis.call('HSET', A, 'count', 0)
  redis.call('HDEL', A, 'first')
  redis.pcall('ZREM', P .. 'alerts', 'breaker_open')
  redis.call('DEL', A .. ':tickets')
end
