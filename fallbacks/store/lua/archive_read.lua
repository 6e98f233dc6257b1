-- The longest ended tickets of a state, whole. One whose outcome still waits to be sent, or that can be undone, stays, as
-- does one that cannot be read: only its id is returned.
-- ARGV: prefix, '', state, ended_before_ms, offset, limit
-- Returns {id, row, journal, effects} or {id} each.
local found = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 's:' .. ARGV[3], '-inf', ARGV[4], 'LIMIT', ARGV[5], ARGV[6])) do
  at_ticket(id)
  found[#found + 1] = readable(function()
    local r = redis.call('HMGET', T, 'delivery', 'undo_until')
    if r[1] == 'pending' or kept(r[2]) > NOW then return {id} end
    local journal, effects = redis.call('LRANGE', J, 0, -1), redis.call('HGETALL', P .. 'effects:' .. id)
    local row, beside = redis.call('HGETALL', T), redis.call('HGETALL', P .. 'original:' .. id)
    for i = 1, #beside, 2 do
      row[#row + 1] = beside[i] == 'zlib' and 'original' or beside[i] -- as files of older releases have it
      row[#row + 1] = beside[i + 1]
    end
    return {id, row, journal, effects}
  end) or {id}
end
return found
