-- At home: what every shard has drawn, given back and used of a cap; from here on shards may draw under this cap. What was
-- used beyond what was drawn (before there was a cap, or billed above a bound) counts as drawn.
-- ARGV: prefix, '', purse, cap; of each shard: its name, drawn, given back, spent, reserved
local A = P .. 'allot:' .. ARGV[3]
local total, spent, fields = kept(redis.call('HGET', A, 'total')), 0, {}
local _, _, _, switch = purse(ARGV[3])
local cap = tonumber(redis.call('HGET', P .. 'control', switch)) or whole(ARGV[4])
for i = 5, #ARGV, 5 do
  local of = ARGV[i]
  local a = redis.call('HMGET', A, 'drawn:' .. of, 'back:' .. of)
  local has, back, used = whole(ARGV[i + 1]), whole(ARGV[i + 2]), whole(ARGV[i + 3]) + whole(ARGV[i + 4])
  local drawn, gave = math.max(kept(a[1]), has, back + used), math.max(kept(a[2]), back)
  total, spent = total + drawn - kept(a[1]) - gave + kept(a[2]), spent + whole(ARGV[i + 3])
  for _, part in ipairs({'drawn:' .. of, int(drawn), 'back:' .. of, int(gave)}) do fields[#fields + 1] = part end
end

redis.call('HSET', A, 'cap', int(cap), 'total', int(total), 'spent', int(spent), unpack(fields))
redis.call('PEXPIRE', A, 3456000000) -- 40 days
return {int(total), int(spent)}
