-- Keep a field of a hash, once: the first value stays, and whoever comes later gets it.
-- ARGV: prefix, '', hash, field, value (a JSON object, stamped with the time)
local H = P .. ARGV[3]
redis.call('HSETNX', H, ARGV[4], '{"at":' .. AT .. ',' .. string.sub(ARGV[5], 2))
return redis.call('HGET', H, ARGV[4])
