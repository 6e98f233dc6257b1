-- Open, change or end a session. It is known by the digest of its token, and forgotten when its time is over.
-- ARGV: prefix, '', digest, header {ttl_ms (opens it) | ended | neither (changes an open one)}, field, value...
local h = cjson.decode(ARGV[4])
local S = P .. 'session:' .. ARGV[3]
if h.ended then return redis.call('DEL', S) end
if not h.ttl_ms and redis.call('EXISTS', S) == 0 then return 0 end
if h.ttl_ms then whole(h.ttl_ms) end
if #ARGV % 2 == 1 then error('a field without a value') end
for i = 5, #ARGV, 2 do redis.call('HSET', S, ARGV[i], ARGV[i + 1]) end
if h.ttl_ms then redis.call('PEXPIRE', S, int(h.ttl_ms)) end
return 1
