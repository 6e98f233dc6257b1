-- The result of a model call: settle at its cost, append what was said, tell the breaker.
-- ARGV: prefix, id, header {epoch, owner, lease_ms, call, cost, breaker, health, reason, retry_after_ms, meters}, events...
local h = cjson.decode(ARGV[3])
local held, open = holds(h.epoch, h.owner)
if not held then return {'lost'} end
if open[3] ~= h.call then
  if redis.call('HGET', T, 'settled_call') == h.call then return {'ok', int(NOW)} end
  return {'lost'}
end
settle(h.cost, open)
lease_until(h.lease_ms, 'settled_call', h.call)
append_from(4, h.epoch)
count_all(h.meters)

local B = P .. 'breaker:' .. h.breaker
if h.health == 'well' then
  redis.call('DEL', B)
elseif h.health == 'unwell' then
  local open_until = tonumber(redis.call('HGET', B, 'open_until') or '0')
  local wait = h.retry_after_ms or 0
  if NOW >= open_until then -- a call begun before it opened says nothing new: a burst must not count as failed probes
    local failures = redis.call('HINCRBY', B, 'failures', 1)
    if failures >= 5 then wait = math.max(wait, math.min(300000, 2500 * 2 ^ math.min(failures - 4, 8))) end
    redis.call('HDEL', B, 'probe_until')
  end
  if wait > 0 and NOW + wait > open_until then
    open_until = NOW + wait
    redis.call('HSET', B, 'open_until', int(open_until), 'reason', h.reason)
  end
  redis.call('PEXPIRE', B, int(math.max(600000, (open_until - NOW) * 2)))
end
return {'ok', int(NOW)}
