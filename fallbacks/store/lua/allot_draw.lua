-- At home: let a shard draw more of a cap. Of each shard is kept what it was ever allowed (`drawn:`, which only this
-- script raises) and what it gave back of that (`back:`, which only the shard raises): whoever has less of either learns it,
-- so a draw whose answer was lost is no loss, and the sum of what shards may use is never above the cap.
-- ARGV: prefix, '', purse, shard, cap (nanodollars), what it needs, what it has drawn, what it has given back, shards
-- Returns {'ok', what it has drawn now}, {'collect', cap} where home has not seen what was used under this cap, or
--   {'no', allotted to all, cap, spent as far as home knows}.
local A, of = P .. 'allot:' .. ARGV[3], ARGV[4]
local _, _, _, switch = purse(ARGV[3])
local cap = tonumber(redis.call('HGET', P .. 'control', switch)) or whole(ARGV[5])
local a = redis.call('HMGET', A, 'cap', 'total', 'spent', 'drawn:' .. of, 'back:' .. of)
if kept(a[1] or '-1') ~= cap then return {'collect', int(cap)} end
local need, has, back = whole(ARGV[6]), whole(ARGV[7]), whole(ARGV[8])
local drawn, gave = math.max(kept(a[4]), has), math.max(kept(a[5]), back)
local total, spent = kept(a[2]) + drawn - kept(a[4]) - gave + kept(a[5]), kept(a[3])
local more, left = need - (drawn - has), cap - total -- what it was allowed and has not heard of comes first

if more > 0 and more <= left then
  local grain = math.min(left, math.max(more, math.floor(left / (4 * whole(ARGV[9])))))
  drawn, total, more = drawn + grain, total + grain, 0
end
redis.call('HSET', A, 'drawn:' .. of, int(drawn), 'back:' .. of, int(gave), 'total', int(total))
if more > 0 then return {'no', int(total), int(cap), int(spent)} end
return {'ok', int(drawn)}
