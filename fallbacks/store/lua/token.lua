-- Keep a short text under a token's digest for a while, look at it, or take it, which works once.
-- ARGV: prefix, '', digest, what ('keep', 'look', 'take'), ttl_ms and text (to keep)
local K = P .. 'token:' .. ARGV[3]
if ARGV[4] == 'keep' then
  texts(ARGV[6])
  redis.call('SET', K, ARGV[6], 'PX', int(whole(ARGV[5])))
  return ARGV[6]
end
local kept = redis.call('GET', K)
if ARGV[4] == 'take' then redis.call('DEL', K) end
return kept or ''
