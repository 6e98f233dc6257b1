-- What became of a delivery.
-- ARGV: prefix, ticket id, message id, outcome (delivered, retry, failed, or hold: that was no try), retry_in_ms, why (one line)
local O = P .. 'out:' .. ARGV[3]
if redis.call('EXISTS', O) == 0 then return {'gone'} end
if ARGV[4] == 'hold' then
  redis.call('HINCRBY', O, 'attempts', -1)
  redis.call('ZADD', P .. 'outbox', int(NOW + tonumber(ARGV[5])), ARGV[3])
  return {'ok'}
end
redis.call('HINCRBY', P .. 'n', 'outbox_' .. ARGV[4], 1)
if ARGV[6] then redis.call('HSET', O, 'error', ARGV[4] == 'delivered' and '' or ARGV[6]) end
if ARGV[4] == 'retry' then
  redis.call('ZADD', P .. 'outbox', int(NOW + tonumber(ARGV[5])), ARGV[3])
  return {'ok'}
end
redis.call('ZREM', P .. 'outbox', ARGV[3])
redis.call('HSET', O, 'outcome', ARGV[4], 'ended', int(NOW))
redis.call('PEXPIRE', O, 604800000) -- a week in which it can be sent again by command
redis.call('ZREMRANGEBYSCORE', P .. 'outbox_failed', '-inf', int(NOW - 604800000))
if ARGV[4] == 'failed' then redis.call('ZADD', P .. 'outbox_failed', int(NOW), ARGV[3]) end
local first = not string.find(ARGV[3], '.', 1, true) -- the ticket tells of its first receiver only
if first and redis.call('EXISTS', T) == 1 then redis.call('HSET', T, 'delivery', ARGV[4]) end
return {'ok'}
