-- The first day of the month that a day is in, and of the next; days since 1970 (Howard Hinnant's civil_from_days).
local function month_of(day)
  local function day_of_month(z)
    local doe = (z + 719468) % 146097
    local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
    local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
    return doy - math.floor((153 * math.floor((5 * doy + 2) / 153) + 2) / 5) + 1
  end
  local first = day - day_of_month(day) + 1
  return first, first + 31 - day_of_month(first + 31) + 1
end

-- What of a source's money is gone and what is held, of these days. Only a source with a budget has it held by its name.
local function source_used(source, first, last)
  local spent, held = 0, 0
  for day = first, last do
    local sums = redis.call('HMGET', P .. 'day:' .. int(day), 'spent|' .. source, 'reserved|' .. source)
    spent, held = spent + kept(sums[1]), held + kept(sums[2])
  end
  return spent, held
end

-- A budget of which shards draw their shares from home, by its name: a day, "DAY|source", or of a month "FIRST-DAYm|source".
-- Where a shard keeps what it has drawn and given back, which switch sets its cap, and what of it is gone and held here.
local function purse(name)
  local first, month, source = string.match(name, '^(%d+)(m?)|(.*)$')
  local D = P .. 'day:' .. (first or name)
  if not first then
    return D, 'drawn', 'given_back', 'day_cap', function()
      local sums = redis.call('HMGET', D, 'spent', 'reserved')
      return kept(sums[1]), kept(sums[2])
    end
  end
  local of, last = (month == 'm' and '_month|' or '|') .. source, month == 'm' and math.floor(NOW / 86400000) or tonumber(first)
  return D, 'drawn' .. of, 'given_back' .. of, (month == 'm' and 'month_cap:' or 'day_cap:') .. source, function()
    return source_used(source, tonumber(first), last)
  end
end

-- What settling the open reservation of a row needs, nil where there is none. All that it touches is checked.
-- row: {rsv, day, call, model, spent, source, rsv_source}. cost: what it will be settled at; nil: in full, its result was lost.
-- A day counts what is spent by source, too: `sourced` is their sum, and what workers of a former version settled is not in it.
local function settleable(row, cost)
  if not row.rsv then return nil end
  local held, source = kept(row.rsv), row.source or ''
  local sums = redis.call('HMGET', row.day, 'spent', 'reserved', 'sourced', 'spent|' .. source, 'reserved|' .. source)
  if not sums[4] and not row.rsv_source and redis.call('HLEN', row.day) >= 1000 then -- senders name their sources
    source = 'other'
    sums[4] = redis.call('HGET', row.day, 'spent|other')
  end
  local open = {held = held, day = row.day, call = row.call, model = row.model or 'unknown', cost = cost and whole(cost) or held,
    spent = kept(row.spent), day_spent = kept(sums[1]), day_reserved = kept(sums[2]), sourced = kept(sums[3]),
    source = source, source_spent = kept(sums[4]), source_held = row.rsv_source and kept(sums[5])}
  if open.cost > held then -- a provider bills more than it may
    counters('bound_violations')
    kept(redis.call('HGET', T, 'overbilled'))
    open.quiet_until = alertable('bound_violation')
  end
  return open
end
local function settle(open, ...) -- more fields of the row are written with it
  redis.call('HDEL', T, 'rsv', 'rsv_day', 'rsv_call', 'rsv_model', 'rsv_source')
  redis.call('HSET', T, 'spent', int(open.spent + open.cost), ...)
  redis.call('HSET', open.day, 'spent', int(open.day_spent + open.cost), 'reserved', int(open.day_reserved - open.held),
    'sourced', int(open.sourced + open.cost), 'spent|' .. open.source, int(open.source_spent + open.cost))
  if open.source_held then redis.call('HSET', open.day, 'reserved|' .. open.source, int(open.source_held - open.held)) end
  figure('model', open.model, int(open.cost))
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
