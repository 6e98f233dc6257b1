-- Let a message leave again, from its first try, under its own id; not before a decision it reports can no longer be
-- undone. Returns its ticket; false when there is no such one.
-- ARGV: prefix, '', message id
local O = P .. 'out:' .. ARGV[3]
local ticket = redis.call('HGET', O, 'ticket')
if not ticket then return false end
at_ticket(ticket)
local row = redis.call('HMGET', T, 'undo_until', 'state')
local undo_until = kept(row[1])
sorted(P .. 'outbox', P .. 'outbox_failed')
counters('outbox_redelivered')

redis.call('HSET', O, 'attempts', 0)
redis.call('HDEL', O, 'outcome', 'ended', 'error')
redis.call('PERSIST', O)
redis.call('ZREM', P .. 'outbox_failed', ARGV[3])
redis.call('ZADD', P .. 'outbox', int(math.max(NOW, undo_until)), ARGV[3])
if not string.find(ARGV[3], '.', 1, true) and row[2] then redis.call('HSET', T, 'delivery', 'pending') end
redis.call('HINCRBY', P .. 'n', 'outbox_redelivered', 1)
return ticket
