-- The totals, all in one moment, and the money of every ticket that may have moved since a time.
-- ARGV: prefix, '', since_ms, limit (of such tickets), longest pause in days, states (JSON), reasons (JSON)
-- Returns {now, sizes of the state indexes, due, inbox, counters, {day, spent, reserved, cap or '', of
--   it counted by source, sum of the sources, ...},
--   {reason, not sent yet, due to be sent, ...}, {id, spent, rsv, rsv_day, ...} or false where there are too many}.
local limit, states = tonumber(ARGV[4]), cjson.decode(ARGV[6])
local sizes, days, alerts, moved, seen = {}, {}, {}, {}, {}
for i, state in ipairs(states) do sizes[i] = redis.call('ZCARD', P .. 's:' .. state) end

local function by_source(D)
  local fields, sum = redis.call('HGETALL', D), 0
  for i = 1, #fields, 2 do if string.sub(fields[i], 1, 6) == 'spent|' then sum = sum + kept(fields[i + 1]) end end
  return sum
end

-- Back from today, until no day was written for so many days in a row.
local day, unwritten = math.floor(NOW / 86400000), 0
while unwritten <= tonumber(ARGV[5]) do
  local d = redis.call('HMGET', P .. 'day:' .. int(day), 'spent', 'reserved', 'cap', 'sourced')
  unwritten = unwritten + 1
  if d[1] or d[2] then
    unwritten = 0
    days[#days + 1] = int(day)
    days[#days + 1] = d[1] or '0'
    days[#days + 1] = d[2] or '0'
    days[#days + 1] = d[3] or ''
    days[#days + 1] = d[4] or ''
    days[#days + 1] = d[4] and int(by_source(P .. 'day:' .. int(day))) or ''
  end
  day = day - 1
end

for _, reason in ipairs(cjson.decode(ARGV[7])) do
  local a = redis.call('HMGET', P .. 'alert:' .. reason, 'count', 'sending')
  if a[1] then
    alerts[#alerts + 1] = reason
    alerts[#alerts + 1] = int(tonumber(a[1]) + tonumber(a[2] or '0'))
    alerts[#alerts + 1] = redis.call('ZSCORE', P .. 'alerts', reason) and '1' or '0'
  end
end

-- Money moves only while a ticket runs, and every move of a ticket dates its index entry anew.
local function collect(state, from)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 's:' .. state, from, '+inf', 'LIMIT', 0, limit + 1)) do
    if #seen > limit then return end
    seen[#seen + 1] = id
    local r = readable(function() return redis.call('HMGET', P .. 't:' .. id, 'spent', 'rsv', 'rsv_day') end) or {}
    moved[#moved + 1] = {id, r[1] or '0', r[2] or '0', r[3] or ''}
  end
end
for _, state in ipairs(states) do collect(state, state == 'running' and '-inf' or ARGV[3]) end

return {
  AT, sizes, redis.call('ZCARD', P .. 'due'), redis.call('ZCARD', P .. 'inbox'),
  redis.call('HGETALL', P .. 'n'), days, alerts, #seen <= limit and moved,
}
