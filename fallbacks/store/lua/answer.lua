-- A kept answer: read it, or keep one for a while.
-- ARGV: prefix, '', key, value ('' reads), ttl_ms
local K = P .. 'answer:' .. ARGV[3]
if ARGV[4] == '' then return redis.call('GET', K) or '' end
redis.call('SET', K, ARGV[4], 'PX', ARGV[5])
return ARGV[4]
