-- In a shard: learn what it was allowed of a day's cap. ARGV: prefix, '', day, what it has drawn
local D, drawn = P .. 'day:' .. ARGV[3], whole(ARGV[4])
if drawn > kept(redis.call('HGET', D, 'drawn')) then redis.call('HSET', D, 'drawn', int(drawn)) end
return 1
