-- The result of an effect.
-- ARGV: prefix, id, header {epoch, owner, lease_ms, key}, result, event
local h = cjson.decode(ARGV[3])
local held, lease = holds(h.epoch, h.owner)
if not held then return {'lost'} end
local renews = lapsing(lease, h.lease_ms)
local known = redis.call('HGET', P .. 'effects:' .. ID, h.key)
if known and string.sub(known, 1, 6) == 'begun:' then
  append(ARGV[5], h.epoch)
  redis.call('HSET', P .. 'effects:' .. ID, h.key, 'done:' .. ARGV[4])
end
if renews then lease_until(h.lease_ms) end
return {'ok'}
