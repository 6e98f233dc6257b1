-- Open, change or end a session. It is known by the digest of its token, and forgotten when its time is over.
-- It ends without its person's doing, too: idle_ms after it was last used, and ttl_ms after it began at the latest.
-- ARGV: prefix, '', digest, header, field, value...; header: {ttl_ms, idle_ms, of} opens it, of this person; {used, ttl_ms,
-- idle_ms} says that it is used; {ended}; {} changes an open one.
local h = cjson.decode(ARGV[4])
local S = P .. 'session:' .. ARGV[3]
if h.ended then
  local of = redis.call('HGET', S, 'user')
  if of then redis.pcall('ZREM', P .. 'sessions:' .. of, ARGV[3]) end
  return redis.call('DEL', S)
end
if h.used then
  local of = redis.call('HGET', S, 'user')
  local began = of and redis.call('ZSCORE', P .. 'sessions:' .. of, ARGV[3])
  if not began then return 0 end
  return redis.call('PEXPIRE', S, int(math.min(whole(h.idle_ms), tonumber(began) + whole(h.ttl_ms) - NOW)))
end
if not h.ttl_ms and redis.call('EXISTS', S) == 0 then return 0 end
if #ARGV % 2 == 1 then error('a field without a value') end
local ttl, mine = h.ttl_ms and whole(h.ttl_ms), P .. 'sessions:' .. (h.of or '')
local lasts = ttl and math.min(ttl, whole(h.idle_ms))
if ttl then
  texts(h.of)
  redis.call('ZREMRANGEBYSCORE', mine, '-inf', int(NOW - ttl))
end
for i = 5, #ARGV, 2 do redis.call('HSET', S, ARGV[i], ARGV[i + 1]) end
if ttl then
  redis.call('PEXPIRE', S, int(lasts))
  redis.call('ZADD', mine, AT, ARGV[3])
  redis.call('PEXPIRE', mine, int(ttl))
end
return 1
