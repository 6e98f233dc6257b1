-- Let a message leave again, from its first try, under its own id; not before a decision it tells of can no longer be
-- undone. Returns its ticket; false when there is no such one.
-- ARGV: prefix, '', message id
local O = P .. 'out:' .. ARGV[3]
local ticket = redis.call('HGET', O, 'ticket')
if not ticket then return false end
redis.call('HSET', O, 'attempts', 0)
redis.call('HDEL', O, 'outcome', 'ended', 'error')
redis.call('PERSIST', O)
redis.call('ZREM', P .. 'outbox_failed', ARGV[3])
at_ticket(ticket)
redis.call('ZADD', P .. 'outbox', int(math.max(NOW, tonumber(redis.call('HGET', T, 'undo_until') or '0'))), ARGV[3])
if not string.find(ARGV[3], '.', 1, true) and redis.call('EXISTS', T) == 1 then redis.call('HSET', T, 'delivery', 'pending') end
redis.call('HINCRBY', P .. 'n', 'outbox_redelivered', 1)
return ticket
