-- The result of an effect.
-- ARGV: prefix, id, header {epoch, owner, lease_ms, key}, result, event
local h = cjson.decode(ARGV[3])
if not holds(h.epoch, h.owner) then return {'lost'} end
whole(h.lease_ms)
sorted(P .. 'due')
local known = redis.call('HGET', P .. 'effects:' .. ID, h.key)
if known and string.sub(known, 1, 6) == 'begun:' then
  append(ARGV[5], h.epoch)
  redis.call('HSET', P .. 'effects:' .. ID, h.key, 'done:' .. ARGV[4])
end
lease_until(h.lease_ms)
return {'ok'}
