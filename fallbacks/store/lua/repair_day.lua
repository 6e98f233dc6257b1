-- Give back what a day holds in reserve and no ticket does. Only tickets that run hold reservations: where the audit has seen
-- another with one, this is not called.
-- ARGV: prefix, '', day, most tickets to look at. Returns {reserved before, after}, false where too many run.
local D = P .. 'day:' .. ARGV[3]
local reserved, held = kept(redis.call('HGET', D, 'reserved')), 0
if redis.call('ZCARD', P .. 's:running') > whole(ARGV[4]) then return false end
for _, id in ipairs(redis.call('ZRANGE', P .. 's:running', 0, -1)) do
  local row = redis.call('HMGET', P .. 't:' .. id, 'rsv', 'rsv_day')
  if row[2] == D then held = held + kept(row[1]) end
end
if reserved > held then redis.call('HSET', D, 'reserved', int(held)) end
return {int(reserved), int(math.min(reserved, held))}
