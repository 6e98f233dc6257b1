-- In a shard: give back what it does not use of a day's cap. ARGV: prefix, '', day
-- Returns {what it has drawn, what it has given back, spent, reserved}.
local D = P .. 'day:' .. ARGV[3]
local d = redis.call('HMGET', D, 'drawn', 'given_back', 'spent', 'reserved')
local drawn, back, spent, reserved = kept(d[1]), kept(d[2]), kept(d[3]), kept(d[4])
local unused = drawn - back - spent - reserved
if unused > 0 then
  back = back + unused
  redis.call('HSET', D, 'given_back', int(back))
end
return {int(drawn), int(back), int(spent), int(reserved)}
