-- The ticket that an Idempotency-Key is for, where it is not of the ticket's own shard: written before the ticket, so whoever
-- comes next with the key writes no other one. ARGV: prefix, id, key, digest of the body
-- Returns {id, '1' where its body was the same}.
local K = P .. 'idem:' .. ARGV[3]
local seen = redis.call('HMGET', K, 'id', 'digest')
if seen[1] then return {seen[1], seen[2] == ARGV[4] and '1' or '0'} end
redis.call('HSET', K, 'id', ID, 'digest', ARGV[4])
redis.call('PEXPIRE', K, 604800000)
return {ID, '1'}
