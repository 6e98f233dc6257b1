-- How many items the saved views hold. Ready to approve are suggestions, and calls that wait: an item is one of them at most.
-- ARGV: prefix, '', those whose items count: `within` (JSON, see `inbox_items`), '' for everybody's.
-- Returns {awake, ready to approve, overdue, asleep}: what is asleep is in the last one only.
local within = ARGV[3] ~= '' and cjson.decode(ARGV[3]) or {seen = {}, unseen = {}}
local asleep, ready = P .. 'snoozed', {P .. 'inbox:queue:suggestions', P .. 'inbox:queue:approvals'}
local n, live = {0, 0, 0, 0}, redis.call('ZCOUNT', P .. 'snoozed', '(' .. AT, '+inf')
local function both(one, other) -- servers before Redis 7 cannot count them
  if redis.call('ZCARD', one) == 0 or redis.call('ZCARD', other) == 0 then return 0 end
  local counted = redis.pcall('ZINTERCARD', 2, one, other)
  return type(counted) == 'number' and counted or #redis.call('ZINTER', 2, one, other)
end
local function add(index, times)
  n[1] = n[1] + times * redis.call('ZCARD', index)
  for _, other in ipairs(ready) do n[2] = n[2] + times * (times > 0 and redis.call('ZCARD', other) or both(index, other)) end
  n[3] = n[3] + times * redis.call('ZCOUNT', index, '-inf', AT)
end
add(P .. 'inbox', 1)
for _, index in ipairs(within.unseen) do add(P .. index, -1) end

local unseen, seen = inbox_sized(within.unseen), nil -- whichever is fewer says whose an item is
if within.unseen[1] and inbox_parted(within) then seen = inbox_sized(within.seen) end
if seen and #seen >= #unseen then seen = nil end
local function theirs(ids)
  local found, open = {}, ids
  for _, index in ipairs(seen or unseen) do
    local left = {}
    for i, score in ipairs(open[1] and redis.call('ZMSCORE', P .. index, unpack(open)) or {}) do
      if not score then left[#left + 1] = open[i] elseif seen then found[#found + 1] = open[i] end
    end
    open = left
  end
  return seen and found or open
end
local function sleeping(ids)
  if not ids[1] then return end
  n[4] = n[4] + #ids
  local due = redis.call('ZMSCORE', P .. 'inbox', unpack(ids))
  local one, other = redis.call('ZMSCORE', ready[1], unpack(ids)), redis.call('ZMSCORE', ready[2], unpack(ids))
  for i = 1, #ids do
    if due[i] then n[1] = n[1] - 1 end
    if one[i] or other[i] then n[2] = n[2] - 1 end
    if due[i] and tonumber(due[i]) <= NOW then n[3] = n[3] - 1 end
  end
end
if live >= redis.call('ZCARD', P .. 'inbox') then return {0, 0, 0, n[1]} end -- all of it
for first = redis.call('ZCOUNT', asleep, '-inf', AT), redis.call('ZCARD', asleep) - 1, 500 do
  sleeping(theirs(redis.call('ZRANGE', asleep, first, first + 499)))
end
return n
