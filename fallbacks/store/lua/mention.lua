-- Write down that people were named in a note of a ticket, or that one of them has opened it since.
-- ARGV: prefix, '', 'named' or 'opened', how many tickets a person's list keeps, the ticket's id, people...
local keep, ticket, lists = whole(ARGV[4]), ARGV[5], {}
for i = 6, #ARGV do
  lists[#lists + 1] = P .. 'mentions:' .. ARGV[i]
  redis.call('HLEN', lists[#lists])
end
for _, list in ipairs(lists) do
  if ARGV[3] == 'named' then
    redis.call('HSET', list, ticket, AT)
    if redis.call('HLEN', list) > keep then
      local oldest, at, all = nil, math.huge, redis.call('HGETALL', list)
      for i = 1, #all, 2 do
        local named = tonumber(string.match(all[i + 1], '^%d+')) or 0
        if named < at then oldest, at = all[i], named end
      end
      redis.call('HDEL', list, oldest)
    end
  else
    local named = redis.call('HGET', list, ticket)
    if named and not string.find(named, ' ', 1, true) then redis.call('HSET', list, ticket, named .. ' read') end
  end
end
