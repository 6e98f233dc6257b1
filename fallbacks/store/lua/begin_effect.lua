-- The intent of an effect, before it is attempted.
-- One that waits for a person needs what they approved, in time and with nothing added since, and uses it up.
-- ARGV: prefix, id, header {epoch, owner, lease_ms, after, key, honoured, try, approval, heard, meters}, events...
local h = cjson.decode(ARGV[3])
local held, lease = holds(h.epoch, h.owner, h.after)
if not held then return {'lost'} end
local E = P .. 'effects:' .. ID
local known = redis.call('HGET', E, h.key)
if known and string.sub(known, 1, 5) == 'done:' then return {'done', string.sub(known, 6)} end
if known and known ~= 'begun:' .. h.try and not h.honoured then return {'unknown'} end
if not known and not h.honoured then -- the intent of one that was begun may have been lost with the primary before
  local G, row = redis.call('HMGET', P .. 'generation', 'id', 'at'), redis.call('HMGET', T, 'accepted', 'vouched')
  local since = math.max(kept(row[1]), kept(row[2]))
  if kept(G[2]) >= since or failed_over(G[1], server_identity()) then return {'unknown', 'failover'} end
end
if h.approval and not known then
  if h.heard and kept(lease.news) ~= whole(h.heard) then return {'news'} end
  local given = redis.call('HMGET', T, 'approved', 'approved_until')
  if given[1] ~= h.approval or kept(given[2]) <= NOW then return {'unapproved'} end
end
local renews = lapsing(lease, h.lease_ms)
if known ~= 'begun:' .. h.try then
  for i = 4, known and #ARGV - 1 or #ARGV do append(ARGV[i], h.epoch) end -- the last event is the intent: written once
  redis.call('HSET', E, h.key, 'begun:' .. h.try)
  if h.approval then redis.call('HDEL', T, 'approved', 'approved_until') end
  count_all(h.meters)
end
if renews then lease_until(h.lease_ms) end
return {known and 'again' or 'new'}
