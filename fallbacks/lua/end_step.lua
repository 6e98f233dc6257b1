-- The result of a model call: settle at its cost, append what was said, tell the breaker.
-- ARGV: prefix, id, header {epoch, owner, lease_ms, call, cost, breaker, health, reason, retry_after_ms}, events...
local h = cjson.decode(ARGV[3])
if not holds(h.epoch, h.owner) then return {'lost'} end
if redis.call('HGET', T, 'rsv_call') ~= h.call then
  if redis.call('HGET', T, 'settled_call') == h.call then return {'ok', int(NOW)} end
  return {'lost'}
end
settle(h.cost)
redis.call('HSET', T, 'settled_call', h.call)
lease_until(h.lease_ms)
append_from(4, h.epoch)

local B = P .. 'breaker:' .. h.breaker
if h.health == 'well' then
  redis.call('DEL', B)
elseif h.health == 'unwell' then
  local failures = redis.call('HINCRBY', B, 'failures', 1)
  local wait = 0
  if failures >= 5 then wait = math.min(300000, 2500 * 2 ^ math.min(failures - 4, 8)) end
  wait = math.max(wait, h.retry_after_ms or 0)
  if wait > 0 then redis.call('HSET', B, 'open_until', int(NOW + wait), 'reason', h.reason) end
  redis.call('HDEL', B, 'probe_until')
  redis.call('PEXPIRE', B, int(math.max(600000, wait * 2)))
end
return {'ok', int(NOW)}
