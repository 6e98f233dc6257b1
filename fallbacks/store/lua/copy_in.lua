-- In a shard: take a newer copy of a hash at home. ARGV: prefix, '', hash, version, ms that it lives for or -1, field, value...
-- Returns whether it was newer.
local C, version, ttl = P .. 'copies', whole(ARGV[4]), whole(ARGV[5])
if kept(redis.call('HGET', C, 'version:' .. ARGV[3])) >= version then return 0 end
redis.call('HLEN', P .. ARGV[3])
redis.call('DEL', P .. ARGV[3])
if #ARGV > 5 then redis.call('HSET', P .. ARGV[3], unpack(ARGV, 6)) end
if ttl > 0 then redis.call('PEXPIRE', P .. ARGV[3], int(ttl)) end
redis.call('HSET', C, 'version:' .. ARGV[3], int(version))
return 1
