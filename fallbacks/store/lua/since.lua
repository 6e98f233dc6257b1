-- What came into sorted indexes since a time, each by its own: at most so many of each, oldest first.
-- ARGV: prefix, '', how many, index, from (ms), index, from...
-- Returns for each index {its size, score of its first member ('' where it is empty), {member, score, member, score...}}
local found = {}
for i = 4, #ARGV, 2 do
  local index = ARGV[i]
  index = P .. index
  found[#found + 1] = {redis.call('ZCARD', index), redis.call('ZRANGE', index, 0, 0, 'WITHSCORES')[2] or '',
    redis.call('ZRANGEBYSCORE', index, ARGV[i + 1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[3])}
end
return found
