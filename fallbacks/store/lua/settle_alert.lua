-- An alert left (or failed: then it is due again). What came meanwhile waits for the quiet time.
-- ARGV: prefix, '', reason, id, sent ('1' or '0'), wait_ms (quiet time, or wait before the next try)
local A = P .. 'alert:' .. ARGV[3]
local row = redis.call('HMGET', A, 'sending_id', 'told_as', 'sending', 'count')
if row[1] ~= ARGV[4] then return {'gone'} end
local again, counter, sending, count = int(NOW + whole(ARGV[6])), row[2] or 'alerts_told', kept(row[3]), kept(row[4])
counters(counter, 'alert_failures')
sorted(P .. 'alerts')

if ARGV[5] == '0' then
  redis.call('ZADD', P .. 'alerts', again, ARGV[3])
  redis.call('HINCRBY', P .. 'n', 'alert_failures', 1)
  return {'ok'}
end
redis.call('HINCRBY', P .. 'n', counter, counter == 'alerts_told' and int(sending) or 1)
redis.call('HDEL', A, 'sending', 'sending_id', 'first')
redis.call('HSET', A, 'quiet_until', again)
if count > 0 then
  redis.call('HSET', A, 'first', AT)
  redis.call('ZADD', P .. 'alerts', again, ARGV[3])
else
  redis.call('ZREM', P .. 'alerts', ARGV[3])
  redis.call('DEL', A .. ':tickets')
end
return {'ok'}
