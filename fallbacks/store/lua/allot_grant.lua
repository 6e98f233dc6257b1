-- In a shard: learn what it was allowed of a cap. ARGV: prefix, '', purse, what it has drawn
local D, field = purse(ARGV[3])
local drawn = whole(ARGV[4])
if drawn > kept(redis.call('HGET', D, field)) then redis.call('HSET', D, field, int(drawn)) end
return 1
