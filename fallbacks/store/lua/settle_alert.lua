-- An alert left (or failed: then it is due again). What came meanwhile waits for the quiet time.
-- ARGV: prefix, '', reason, id, sent ('1' or '0'), wait_ms (quiet time, or wait before the next try)
local A = P .. 'alert:' .. ARGV[3]
if redis.call('HGET', A, 'sending_id') ~= ARGV[4] then return {'gone'} end
local again = int(NOW + tonumber(ARGV[6]))
if ARGV[5] == '0' then
  redis.call('ZADD', P .. 'alerts', again, ARGV[3])
  redis.call('HINCRBY', P .. 'n', 'alert_failures', 1)
  return {'ok'}
end
local counter = redis.call('HGET', A, 'told_as') or 'alerts_told'
redis.call('HINCRBY', P .. 'n', counter, counter == 'alerts_told' and redis.call('HGET', A, 'sending') or 1)
redis.call('HDEL', A, 'sending', 'sending_id', 'first')
redis.call('HSET', A, 'quiet_until', again)
if tonumber(redis.call('HGET', A, 'count')) > 0 then
  redis.call('HSET', A, 'first', int(NOW))
  redis.call('ZADD', P .. 'alerts', again, ARGV[3])
else
  redis.call('ZREM', P .. 'alerts', ARGV[3])
  redis.call('DEL', A .. ':tickets')
end
return {'ok'}
