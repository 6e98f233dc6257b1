-- The ticket that a mail is, or was added to: read it, or keep it for a while.
-- ARGV: prefix, '', id of the mail, ticket id ('' reads), ttl_ms
local K = P .. 'thread:' .. ARGV[3]
if ARGV[4] == '' then return redis.call('GET', K) or '' end
redis.call('SET', K, ARGV[4], 'PX', int(whole(ARGV[5])))
return ARGV[4]
