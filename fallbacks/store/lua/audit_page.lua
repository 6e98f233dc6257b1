-- Check one page of ticket rows against their indexes, their journals, their limits and their effects; each in one moment.
-- A shard walks its state indexes: the node has other shards' keys, too.
-- ARGV: prefix, '', SCAN cursor (of a shard: number of the index, `:` and its ZSCAN cursor), keys to look at, states that stand in due (JSON), states that stand in the inbox (JSON),
--   how long a lease may have ended (ms), how late a step may begin (ms)
-- Returns {next cursor, {id, spent, overbilled, spent by day (`20700=12 20701=3`), ...}, {id, what, ...}, effects done, effects open, reservations astray}.
local waits, people, grace, tolerance = cjson.decode(ARGV[5]), cjson.decode(ARGV[6]), whole(ARGV[7]), whole(ARGV[8])
local STATES = {'queued', 'running', 'parked', 'suggested', 'handed_off', 'decided', 'closed', 'cancelled', 'rejected'}
local function walked(cursor) -- a page of a shard: {next cursor, ids}
  local number, at = string.match(cursor, '^(%d+):(%d+)$')
  number = tonumber(number or '0')
  local found, ids = redis.call('ZSCAN', P .. 's:' .. STATES[number + 1], at or '0', 'COUNT', ARGV[4]), {}
  for i = 1, #found[2], 2 do
    if redis.call('EXISTS', P .. 't:' .. found[2][i]) == 1 then ids[#ids + 1] = found[2][i] end -- a stray is found by its index
  end
  if found[1] ~= '0' then return {number .. ':' .. found[1], ids} end
  return {number + 1 < #STATES and (number + 1) .. ':0' or '0', ids}
end
local function scanned(cursor)
  local glob, ids = string.gsub(P, '[%*%?%[%]%^\\]', '\\%0') .. 't:*', {}
  local found = redis.call('SCAN', cursor, 'MATCH', glob, 'COUNT', ARGV[4])
  for i, key in ipairs(found[2]) do ids[i] = string.sub(key, #P + 3) end
  return {found[1], ids}
end
local page = shard() and walked(ARGV[3]) or scanned(ARGV[3])
local spent, problems, done, open, astray = {}, {}, 0, 0, 0

local function wrong(what)
  problems[#problems + 1] = ID
  problems[#problems + 1] = what
end

local function stands_in(index) return redis.call('ZSCORE', P .. index, ID) and true or false end

local function check_indexes(state, facets)
  if not stands_in('s:' .. state) then wrong('is ' .. state .. ' and missing from its state index') end
  if waits[state] and not stands_in('due') then wrong('is ' .. state .. ' and due at no time') end
  if not waits[state] and stands_in('due') then wrong('is ' .. state .. ' and yet due') end
  if not people[state] and stands_in('inbox') then wrong('is ' .. state .. ' and yet in the inbox') end
  if not people[state] then return end
  if not stands_in('inbox') then wrong('is ' .. state .. ' and missing from the inbox') end
  for _, facet in ipairs(cjson.decode(facets or '[]')) do
    if not stands_in('inbox:' .. facet) then wrong('is missing from inbox:' .. facet) end
  end
end

local TOKENS = '"input_tokens":(%d+),"output_tokens":(%d+),"cache_write_tokens":(%d+),"cache_read_tokens":(%d+)'
local LETS_GO = {parked = true, released = true, suggested = true, handed_off = true, decided = true, closed = true,
  cancelled = true, upheld = true}

-- What the journal says: what was paid, how often each effect began and ended, and the steps that no limit allowed.
-- Of the seconds of a run those count in which a worker held it, from its first step on (tasks/run/limits.py).
local function read_journal(limits)
  local found = {paid = 0, days = {}, day_of = {}, begun = {}, ended = {}, answered = false, steps = 0, tokens = 0, over = {}, messages = 0,
    asked = {}, approved = {}, unasked = {}}
  local held, from, started, last = 0, nil, false, 0
  for _, event in ipairs(redis.call('LRANGE', J, 0, -1)) do
    local at, kind, rest = string.match(event, '^{"at":(%d+),"epoch":%d+,"type":"([a-z_]+)"()')
    at = tonumber(at or last)
    if kind == 'step_started' then
      local step = tonumber(string.match(event, '^,"v":%d+,"step":(%d+)', rest) or '0')
      if not started then started, from = true, at end
      local call = string.match(event, '"call_id":"([^"]+)"', rest)
      if call then found.day_of[call] = int(math.floor(at / 86400000)) end
      found.steps = math.max(found.steps, step)
      if limits.tokens and found.tokens >= limits.tokens then found.over.tokens = found.tokens end
      local ms = held + (from and at - from or 0)
      if limits.ms and ms > limits.ms + tolerance then found.over.ms = ms end
    elseif kind == 'model_replied' or kind == 'model_failed' or kind == 'call_lost' then
      local cost = tonumber(string.match(event, '.*"cost_nanodollars":(%d+)') or '0') -- the last: content is before
      local day = found.day_of[string.match(event, '"call_id":"([^"]+)"', rest) or ''] or int(math.floor(at / 86400000))
      found.paid, found.days[day] = found.paid + cost, (found.days[day] or 0) + cost
      local a, b, c, d = string.match(event, '.*' .. TOKENS)
      if a then found.tokens = found.tokens + a + b + c + d end
    elseif kind == 'effect_begun' or kind == 'effect_ended' then
      local count, key = kind == 'effect_begun' and found.begun or found.ended, cjson.decode(event).key
      count[key] = (count[key] or 0) + 1
      if kind == 'effect_begun' and found.asked[key] and not found.approved[key] then found.unasked[#found.unasked + 1] = key end
      if kind == 'effect_begun' then found.approved[key] = nil end
    elseif kind == 'call_proposed' or kind == 'call_edited' or kind == 'call_rejected' then
      local key = cjson.decode(event).key
      found.asked[key], found.approved[key] = true, nil
    elseif kind == 'call_approved' then
      found.approved[cjson.decode(event).key] = true
    elseif kind == 'message_added' then
      found.messages = found.messages + 1
    elseif kind == 'claimed' and started then
      from = at
    elseif kind == 'lease_expired' and from then
      held, from = held + math.max(0, tonumber(string.match(event, '"heard_ms":(%d+)') or last) - from), nil
    end
    if LETS_GO[kind] and from then held, from = held + at - from, nil end
    if kind == 'resumed' or kind == 'reopened' then held, from, started, found.over.ms = 0, nil, false, nil end -- its time and its limit begin anew
    if kind == 'resumed' or kind == 'closed' or kind == 'cancelled'
      or ((kind == 'decided' or kind == 'upheld') and not string.find(event, '^,"v":%d+,"by":"agent",', rest)) then
      found.answered = true -- a person looked at what the agent left open
    end
    if kind ~= 'call_lost' then last = at end -- whoever takes it back writes that, long after
  end
  return found
end

local function limits_of(stored)
  local raw = stored and cjson.decode(stored) or {}
  local function cap(name) return type(raw[name]) == 'number' and raw[name] or nil end
  local seconds = cap('max_seconds')
  return {cost = cap('max_cost_nanodollars'), steps = cap('max_steps'), tokens = cap('max_tokens'), ms = seconds and seconds * 1000}
end

local function check_money(r, paid, cap)
  local charged, held = kept(r[2]), kept(r[3])
  if charged ~= paid then wrong('has spent ' .. int(charged) .. ' and its journal says ' .. int(paid)) end
  if r[3] and r[1] ~= 'running' then
    wrong('holds a reservation of ' .. int(held) .. ' and is ' .. r[1])
    astray = astray + 1
  end
  if cap and charged + held > cap then wrong('has spent or reserved ' .. int(charged + held) .. ' of ' .. int(cap)) end
  if kept(r[8]) > 0 then wrong('was billed for more than was reserved, by ' .. r[8] .. ' of its calls') end
end

local function check_lease(r)
  if r[1] ~= 'running' then return end
  if not (r[4] and r[5]) then return wrong('is running without owner or lease') end
  local ago = NOW - kept(r[5])
  if ago > grace then wrong('is running and its lease ended ' .. int(math.floor(ago / 1000)) .. ' s ago') end
end

local function check_limits(found, limits)
  if limits.steps and found.steps > limits.steps then wrong('began step ' .. int(found.steps) .. ' of ' .. int(limits.steps)) end
  if found.over.tokens then wrong('began a step with ' .. int(found.over.tokens) .. ' of ' .. int(limits.tokens) .. ' tokens used') end
  if found.over.ms then
    wrong('began a step ' .. int(math.floor(found.over.ms / 1000)) .. ' s after its first; ' .. int(limits.ms / 1000) .. ' are allowed')
  end
end

local function check_effects(state, found)
  local effects, begun, ended = redis.call('HGETALL', P .. 'effects:' .. ID), found.begun, found.ended
  local known = {}
  for i = 1, #effects, 2 do
    local key, is_done = effects[i], string.sub(effects[i + 1], 1, 5) == 'done:'
    known[key] = true
    if is_done then done = done + 1 else open = open + 1 end
    if begun[key] ~= 1 then wrong('began the effect ' .. key .. ' ' .. (begun[key] or 0) .. ' times') end
    if (ended[key] or 0) ~= (is_done and 1 or 0) then wrong('ended the effect ' .. key .. ' ' .. (ended[key] or 0) .. ' times') end
    if not is_done and (state == 'decided' or state == 'closed' or state == 'cancelled') and not found.answered then
      wrong('has ended with the effect ' .. key .. ' open')
    end
  end
  for key in pairs(begun) do
    if not known[key] then wrong('began the effect ' .. key .. ', which the ledger does not know') end
  end
end

local function check_calls(state, found, call, approved)
  for _, key in ipairs(found.unasked) do wrong('began the effect ' .. key .. ', which nobody had approved') end
  if call and state ~= 'suggested' then wrong('shows a call to people and is ' .. state) end
  if approved and not waits[state] then wrong('holds an approval and is ' .. state) end
end

local function check()
  local r = redis.call('HMGET', T, 'state', 'spent', 'rsv', 'owner', 'lease', 'limits', 'facets', 'overbilled', 'messages', 'call', 'approved')
  if not r[1] then return wrong('has a row without a state') end
  local limits = limits_of(r[6])
  local found = read_journal(limits)
  check_indexes(r[1], r[7])
  check_money(r, found.paid, limits.cost)
  check_lease(r)
  check_limits(found, limits)
  check_effects(r[1], found)
  check_calls(r[1], found, r[10], r[11])
  local known = redis.call('HLEN', P .. 'messages:' .. ID)
  if kept(r[9]) ~= found.messages or known ~= found.messages then
    wrong('has ' .. int(found.messages) .. ' messages in its journal, ' .. int(kept(r[9])) .. ' in its row and ' .. int(known) .. ' by id')
  end
  spent[#spent + 1] = ID
  spent[#spent + 1] = r[2] or '0'
  spent[#spent + 1] = r[8] or '0'
  local days = {}
  for day, sum in pairs(found.days) do days[#days + 1] = day .. '=' .. int(sum) end
  spent[#spent + 1] = table.concat(days, ' ')
end

for _, id in ipairs(page[2]) do
  at_ticket(id)
  local could, why = pcall(check)
  if not could then wrong('cannot be checked: ' .. (type(why) == 'table' and why.err or tostring(why))) end
end
return {page[1], spent, problems, done, open, astray}
