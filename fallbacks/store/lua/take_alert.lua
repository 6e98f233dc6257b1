-- Take one due alert: all hand-offs of one reason since the last, as one message with a count.
-- It stays due (hidden for a while) until settled, so an alert is sent at least once, under one id.
-- ARGV: prefix, '', hide_ms
local hide_ms, A, row = whole(ARGV[3])
for _, reason in ipairs(redis.call('ZRANGEBYSCORE', P .. 'alerts', '-inf', AT, 'LIMIT', 0, 20)) do
  A = P .. 'alert:' .. reason
  row = readable(function()
    local r = redis.call('HMGET', A, 'count', 'serial', 'sending', 'sending_id', 'first', 'last', 'severity', 'about')
    kept(r[1]); kept(r[2])
    return {reason = reason, tickets = redis.call('LRANGE', A .. ':tickets', 0, -1), unpack(r)}
  end)
  if row then break end
  redis.call('ZADD', P .. 'alerts', int(NOW + hide_ms), reason) -- no other alert waits for one that cannot be read
end
if not row then return false end
redis.call('ZADD', P .. 'alerts', int(NOW + hide_ms), row.reason)
local sending, id = row[3], row[4]
if not sending then
  sending, id = row[1] or '0', row.reason .. '-' .. redis.call('HINCRBY', A, 'serial', 1)
  redis.call('HSET', A, 'sending', sending, 'sending_id', id, 'count', 0)
end
return {row.reason, id, sending, row[5], row[6], row[7], row.tickets, row[8] or ''}
