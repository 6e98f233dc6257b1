-- Give back what a day holds in reserve and no ticket does. Only tickets that run hold reservations: where the audit has seen
-- another with one, this is not called. The same of each source.
-- ARGV: prefix, '', day, most tickets to look at. Returns {reserved before, after}, false where too many run.
local D = P .. 'day:' .. ARGV[3]
local reserved, held = kept(redis.call('HGET', D, 'reserved')), 0
if redis.call('ZCARD', P .. 's:running') > whole(ARGV[4]) then return false end
local by_source, mended = {}, {}
for _, id in ipairs(redis.call('ZRANGE', P .. 's:running', 0, -1)) do
  local row = redis.call('HMGET', P .. 't:' .. id, 'rsv', 'rsv_day', 'rsv_source', 'source')
  if row[2] == D then
    held = held + kept(row[1])
    if row[3] then by_source[row[4] or ''] = (by_source[row[4] or ''] or 0) + kept(row[1]) end
  end
end
local day = redis.call('HGETALL', D)
for i = 1, #day, 2 do
  local source = string.match(day[i], '^reserved|(.*)$')
  if source and kept(day[i + 1]) > (by_source[source] or 0) then mended[source] = by_source[source] or 0 end
end
if reserved > held then redis.call('HSET', D, 'reserved', int(held)) end
for source, sum in pairs(mended) do redis.call('HSET', D, 'reserved|' .. source, int(sum)) end
return {int(reserved), int(math.min(reserved, held))}
