-- What settling the open reservation of a row needs, nil where there is none. All that it touches is checked.
-- row: {rsv, day, call, model, spent}. cost: what it will be settled at; nil: in full, its result was lost.
local function settleable(row, cost)
  if not row.rsv then return nil end
  local held, sums = kept(row.rsv), redis.call('HMGET', row.day, 'spent', 'reserved')
  local open = {held = held, day = row.day, call = row.call, model = row.model or 'unknown', cost = cost and whole(cost) or held,
    spent = kept(row.spent), day_spent = kept(sums[1]), day_reserved = kept(sums[2])}
  if open.cost > held then -- a provider bills more than it may
    counters('bound_violations')
    kept(redis.call('HGET', T, 'overbilled'))
    open.quiet_until = alertable('bound_violation')
  end
  return open
end
local function settle(open, ...) -- more fields of the row are written with it
  redis.call('HDEL', T, 'rsv', 'rsv_day', 'rsv_call', 'rsv_model')
  redis.call('HSET', T, 'spent', int(open.spent + open.cost), ...)
  redis.call('HSET', open.day, 'spent', int(open.day_spent + open.cost), 'reserved', int(open.day_reserved - open.held))
  figure('model', open.model, int(open.cost))
  figure('source', redis.call('HGET', T, 'source') or '', int(open.cost))
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
