-- A requester's latest twenty tickets, this one first, where the list is not of the ticket's own shard. ARGV: prefix, id, requester
local R = P .. 'req:' .. ARGV[3]
redis.call('LREM', R, 0, ID)
redis.call('LPUSH', R, ID)
redis.call('LTRIM', R, 0, 19)
redis.call('PEXPIRE', R, 7776000000)
return 1
