-- The result of a model call: settle at its cost, append what was said, tell the breaker.
-- ARGV: prefix, id, header {epoch, owner, lease_ms, call, cost, breaker, health, failure, meters}, events...
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

if h.health == 'well' then
  close_breaker(h.breaker)
elseif h.failure then
  fail_breaker(h.failure)
else -- it says nothing of the provider: another may probe
  redis.call('HDEL', P .. 'breaker:' .. h.breaker, 'probe_until')
end
return {'ok', int(NOW)}
