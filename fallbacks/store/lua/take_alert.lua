-- Take one due alert: all hand-offs of one reason since the last, as one message with a count.
-- It stays due (hidden for a while) until settled, so an alert is sent at least once, under one id.
-- ARGV: prefix, '', hide_ms
local reason = redis.call('ZRANGEBYSCORE', P .. 'alerts', '-inf', int(NOW), 'LIMIT', 0, 1)[1]
if not reason then return false end
local A = P .. 'alert:' .. reason
redis.call('ZADD', P .. 'alerts', int(NOW + tonumber(ARGV[3])), reason)
if redis.call('HEXISTS', A, 'sending') == 0 then
  local n = redis.call('HGET', A, 'count')
  redis.call('HSET', A, 'sending', n, 'sending_id', reason .. '-' .. redis.call('HINCRBY', A, 'serial', 1), 'count', 0)
end
local row = redis.call('HMGET', A, 'sending_id', 'sending', 'first', 'last', 'severity', 'about')
return {reason, row[1], row[2], row[3], row[4], row[5], redis.call('LRANGE', A .. ':tickets', 0, -1), row[6] or ''}
