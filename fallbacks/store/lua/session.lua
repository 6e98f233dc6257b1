-- Open, change or end a session. It is known by the digest of its token, and forgotten when its time is over.
-- ARGV: prefix, '', digest, header {ttl_ms, of (opens it, of this person) | ended | neither (changes an open one)}, field, value...
local h = cjson.decode(ARGV[4])
local S = P .. 'session:' .. ARGV[3]
if h.ended then
  local of = redis.call('HGET', S, 'user')
  if of then redis.pcall('ZREM', P .. 'sessions:' .. of, ARGV[3]) end
  return redis.call('DEL', S)
end
if not h.ttl_ms and redis.call('EXISTS', S) == 0 then return 0 end
if #ARGV % 2 == 1 then error('a field without a value') end
local ttl, mine = h.ttl_ms and whole(h.ttl_ms), P .. 'sessions:' .. (h.of or '')
if ttl then
  texts(h.of)
  redis.call('ZREMRANGEBYSCORE', mine, '-inf', int(NOW - ttl))
end
for i = 5, #ARGV, 2 do redis.call('HSET', S, ARGV[i], ARGV[i + 1]) end
if ttl then
  redis.call('PEXPIRE', S, int(ttl))
  redis.call('ZADD', mine, AT, ARGV[3])
  redis.call('PEXPIRE', mine, int(ttl))
end
return 1
