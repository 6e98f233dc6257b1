-- What became of a delivery.
-- ARGV: prefix, ticket id, message id, outcome (delivered, retry, failed, or hold: that was no try), retry_in_ms, why (one line)
local O = P .. 'out:' .. ARGV[3]
local attempts, again = redis.call('HGET', O, 'attempts'), int(NOW + whole(ARGV[5] or 0))
if not attempts then return {'gone'} end
kept(attempts)
sorted(P .. 'outbox', P .. 'outbox_failed')
counters('outbox_' .. ARGV[4])
-- The ticket shows its first receiver only.
local row = redis.call('HMGET', T, 'state', 'undo_until')
local shown = not string.find(ARGV[3], '.', 1, true) and row[1]
local undone = row[2] and kept(row[2]) <= NOW -- what an undo would need is of no more use

if ARGV[4] == 'hold' then
  redis.call('HINCRBY', O, 'attempts', -1)
  redis.call('ZADD', P .. 'outbox', again, ARGV[3])
  return {'ok'}
end
if undone then redis.call('HDEL', T, 'undo', 'undo_until') end
redis.call('HINCRBY', P .. 'n', 'outbox_' .. ARGV[4], 1)
if ARGV[6] then redis.call('HSET', O, 'error', ARGV[4] == 'delivered' and '' or ARGV[6]) end
if ARGV[4] == 'retry' then
  redis.call('ZADD', P .. 'outbox', again, ARGV[3])
  return {'ok'}
end
redis.call('ZREM', P .. 'outbox', ARGV[3])
redis.call('HSET', O, 'outcome', ARGV[4], 'ended', AT)
redis.call('PEXPIRE', O, 604800000) -- a week in which it can be sent again by command
redis.call('ZREMRANGEBYSCORE', P .. 'outbox_failed', '-inf', int(NOW - 604800000))
if ARGV[4] == 'failed' then redis.call('ZADD', P .. 'outbox_failed', AT, ARGV[3]) end
if shown then redis.call('HSET', T, 'delivery', ARGV[4]) end
return {'ok'}
